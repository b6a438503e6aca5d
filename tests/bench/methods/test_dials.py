"""Turning a dial until so many steps are computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from methods.contenders import Dial
from methods.dials import DialTurner


@dataclass
class Made:
    """A contender whose settings are (dial, value)."""

    dials: list[Dial]
    name: str = "made"

    def settings(self, value: float, dial: int = 0) -> tuple[int, float]:
        """As a contender's."""
        return dial, value


def turner(count: Callable[[int, float, int], int]) -> DialTurner:
    """On three scenes; count: of dial, value and scene."""
    return DialTurner(lambda settings, scene: count(*settings, scene), 3)


def test_a_threshold_is_turned_until_the_mean_of_all_scenes_is_there() -> None:
    # Each scene needs another threshold for the same count.
    dials = turner(lambda dial, value, scene: min(50, round((1 + 0.1 * scene) / value)))
    contender = Made([Dial(None, span=(0.001, 10))])
    for budget in (12, 10, 8, 7):
        _, value = dials.turn(contender, budget)
        mean = sum(min(50, round((1 + 0.1 * scene) / value)) for scene in range(3)) / 3
        assert mean == pytest.approx(budget, abs=0.5)


def test_another_dial_is_tried_where_the_first_is_never_close() -> None:
    contender = Made([Dial(None, range(3, 12)), Dial(None, range(3, 12), says="otherwise")])
    dials = turner(lambda dial, value, scene: (14 - int(value) // 3 if dial == 0 else 20 - int(value)))
    assert dials.turn(contender, 12)[0] == 0
    assert dials.turn(contender, 9) == (1, 11)


def test_the_closest_is_taken_where_no_dial_gets_there() -> None:
    contender = Made([Dial(None, range(3, 6)), Dial(None, range(3, 6))])
    dials = turner(lambda dial, value, scene: 20 + dial + int(value))
    assert dials.turn(contender, 10) == (0, 3)
