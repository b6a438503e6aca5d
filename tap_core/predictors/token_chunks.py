"""Tokens a few at a time, so that temporary tensors stay small."""

from collections.abc import Iterator

import torch
from torch import Tensor

# Working set of one chunk of tokens: small enough for a CPU's cache; on a GPU few launches, a single round at FLUX's
# size by default, but no more memory than the model's own first and last layers (bench/run.py overhead, memory).
CHUNK_BYTES = {"cpu": 4 << 20}
CHUNK_BYTES_ACCELERATOR = 64 << 20


def token_chunks(tokens: int, bytes_per_token: int, device: torch.device) -> Iterator[slice]:
    """Slices over `tokens` whose working set stays within the device's chunk size."""
    budget = CHUNK_BYTES.get(device.type, CHUNK_BYTES_ACCELERATOR)
    size = max(1, budget // bytes_per_token)
    return (slice(start, min(start + size, tokens)) for start in range(0, tokens, size))


def flat_tokens(tensors: list[Tensor]) -> list[Tensor]:
    """The same tensors [B, N, D] as [B*N, D]."""
    return [t.flatten(0, 1) for t in tensors]
