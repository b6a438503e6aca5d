"""The picture of a calibration: a row for every number of calls, the chosen one marked."""

from __future__ import annotations

from tap_pack.tap_core.pictures.calibration_image import Row, draw_calibration

SIGMAS = [1 - step / 50 for step in range(51)]
FIVE, TEN = (0, 12, 24, 36, 49), (0, 5, 10, 15, 20, 25, 30, 36, 43, 49)


def test_there_is_a_row_for_every_count() -> None:
    one = draw_calibration("Flux", SIGMAS, [Row(FIVE, 31.0)])
    two = draw_calibration("Flux", SIGMAS, [Row(FIVE, 31.0), Row(TEN, 48.0)])
    assert two.shape[0] == 1
    assert two.shape[3] == 3
    assert two.shape[1] > one.shape[1]
    assert 0 <= float(two.min()) < float(two.max()) <= 1


def test_the_chosen_row_stands_out() -> None:
    pictures = [draw_calibration("Flux", SIGMAS, [Row(FIVE, 31.0, chosen == 5), Row(TEN, 48.0, chosen == 10)])
                for chosen in (0, 5, 10)]
    assert not pictures[0].equal(pictures[1])
    assert not pictures[1].equal(pictures[2])
