"""What a condition's history keeps, and for how long."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tap_pack.tap_core.engine.history import History, Snapshot
from torch import Tensor

from trajectories import noise


def tokens(value: float = 0.0) -> Tensor:
    return torch.full((1, 2, 4), float(value))


def pushed(positions: list[float], length: int = 3) -> History:
    history = History(length)
    for position in positions:
        history.push(Snapshot(position, tokens(position), tokens(-position)))
    return history


def test_the_newest_comes_first_and_the_oldest_drops_out() -> None:
    history = pushed([1, 2, 7, 12])
    assert history.positions == [12, 7, 2]
    assert [float(p.mean()) for p in history.probes] == [12, 7, 2]
    assert [float(t.mean()) for t in history.targets] == [-12, -7, -2]


def test_the_same_moment_is_replaced() -> None:
    history = pushed([1, 2])
    history.push(Snapshot(2.0, tokens(99), tokens(99)))
    assert history.positions == [2, 1]
    assert float(history.probes[0].mean()) == 99


def test_a_second_look_at_a_step_replaces_the_first() -> None:
    assert pushed([1, 1.5, 2, 2.5]).positions == [2.5, 1.5]


@given(st.lists(st.integers(0, 12), min_size=1, max_size=30), st.integers(1, 4))
def test_positions_stay_distinct_and_no_more_than_the_length(steps: list[int], length: int) -> None:
    history = pushed([float(step) for step in steps], length)
    newest_first = list(dict.fromkeys(reversed(steps)))
    assert len(history.positions) <= length
    assert len(set(history.positions)) == len(history.positions)
    assert history.positions[0] == newest_first[0]


@pytest.mark.parametrize(("batch", "count", "fits"), [(1, 2, True), (2, 2, False), (1, 3, False)])
def test_it_fits_only_its_own_batch_and_tokens(batch: int, count: int, fits: bool) -> None:
    assert pushed([0]).fits(batch, count) is fits
    assert not History(3).fits(batch, count)


@pytest.mark.parametrize(("room", "stay"), [(10**6, 3), (3, 3), (2, 2), (1, 1), (0, 0), (-5, 0)])
def test_the_oldest_move_away_until_the_rest_fits(room: int, stay: int) -> None:
    history = pushed([1, 2, 3])
    before, one = history.nbytes, history.snapshots[0].nbytes
    history.move_away(room * one)
    assert [snapshot.away for snapshot in history.snapshots] == [False] * stay + [True] * (3 - stay)
    assert history.device_bytes == stay * one and history.nbytes == before
    assert history.positions == [3, 2, 1] and [float(p.mean()) for p in history.probes] == [3, 2, 1]


def test_what_moved_away_gives_the_same_dots_and_moves_no_second_time() -> None:
    history, other = pushed([1, 2, 3]), pushed([1, 2, 3])
    history.move_away(history.snapshots[0].nbytes)
    moved = history.snapshots[1]
    history.move_away(history.snapshots[0].nbytes)
    assert history.snapshots[1] is moved
    now, before = history.dots(torch.device("cpu")), other.dots(torch.device("cpu"))
    assert torch.equal(now.fixed, before.fixed) and torch.equal(now.divisor, before.divisor)


def test_bytes_count_probes_and_targets() -> None:
    history = History(2)
    history.push(Snapshot(0, torch.zeros(1, 10, 8, dtype=torch.bfloat16), torch.zeros(1, 10, 4)))
    history.push(Snapshot(1, torch.zeros(1, 10, 8, dtype=torch.bfloat16), torch.zeros(1, 10, 4)))
    history.push(Snapshot(2, torch.zeros(1, 10, 8, dtype=torch.bfloat16), torch.zeros(1, 10, 4)))
    assert history.nbytes == 2 * (10 * 8 * 2 + 10 * 4 * 4)


def test_dots_are_worked_out_once_a_full_step_and_again_after_the_next() -> None:
    history, here = History(2), torch.device("cpu")
    history.push(Snapshot(0, noise((1, 3, 8), 0), tokens()))
    first = history.dots(here)
    assert history.dots(here) is first
    history.push(Snapshot(1, noise((1, 3, 8), 1), tokens()))
    assert history.dots(here) is not first
    torch.testing.assert_close(history.dots(here).fixed[-1, 0], 4 * history.probes[0][0].square().sum(-1).float())
