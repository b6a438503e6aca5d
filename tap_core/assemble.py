"""Each token's forecast, from the weights of the candidate that was chosen for it, TAP Eq. (8) and (9)."""

import torch
from torch import Tensor

from .probe_dots import flat_tokens, token_chunks

HALF_MAX = torch.finfo(torch.float16).max


def assemble(targets: list[Tensor], weights: Tensor, choice: Tensor) -> Tensor:
    """Forecast [B, N, C] in the dtype of the targets: sum_k weights[choice, k] * target_k.

    targets: K tensors [B, N, C], newest first. weights: [P, K] float32. choice: [B, N] index of the candidate.
    """
    kept = flat_tokens(targets)
    tokens, channels = kept[0].shape
    share = weights[choice.flatten().long()]  # [M, K]
    forecast = torch.empty(tokens, channels, dtype=kept[0].dtype, device=weights.device)
    for part in token_chunks(tokens, 8 * channels, weights.device):
        total = kept[0][part].to(share.device) * share[part, :1]
        for k, older in enumerate(kept[1:], start=1):
            total.addcmul_(older[part].to(share.device), share[part, k : k + 1])
        # A bold curve through float16's largest values leads beyond them.
        forecast[part] = total.clamp_(-HALF_MAX, HALF_MAX) if forecast.dtype == torch.float16 else total
    return forecast.view(*choice.shape, channels)
