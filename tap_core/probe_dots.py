"""The few dots per token from which every candidate's proxy loss follows.

K snapshots, newest first: h_0 .. h_{K-1}.  D_j = h_0 - h_j, j = 1..J, J = K - 1.  h: the true probe, e = h - h_0.
Weights sum to 1, so a candidate's error is p - h = -(e + sum_j w_j D_j): nothing else touches the channels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

# float32 working set of one chunk of tokens: small enough for a CPU's cache, large enough to keep a GPU busy.
CHUNK_BYTES = {"cpu": 4 << 20}
CHUNK_BYTES_ACCELERATOR = 64 << 20


@dataclass(frozen=True)
class HistoryDots:
    """Per token, once per full step: <h0,h0> [M], <h0,D_j> [M, J], <D_i,D_j> for i <= j [M, J(J+1)/2]; M = B*N."""

    newest: Tensor
    lean: Tensor
    gram: Tensor


@dataclass(frozen=True)
class ProbeDots:
    """Per token, once per skipped step: <h0,e> [M], <e,e> [M], <e,D_j> [M, J]; M = B*N."""

    lean: Tensor
    change: Tensor
    cross: Tensor


def token_chunks(tokens: int, bytes_per_token: int, device: torch.device) -> Iterator[slice]:
    """Slices over `tokens` whose float32 working set stays within the device's chunk size."""
    budget = CHUNK_BYTES.get(device.type, CHUNK_BYTES_ACCELERATOR)
    size = max(1, budget // bytes_per_token)
    return (slice(start, min(start + size, tokens)) for start in range(0, tokens, size))


def flat_tokens(tensors: list[Tensor]) -> list[Tensor]:
    """The same tensors [B, N, D] as [B*N, D]."""
    return [t.flatten(0, 1) for t in tensors]


def pairs(count: int) -> list[tuple[int, int]]:
    """Index pairs i <= j in the order in which Gram entries are kept."""
    return [(i, j) for i in range(count) for j in range(i, count)]


def history_dots(probes: list[Tensor], device: torch.device) -> HistoryDots:
    """Dots among the probes [B, N, D] of a history, float32 on `device`."""
    kept = flat_tokens(probes)
    tokens, channels = kept[0].shape
    dots = torch.empty(tokens, len(kept), len(kept), device=device)
    for part in token_chunks(tokens, 4 * channels * len(kept), device):
        rows = _differences(kept, part, device)
        torch.bmm(rows, rows.mT, out=dots[part])
    rows, columns = zip(*pairs(len(kept) - 1), strict=True) if len(kept) > 1 else ((), ())
    return HistoryDots(
        newest=dots[:, 0, 0],
        lean=dots[:, 0, 1:],
        gram=dots[:, [i + 1 for i in rows], [j + 1 for j in columns]],
    )


def probe_dots(probes: list[Tensor], probe: Tensor) -> ProbeDots:
    """Dots of the true probe's change [B, N, D] with the history's probes, float32 on the probe's device."""
    kept, (now,) = flat_tokens(probes), flat_tokens([probe])
    tokens, channels = now.shape
    dots = torch.empty(tokens, len(kept) + 1, 1, device=probe.device)
    for part in token_chunks(tokens, 4 * channels * (len(kept) + 1), probe.device):
        change = now[part].float()
        rows = _differences(kept, part, probe.device)
        change = change - rows[:, 0]
        torch.bmm(rows, change.unsqueeze(-1), out=dots[part, 1:])
        dots[part, 0, 0] = change.square().sum(-1)
    return ProbeDots(lean=dots[:, 1, 0], change=dots[:, 0, 0], cross=dots[:, 2:, 0])


def _differences(kept: list[Tensor], part: slice, device: torch.device) -> Tensor:
    """Rows h_0, D_1 .. D_J of some tokens in float32: [m, K, D]."""
    rows = torch.empty(part.stop - part.start, len(kept), kept[0].shape[-1], device=device)
    for row, tensor in zip(rows.unbind(1), kept, strict=True):
        row.copy_(tensor[part])
    for older in rows.unbind(1)[1:]:
        torch.sub(rows[:, 0], older, out=older)
    return rows
