"""The search for the best places: it finds the best ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations, pairwise

import pytest
import torch
from tap_pack.tap_core.calibrate.placement import PlacementSearch, even_places

STEPS = 10


def random_costs(seed: int, steps: int) -> object:
    """A cost for every past and number of skipped steps, 0 for none; all are independent."""
    known: dict[tuple, float] = {}

    def cost_of(pasts: Sequence[tuple[int, ...]], ahead: int) -> torch.Tensor:
        rows = [[known.setdefault((past, min(j, steps - 1 - past[0])), random.Random(f"{seed}{past}{j}").random() * j)
                 for j in range(ahead + 1)] for past in pasts]
        return torch.tensor(rows, dtype=torch.float64)

    return cost_of


def cost_by_hand(full: Sequence[int], snapshots: int, cost_of: object, steps: int) -> float:
    """The sum over the gaps of one placement."""
    total = 0.0
    for i, (step, after) in enumerate(pairwise([*full, steps])):
        past = tuple(reversed(full[: i + 1]))[:snapshots]
        total += float(cost_of([past], steps)[0, after - step - 1])
    assert step == full[-1]
    return total


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("snapshots", [1, 2, 3])
def test_no_placement_is_better(snapshots: int, seed: int) -> None:
    cost_of = random_costs(seed, STEPS)
    search = PlacementSearch(STEPS, snapshots, STEPS, cost_of)
    for count in range(1, STEPS + 1):
        placements = [(0, *rest) for rest in combinations(range(1, STEPS), count - 1)]
        least = min(placements, key=lambda full: cost_by_hand(full, snapshots, cost_of, STEPS))
        found = search.best(count)
        assert found.full == least
        assert found.cost == pytest.approx(cost_by_hand(least, snapshots, cost_of, STEPS))


def test_no_gap_is_longer_than_allowed() -> None:
    search = PlacementSearch(STEPS, 3, 3, random_costs(1, STEPS))
    assert search.best(2) is None
    for count in (3, 4, 5):
        full = search.best(count).full
        assert max(b - a - 1 for a, b in pairwise([*full, STEPS])) <= 3
    assert search.best(STEPS).full == tuple(range(STEPS))
    assert search.best(STEPS).cost == 0


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_short_runs_have_placements_too(steps: int) -> None:
    search = PlacementSearch(steps, 3, 20, random_costs(1, steps))
    assert search.best(1).full == (0,)
    assert search.best(steps).full == tuple(range(steps))
    assert search.best(steps + 1) is None


def test_long_runs_are_searched_on_fewer_places() -> None:
    assert even_places(5, 50) == [0, 1, 2, 3, 4]
    places = even_places(200, 50)
    assert (len(places), places[0], places[-1]) == (50, 0, 199)
    assert max(b - a for a, b in pairwise(places)) <= 5
    search = PlacementSearch(120, 2, 40, random_costs(2, 120))
    assert set(search.best(6).full) <= set(even_places(120, 50))


def test_progress_rises_to_one() -> None:
    told: list[float] = []
    PlacementSearch(14, 3, 14, random_costs(1, 14), told.append)
    assert told == sorted(told)
    assert told[-1] == 1
