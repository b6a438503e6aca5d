"""Proxy loss of every candidate for every token: how far its forecast probe is from the true one, TAP Eq. (7).

P candidates, M = B*N tokens, J = K - 1 differences; symbols as in probe_dots.  p: a candidate's forecast of h.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from .errors import TapError
from .history import History
from .probe_dots import flat_tokens, pairs, probe_dots, token_chunks

PROXY_LOSSES = ("cosine", "l2", "l1")


def proxy_losses(history: History, probe: Tensor, weights: Tensor, loss: str) -> Tensor:
    """Loss [B, N, P] of each candidate against the true probe [B, N, D]; weights: [P, K] float32 on its device.

    cosine is 1 - cos, l2 the mean square, l1 the mean absolute error over the channels.
    Raises TapError for an unknown loss.
    """
    if loss not in PROXY_LOSSES:
        raise TapError(f"proxy_loss is {loss!r}; choose one of {', '.join(PROXY_LOSSES)}.")
    losses = explicit_l1(history, probe, weights) if loss == "l1" else _losses_by_dots(history, probe, weights, loss)
    # A token without a finite loss takes the first, lowest-order candidate.
    return torch.nan_to_num(losses, nan=torch.inf).view(*probe.shape[:2], -1)


def _losses_by_dots(history: History, probe: Tensor, weights: Tensor, loss: str) -> Tensor:
    """Losses [M, P] from K-dimensional algebra alone; written in differences, so that nothing cancels."""
    once, now = history.dots(probe.device), probe_dots(history.probes, probe)
    w = weights[:, 1:].unbind(1)
    products = [w[i] * w[j] * (1 if i == j else 2) for i, j in pairs(len(w))]
    spread = _combine(once.gram, products, len(weights))
    error = (now.change[:, None] + 2 * _combine(now.cross, w, len(weights)) + spread).clamp_min_(0)  # |p - h|^2
    if loss == "l2":
        return error / probe.shape[-1]
    gap = spread - 2 * _combine(once.lean, w, len(weights)) - (2 * now.lean + now.change)[:, None]  # |p|^2 - |h|^2
    true = (once.newest + 2 * now.lean + now.change).clamp_min(0)  # |h|^2
    true_norm, norm = true.sqrt()[:, None], (true[:, None] + gap).clamp_min_(0).sqrt_()
    stretch = gap / (norm + true_norm)  # |p| - |h|
    return (error - stretch.square()).clamp_min_(0) / (2 * norm * true_norm)


def _combine(features: Tensor, rows: Sequence[Tensor], candidates: int) -> Tensor:
    """sum_f features[:, f] * rows[f], [M, P], term by term: a matrix product may run in TF32, which is too coarse."""
    total = features.new_zeros(len(features), candidates)
    for feature, row in zip(features.unbind(1), rows, strict=True):
        total.addcmul_(feature[:, None], row)
    return total


def explicit_l1(history: History, probe: Tensor, weights: Tensor) -> Tensor:
    """Mean absolute error [M, P], forecast by forecast: L1 does not follow from dots."""
    kept, (true,) = flat_tokens(history.probes), flat_tokens([probe])
    losses = torch.empty(true.shape[0], len(weights), device=probe.device)
    for part in token_chunks(true.shape[0], 4 * true.shape[1] * (len(kept) + 2), probe.device):
        now = true[part].float()
        probes = [tensor[part].to(now) for tensor in kept]
        for candidate, row in enumerate(weights.unbind(0)):
            error = -now
            for weight, tensor in zip(row.unbind(0), probes, strict=True):
                error.addcmul_(tensor, weight)
            losses[part, candidate] = error.abs_().mean(-1)
    return losses
