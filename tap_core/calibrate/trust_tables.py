"""How far a run with given full steps would learn to trust its forecasts, see `trust`.

The picture and the slope of target auto have their own trust here. In a run they share one: equally close pictures.

T steps, N tokens, S full steps, each forecast from the K full steps before it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ..engine.trust import Trust, trust_terms
from .conditions import Condition
from .rows import Past, Rows, portions


def past_of(full: Sequence[int], number: int, length: int) -> Past:
    """The full steps before the one of this number, newest first, at most `length` of them."""
    return tuple(reversed(full[max(number - length, 0) : number]))


def trust_tables(condition: Condition, full: Sequence[int], rows: Rows, loss: str) -> list[Tensor]:
    """Trust [T, N] of each part of a condition, at each step of a run with these full steps.

    The first two full steps are not forecast, and nothing is learned before the third.
    """
    pasts = [past_of(full, number, rows.snapshots) for number in range(2, len(full))]
    shown = [torch.zeros(2, len(full), part.target.shape[1]) for part in condition.parts]
    for part_of_pasts in portions(pasts):
        numbers = [2 + i for i in part_of_pasts]
        steps = torch.tensor([full[number] for number in numbers])
        found = _trust_terms(condition, [pasts[i] for i in part_of_pasts], steps, rows, loss)
        for all_of_part, part in zip(shown, found, strict=True):
            all_of_part[:, numbers] = part
    return [_table(full, part, len(condition.gram)) for part in shown]


def _trust_terms(condition: Condition, pasts: Sequence[Past], steps: Tensor, rows: Rows, loss: str) -> Iterator[Tensor]:
    """What full steps [S] show of their forecasts, [2, S, N] for each part, see `trust_terms`."""
    past = torch.tensor(pasts)
    ahead = steps - past[:, 0]
    candidates = rows.at(pasts, int(ahead.max()))[torch.arange(len(pasts)), ahead - 1]
    best = condition.best(past, steps[:, None], candidates[:, None], loss)[:, 0]
    for part in condition.parts:
        forecast = torch.einsum("snk,sknc->snc", best, part.target[past])
        pictures = (part.target[past[:, 0]], forecast, part.target[steps])
        yield trust_terms(*(tokens.flatten(0, 1) for tokens in pictures)).unflatten(1, best.shape[:2])


def _table(full: Sequence[int], shown: Tensor, steps: int) -> Tensor:
    """Trust [T, N] from what the full steps showed, one after the other: [2, S, N]."""
    trust, shares = Trust(), []
    for number in range(len(full)):
        trust.add(shown[:, number])
        shares.append(trust.share)
    return torch.stack([shares[bisect_right(full, step) - 1] for step in range(steps)])
