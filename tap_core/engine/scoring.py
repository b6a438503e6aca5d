"""Proxy loss of every candidate for every token: the error of its forecast probe, TAP Eq. (7).

P candidates, M = B*N tokens, J = K - 1 differences; symbols as in probe_dots.  p: a candidate's forecast of h.
"""

import torch
from torch import Tensor

from ..errors import TapError
from ..predictors.on_processor import to_device
from ..predictors.token_chunks import flat_tokens, token_chunks
from .history import History
from .losses import LOSSES, PROXY_LOSSES
from .probe_dots import HistoryDots, ProbeDots, probe_dots

# These follow from dots of the probes; every other loss needs each forecast.
BY_DOTS = ("cosine", "l2")
# Temporary tensors in float32 per token and candidate while the losses are computed: so many, and for each difference.
LOSS_TENSORS, LOSS_TENSORS_EACH = 6, 2


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
    dots = once.fixed + now.moved[:, None] * once.moving
    counts = dots[:-1, :2]  # <q_j,q_j> and <h,q_j>: [J, 2, M]
    true = _true(dots, now) if loss == "cosine" else None
    losses = torch.empty(len(now.rest), len(weights), device=probe.device)
    bytes_each = 4 * (LOSS_TENSORS + LOSS_TENSORS_EACH * len(counts)) * len(weights)
    for part in token_chunks(len(losses), bytes_each, probe.device):
        error, lean = _errors(once, now, counts, weights, part)
        if loss == "l2":
            torch.div(error, probe.shape[-1], out=losses[part])
        else:
            _cosine(error, torch.sub(error, lean, alpha=2), true[part, None], losses[part])
    return losses


def _true(dots: Tensor, now: ProbeDots) -> Tensor:
    """4 |h|^2, [M]; a power of two changes no other bit. dots: [J + 1, 3, M], <h0+h,q_j> is the last of three."""
    beyond = (now.reach * dots[:-1, 2]).sum(0)
    return dots[-1, 0].add_(now.rest, alpha=4).add_(beyond, alpha=4)


def _errors(once: HistoryDots, now: ProbeDots, counts: Tensor, weights: Tensor, part: slice) -> Tensor:
    """|p - h|^2 and <h, h - p> of some tokens, [2, m, P]; no matrix product: TF32 is too coarse for it.

    counts: [J, 2, M] what u_j^2 and -u_j of a candidate count in them.
    """
    shares, reach = weights.t()[1:], now.reach[:, part, None]
    parts = torch.empty(len(shares), 2, reach.shape[1], len(weights), device=weights.device)
    squares, opposite = parts.unbind(1)
    torch.sub(reach, shares[:, None], out=opposite)  # -u_j
    for j in range(len(shares)):
        for i in range(j + 1, len(shares)):
            opposite[j].addcmul_(once.mix[j, i, part, None], shares[i], value=-1)
    torch.mul(opposite, opposite, out=squares)
    found = now.start[:, part, None].expand(*parts.shape[1:])
    for each, count in zip(parts, counts[:, :, part, None], strict=True):
        found = torch.addcmul(found, each, count)
    return found


def _cosine(error: Tensor, gap: Tensor, true: Tensor, out: Tensor) -> None:
    """Write 1 - cos into `out` [m, P], from |p - h|^2, |p|^2 - |h|^2 and 4 |h|^2 [m, 1]."""
    twice, norm = true.sqrt(), gap.add(true, alpha=0.25).sqrt_()  # NaN below 0: no finite loss either way
    stretch = gap / norm.add(twice, alpha=0.5)  # |p| - |h|
    torch.div((error - stretch.square_()).clamp_min_(0), norm.mul_(twice), out=out)


def _losses_by_forecasts(history: History, probe: Tensor, weights: Tensor, loss: str) -> Tensor:
    """Losses [M, P], one forecast at a time."""
    kept, (true,) = flat_tokens(history.probes), flat_tokens([probe])
    losses = torch.empty(true.shape[0], len(weights), device=probe.device)
    for part in token_chunks(true.shape[0], 4 * true.shape[1] * (len(kept) + 2), probe.device):
        now = true[part].float()
        probes = [to_device(tensor[part], now.device).to(now) for tensor in kept]
        for candidate, row in enumerate(weights.unbind(0)):
            forecast = torch.zeros_like(now)
            for weight, tensor in zip(row.unbind(0), probes, strict=True):
                forecast.addcmul_(tensor, weight)
            losses[part, candidate] = LOSSES[loss](forecast, now).squeeze(-1)
    return losses
