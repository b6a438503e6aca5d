"""The few numbers per token from which every candidate's proxy loss follows.

K snapshots, newest first: h_0 .. h_{K-1}.  D_j = h_j - h_0, j = 1..J, J = K - 1.  h: the true probe.
q_j: what Gram-Schmidt leaves of D_j, so that D_j = q_j + sum_{i<j} c_ij q_i with q_1 .. q_J orthogonal.
h - h_0 = r + sum_j b_j q_j;  r: the part of the probe's change that no weights can give.

Weights sum to 1, so a candidate's error is p - h = sum_j u_j q_j - r, u_j = w_j + sum_{i>j} c_ji w_i - b_j:
nothing else reads the channels, and the squares of orthogonal parts add up without cancellation.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.linalg import vecdot

from ..predictors.on_processor import to_device
from ..predictors.token_chunks import flat_tokens, token_chunks

# Smallest square of a direction: a token that did not move has square 0.
TINY = 1e-30


@dataclass(frozen=True)
class HistoryDots:
    """Per token, once per full step; M = B*N.

    divisor: <q_j,q_j> [J, M], or TINY where a token did not move. mix: c_ij [J, J, M]. fixed, moving: [J + 1, 3, M];
    <q_j,q_j>, <h,q_j> and <h0+h,q_j> are fixed + b_j moving, and after them 4 (<h0,h0> + 2 <h0,r>), three times, is
    fixed + <h0,r> moving.
    """

    divisor: Tensor
    mix: Tensor
    fixed: Tensor
    moving: Tensor


@dataclass(frozen=True)
class ProbeDots:
    """Per token, once per skipped step: values [J + 3, M], b_j, <h0,r>, <r,r> and the sum of these two; M = B*N."""

    values: Tensor

    @property
    def reach(self) -> Tensor:
        """b_j [J, M]."""
        return self.values[:-3]

    @property
    def moved(self) -> Tensor:
        """b_j and <h0,r> [J + 1, M]."""
        return self.values[:-2]

    @property
    def start(self) -> Tensor:
        """<r,r>, and its sum with <h0,r>, [2, M]."""
        return self.values[-2:]

    @property
    def rest(self) -> Tensor:
        """<r,r> [M]."""
        return self.values[-2]


def history_dots(probes: list[Tensor], device: torch.device) -> HistoryDots:
    """Dots among the probes [B, N, D] of a history, float32 on `device`."""
    kept = flat_tokens(probes)
    (tokens, channels), older = kept[0].shape, len(kept) - 1
    newest = torch.empty(tokens, device=device)
    lean, square = torch.empty(2, older, tokens, device=device)
    mix = torch.empty(older, older, tokens, device=device)
    for part in token_chunks(tokens, 4 * channels * (len(kept) + 1), device):
        first, *differences = _differences(kept, part, device)
        newest[part] = vecdot(first, first)
        for j, direction in enumerate(differences):
            for i, earlier in enumerate(differences[:j]):
                _take_out(direction, earlier, square[i, part].clamp_min(TINY), mix[i, j, part])
            square[j, part] = vecdot(direction, direction)
            lean[j, part] = vecdot(first, direction)
    fixed = torch.cat([torch.stack([square, lean, 2 * lean], dim=1), (4 * newest).expand(1, 3, -1)])
    moving = torch.stack([torch.zeros_like(square), square, square], dim=1)
    moving = torch.cat([moving, torch.full_like(fixed[:1], 8)])
    return HistoryDots(square.clamp_min(TINY), mix, fixed, moving)


def probe_dots(probes: list[Tensor], probe: Tensor, once: HistoryDots) -> ProbeDots:
    """Dots of the true probe's change [B, N, D] with the history's directions, float32 on the probe's device."""
    kept, (now,) = flat_tokens(probes), flat_tokens([probe])
    tokens, channels = now.shape
    values = torch.empty(len(once.divisor) + 3, tokens, device=probe.device)
    lean, rest, both = values[-3:]
    for part in token_chunks(tokens, 4 * channels * (max(len(kept), 2) + 2), probe.device):
        pair = torch.empty(2, len(now[part]), channels, device=probe.device)  # h_0, and the change or what is left
        pair[0].copy_(to_device(kept[0][part], probe.device))
        torch.sub(_wide(now[part]), pair[0], out=pair[1])
        _take_out_all(pair, [older[part] for older in kept[1:]], once, part, values)
        # Both products at once; the reductions are those of each by itself.
        torch.sum(pair * pair[1], -1, out=values[-3:-1, part])
    torch.add(lean, rest, out=both)
    return ProbeDots(values)


def _take_out_all(pair: Tensor, older: list[Tensor], once: HistoryDots, part: slice, values: Tensor) -> None:
    """Write b_j of some tokens into `values` [J + 3, M]; of the change, pair[1] [m, D], only r is left."""
    directions = [_change(each, pair[0]) for each in older]
    for j, direction in enumerate(directions):
        for i, earlier in enumerate(directions[:j]):
            direction.addcmul_(earlier, once.mix[i, j, part, None], value=-1)
        _take_out(pair[1], direction, once.divisor[j, part], values[j, part])


def _differences(kept: list[Tensor], part: slice, device: torch.device) -> list[Tensor]:
    """h_0, D_1 .. D_J of some tokens in float32: K tensors [m, D]."""
    newest = to_device(kept[0][part], device).to(torch.float32)
    return [newest, *(_change(older[part], newest) for older in kept[1:])]


def _change(probe: Tensor, newest: Tensor) -> Tensor:
    """probe - newest, [m, D], in float32 on the device of `newest`, which is float32."""
    return _wide(to_device(probe, newest.device)) - newest


def _wide(probe: Tensor) -> Tensor:
    """No wider than float32; what is shorter is widened on the way, in the same operator."""
    return probe.float() if probe.dtype == torch.float64 else probe


def _take_out(vector: Tensor, direction: Tensor, square: Tensor, share: Tensor) -> None:
    """Write the share [m] of `direction` in `vector`, both [m, D]; `vector` keeps only its orthogonal part."""
    torch.div(vecdot(vector, direction), square, out=share)
    vector.addcmul_(direction, share[:, None], value=-1)
