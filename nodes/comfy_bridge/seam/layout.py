"""Streams as tokens [B, N, C], and tokens in the shape of a stream again."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

# Most models have one stream; those that also make sound have two.
Whole = Tensor | Sequence[Tensor]


def as_tokens(whole: Whole, batch: int) -> Tensor:
    """[B, N, C], [B, T, H, W, C] or [B * N, C] -> [B, N, C]; several streams are joined in a row."""
    if torch.is_tensor(whole):
        return whole.reshape(batch, math.prod(whole.shape[:-1]) // batch, whole.shape[-1])
    return joined([as_tokens(part, batch) for part in whole])


def like(tokens: Tensor, whole: Whole) -> Whole:
    """Tokens [B, N, C] in the shape and type of `whole`, which has the same number of tokens."""
    if torch.is_tensor(whole):
        return tokens.to(whole.dtype).reshape(whole.shape)
    counts = [part.numel() // part.shape[-1] // len(tokens) for part in whole]
    parts = zip(tokens.split(counts, dim=1), whole, strict=True)
    return [like(part[..., : before.shape[-1]], before) for part, before in parts]


def joined(parts: Sequence[Tensor]) -> Tensor:
    """[B, N, C], joined in a row; missing channels are filled with zeros, which add nothing to a dot product."""
    width = max(part.shape[-1] for part in parts)
    return torch.cat([functional.pad(part, (0, width - part.shape[-1])) for part in parts], dim=1)


def in_one_batch(parts: Sequence[Tensor]) -> Tensor:
    """[B, ...] each, one after the other; a single one is not copied."""
    return parts[0] if len(parts) == 1 else torch.cat(parts)
