"""Proxy loss of every candidate for every token: the error of its forecast probe, TAP Eq. (7).

P candidates, M = B*N tokens, J = K - 1 differences; symbols as in probe_dots.  p: a candidate's forecast of h.
"""

import torch
from torch import Tensor

from ..errors import TapError
from ..predictors.token_chunks import flat_tokens, token_chunks
from .history import History
from .losses import LOSSES, PROXY_LOSSES
from .probe_dots import HistoryDots, ProbeDots, probe_dots

# These follow from dots of the probes; every other loss needs each forecast.
BY_DOTS = ("cosine", "l2")
# Bytes of temporary tensors per token and candidate while the losses are computed.
LOSS_BYTES = 8 * 4


def proxy_losses(history: History, probe: Tensor, weights: Tensor, loss: str) -> Tensor:
    """Loss [B, N, P] of each candidate against the true probe [B, N, D]; weights: [P, K] float32 on its device.

    Raises TapError for an unknown loss.
    """
    if loss not in PROXY_LOSSES:
        raise TapError(f"proxy_loss is {loss!r}; choose one of {', '.join(PROXY_LOSSES)}.")
    losses = (_losses_by_dots if loss in BY_DOTS else _losses_by_forecasts)(history, probe, weights, loss)
    # A token with no finite loss takes the first candidate, which has the lowest order.
    return losses.nan_to_num_(nan=torch.inf, posinf=torch.inf).view(*probe.shape[:2], -1)


def _losses_by_dots(history: History, probe: Tensor, weights: Tensor, loss: str) -> Tensor:
    """Losses [M, P], computed only from the dots."""
    once = history.dots(probe.device)
    now = probe_dots(history.probes, probe, once)
    reached = now.reach * once.square
    true = once.newest.add(now.lean, alpha=2) + now.rest + (now.reach * reached.add(once.lean, alpha=2)).sum(0)
    reached += once.lean  # <h, q_j>
    losses = torch.empty(len(true), len(weights), device=probe.device)
    for part in token_chunks(len(true), LOSS_BYTES * len(weights), probe.device):
        error, gap = _errors(once, now, reached, weights, part)
        losses[part] = error / probe.shape[-1] if loss == "l2" else _cosine(error, gap, true[part, None])
    return losses


def _errors(
    once: HistoryDots, now: ProbeDots, reached: Tensor, weights: Tensor, part: slice
) -> tuple[Tensor, Tensor]:
    """|p - h|^2 and |p|^2 - |h|^2 of some tokens, [m, P]; no matrix product: TF32 is too coarse for it.

    reached: [J, M] <h, q_j>.
    """
    shares = weights[:, 1:].unbind(1)
    error = now.rest[part, None]
    lean = -(now.lean + now.rest)[part, None]  # <h, p - h>
    for j, share in enumerate(shares):
        u = share - now.reach[j, part, None]  # u_j
        for i, later in enumerate(shares[j + 1 :], start=j + 1):
            u.addcmul_(once.mix[j, i, part, None], later)
        lean = torch.addcmul(lean, u, reached[j, part, None])
        error = torch.addcmul(error, u.square_(), once.square[j, part, None])
    return error, torch.add(error, lean, alpha=2)


def _cosine(error: Tensor, gap: Tensor, true: Tensor) -> Tensor:
    """1 - cos [m, P] from |p - h|^2, |p|^2 - |h|^2 and |h|^2 [m, 1]."""
    true_norm, norm = true.sqrt(), (true + gap).clamp_min_(0).sqrt_()
    stretch = gap / (norm + true_norm)  # |p| - |h|
    return (error - stretch.square_()).clamp_min_(0) / (norm * (2 * true_norm))


def _losses_by_forecasts(history: History, probe: Tensor, weights: Tensor, loss: str) -> Tensor:
    """Losses [M, P], one forecast at a time."""
    kept, (true,) = flat_tokens(history.probes), flat_tokens([probe])
    losses = torch.empty(true.shape[0], len(weights), device=probe.device)
    for part in token_chunks(true.shape[0], 4 * true.shape[1] * (len(kept) + 2), probe.device):
        now = true[part].float()
        probes = [tensor[part].to(now) for tensor in kept]
        for candidate, row in enumerate(weights.unbind(0)):
            forecast = torch.zeros_like(now)
            for weight, tensor in zip(row.unbind(0), probes, strict=True):
                forecast.addcmul_(tensor, weight)
            losses[part, candidate] = LOSSES[loss](forecast, now).squeeze(-1)
    return losses
