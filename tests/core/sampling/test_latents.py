"""How many latents a run will keep is foreseen for each kind of sampler."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tap_pack.tap_core.sampling.latents import Latents
from tap_pack.tap_core.sampling.replay import Replay

EVERY_THIRD = [step % 3 == 0 for step in range(13)]


def latents(planned: list[bool] | None, twice: float = 0.0, known: bool = True) -> Latents:
    """Of a run with these full and skipped steps, None where they are decided during the run."""
    standing = SimpleNamespace(known=known, twice=twice)
    return Latents(SimpleNamespace(planned=planned), len(EVERY_THIRD), standing, SimpleNamespace(fell_back=""))


@pytest.mark.parametrize("planned", [EVERY_THIRD, None])
@pytest.mark.parametrize(("twice", "at_the_end", "in_the_last_gap"), [
    # Two of each of the 5 full evaluations; three, and a sum while a gap is open, tell how close the run is; an open
    # gap has two of its own and their sum.
    (0.0, 10 + 3, 8 + 4 + 3), (0.9, 20 + 3, 16 + 4 + 3),
])
def test_full_steps_count_by_their_evaluations(
    planned: list[bool] | None, twice: float, at_the_end: int, in_the_last_gap: int
) -> None:
    found = latents(planned, twice)
    assert found.planned(Replay(True, 1.0)) == max(at_the_end, in_the_last_gap)
    # Two of each of the 4 gaps stay with guidance, and under fresh noise.
    assert found.planned(Replay(True, 2.0)) == max(at_the_end + 8, in_the_last_gap + 6)
    noisy = Replay(True, 1.0)
    noisy.noisy = True
    assert found.planned(noisy) == found.planned(Replay(True, 2.0))


def test_without_replay_only_what_tells_how_close_the_run_is_is_kept() -> None:
    assert latents(EVERY_THIRD).planned(None) == 4
    assert latents(EVERY_THIRD, known=False).planned(Replay(True, 1.0)) == 0


@pytest.mark.parametrize(("planned", "twice", "expected"), [
    (EVERY_THIRD, 0.0, 4 + 2), (None, 0.0, 4 + 2), ([step % 2 == 0 for step in range(13)], 0.0, 4 + 1),
    ([step % 2 == 0 for step in range(13)], 1.0, 4 + 2)])
def test_where_latents_are_kept_on_the_processor_those_of_an_open_gap_stay(
    planned: list[bool] | None, twice: float, expected: int
) -> None:
    again, found = Replay(True, 2.0), latents(planned, twice)
    assert found.on_device(again) > expected
    again.put_away()
    assert found.on_device(again) == found.left_behind(again) == expected
    assert found.left_behind(None) == 4
    assert latents(planned, twice, known=False).left_behind(again) == 0
