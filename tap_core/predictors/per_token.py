"""Explicit predictors' arithmetic on chunks of tokens, in float32."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .on_processor import to_device
from .token_chunks import flat_tokens, token_chunks


def by_chunks(streams: Sequence[Tensor], channels: int, device: torch.device, rule: Callable[..., Tensor]) -> Tensor:
    """rule(values [m, C] of each stream, float32) -> [m, channels] over all tokens: [B, N, channels] on `device`.

    streams: tensors [B, N, C]; they may be on another device and differ in C.
    """
    batch, tokens = streams[0].shape[:2]
    flat = flat_tokens(list(streams))
    result = torch.empty(batch * tokens, channels, device=device)
    for part in token_chunks(batch * tokens, 4 * sum(stream.shape[1] for stream in flat), device):
        result[part] = rule(*(to_device(stream[part], device).float() for stream in flat))
    return result.view(batch, tokens, channels)


def length(vectors: Tensor) -> Tensor:
    """Euclidean length over the channels: [m, C] -> [m, 1]."""
    return torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)


def ratio(above: Tensor, below: Tensor) -> Tensor:
    """above / below, and 1 where `below` is 0."""
    return torch.where(below > 0, above / torch.where(below > 0, below, 1), 1)
