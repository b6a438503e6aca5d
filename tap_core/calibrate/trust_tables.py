"""How far runs with given full steps would learn to trust their forecasts, see `trust`.

T steps, N tokens, L placements, S full steps of all of them, each foreseen from the K full steps before it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ..trust import Trust, came_true
from .conditions import Condition
from .rows import Past, Rows, portions


def past_of(full: Sequence[int], number: int, length: int) -> Past:
    """The full steps before the one of that number, newest first, at most so many."""
    return tuple(reversed(full[max(number - length, 0) : number]))


def trust_tables(condition: Condition, placements: Sequence[Sequence[int]], rows: Rows, loss: str) -> list[Tensor]:
    """Trust [L, T, N] of each part of a condition, at each step of each placement.

    The first two full steps of a run are not foreseen, and nothing is learned before the third.
    """
    foreseen = [(line, number) for line, full in enumerate(placements) for number in range(2, len(full))]
    pasts = [past_of(placements[line], number, rows.snapshots) for line, number in foreseen]
    steps = [placements[line][number] for line, number in foreseen]
    shown = [torch.zeros(2, len(placements), max(map(len, placements)), part.target.shape[1])
             for part in condition.parts]
    for alike in portions(pasts):
        lines, numbers = zip(*(foreseen[i] for i in alike), strict=True)
        found = _came_true(condition, [pasts[i] for i in alike], torch.tensor([steps[i] for i in alike]), rows, loss)
        for all_of_part, part in zip(shown, found, strict=True):
            all_of_part[:, lines, numbers] = part
    return [_table(placements, part, len(condition.gram)) for part in shown]


def _came_true(condition: Condition, pasts: Sequence[Past], steps: Tensor, rows: Rows, loss: str) -> Iterator[Tensor]:
    """What full steps [S] show of their forecasts, [2, S, N] a part, see `came_true`."""
    past = torch.tensor(pasts)
    ahead = steps - past[:, 0]
    candidates = rows.at(pasts, ahead.tolist())[torch.arange(len(pasts)), ahead - 1]
    best = condition.best(past, steps[:, None], candidates[:, None], loss)[:, 0]
    for part in condition.parts:
        forecast = torch.einsum("snk,sknc->snc", best, part.target[past])
        pictures = (part.target[past[:, 0]], forecast, part.target[steps])
        yield came_true(*(tokens.flatten(0, 1) for tokens in pictures)).unflatten(1, best.shape[:2])


def _table(placements: Sequence[Sequence[int]], shown: Tensor, steps: int) -> Tensor:
    """Trust [L, T, N] from what the full steps of all placements showed, one after the other: [2, L, numbers, N]."""
    trust, shares = Trust(), []
    for number in range(shown.shape[2]):
        trust.add(shown[:, :, number])
        shares.append(trust.share)
    newest = [[bisect_right(full, step) - 1 for step in range(steps)] for full in placements]
    return torch.stack(shares)[newest, torch.arange(len(placements))[:, None]]
