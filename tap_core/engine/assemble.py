"""Each token's forecast, from the weights of the candidate that it chose, TAP Eq. (8) and (9)."""

import torch
from torch import Tensor

from ..predictors.on_processor import to_device
from ..predictors.token_chunks import token_chunks

HALF_MAX = torch.finfo(torch.float16).max


def assemble(targets: list[Tensor], weights: Tensor, choice: Tensor, share: Tensor | None = None) -> Tensor:
    """Forecast [B, N, C] in the dtype of the targets: sum_k weights[choice, k] * target_k.

    targets: K tensors [B, N, C], newest first. weights: [P, K] float32. choice: [B, N] index of the candidate.
    share: [B, N], if the weights give a change: how much of it is added to the newest target.
    """
    rows = weights[choice.long()]  # [B, N, K]
    parts = list(token_chunks(rows.shape[1], 8 * targets[0].shape[-1], weights.device))
    if len(rows) == len(parts) == 1 and targets[0].dtype == torch.float32:  # nothing to put together
        held = None if share is None else share[0, :, None].to(rows)
        return _weighted([target[0] for target in targets], rows[0], held)[None]
    forecast = torch.empty_like(targets[0], device=weights.device)
    for picture, row in enumerate(rows.unbind(0)):
        held = None if share is None else share[picture, :, None].to(row)
        for part in parts:
            share_here = None if held is None else held[part]
            total = _weighted([target[picture, part] for target in targets], row[part], share_here)
            # A steep curve through float16's largest values would overflow.
            forecast[picture, part] = total.clamp_(-HALF_MAX, HALF_MAX) if forecast.dtype == torch.float16 else total
    return forecast


def _weighted(targets: list[Tensor], row: Tensor, share: Tensor | None) -> Tensor:
    """Weighted sum [m, C] in float32 of K tensors [m, C], or the newest one and a share of the sum [m, 1]; row: [m, K].
    """
    newest = to_device(targets[0], row.device)
    total = newest * row[:, :1]
    for k, older in enumerate(targets[1:], start=1):
        total.addcmul_(to_device(older, row.device), row[:, k : k + 1])
    return total if share is None else torch.addcmul(newest.to(total), total, share)
