"""How long the histories of a run are kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tap_pack.tap_core.engine.history import Snapshot
from tap_pack.tap_core.sampling.memory import Memory
from tap_pack.tap_core.sampling.notes import Notes

CHANGES: dict[str, Callable[[int], list[str]]] = {
    "another prompt at every step": lambda step: [f"prompt {step}"],
    "another prompt after some steps": lambda step: [f"prompt {step // 4}"],
    "one after the other": lambda step: [("prompt", "other")[step % 2]],
    "a pass on every second step": lambda step: ["prompt", "third pass"][: 1 + step % 2],
    "a pass on every third step": lambda step: ["prompt", "third pass"][: 1 + (step % 3 == 0)],
    "a prompt that ends": lambda step: ["prompt", "other"][: 1 + (step < 5)],
}


def held(length: int, keys_at: Callable[[int], list[str]], tokens: Callable[[int], int] = lambda step: 6) -> list[int]:
    """Bytes of the histories after each of 20 full steps."""
    memory, found = Memory(length, False, Notes([])), []
    for step in range(20):
        values = torch.zeros(1, tokens(step), 16)
        for key in keys_at(step):
            memory.fitting(key, *values.shape[:2]).push(Snapshot(float(step), values, values))
        memory.keep(float(step))
        found.append(memory.nbytes)
    return found


@pytest.mark.parametrize("length", [2, 3, 4])
@pytest.mark.parametrize("change", CHANGES)
def test_conditions_that_come_and_go_take_no_more_memory_than_those_that_stay(change: str, length: int) -> None:
    keys_at = CHANGES[change]
    most = sorted({key.split()[0] for step in range(6) for key in keys_at(step)})
    assert max(held(length, keys_at)) <= max(held(length, lambda step: most))


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_condition_that_ended_is_freed(length: int) -> None:
    assert held(length, CHANGES["a prompt that ends"])[-1] == held(length, lambda step: ["prompt"])[-1]


@pytest.mark.parametrize("room", [0, 1, 3, 4, 5, 6, 7])
def test_histories_give_way_alike_and_never_take_more_than_their_room(room: int) -> None:
    """Two conditions, three snapshots each. At no time is there more on the device."""
    memory, values = Memory(3, False, Notes([])), torch.zeros(1, 6, 16)
    one = 2 * values.nbytes
    for step in range(20):
        for key in ("positive", "negative"):
            history = memory.fitting(key, 1, 6)
            history.push(Snapshot(float(step), values, values))
            memory.make_room(history, room * one)
            assert sum(each.device_bytes for each in memory.histories.values()) <= room * one
        memory.keep(float(step))
    stay = [history.device_bytes // one for history in memory.histories.values()]
    assert sum(stay) == min(room, 6) and max(stay) - min(stay) <= 1
    assert memory.nbytes == 6 * one


def test_a_size_that_changed_is_freed_at_once() -> None:
    grown = held(3, lambda step: ["prompt"], lambda step: 6 if step < 10 else 24)
    assert grown[10:] == [each * 4 for each in held(3, lambda step: ["prompt"])[:10]]
