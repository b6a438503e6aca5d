"""The study of calibration: seconds and estimates of a real stage, and its tables."""

from __future__ import annotations

import pytest

from calibration import command as calibration_study
from models.stage import open_stage


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    """Both rows of the demo model, from one picture and few steps."""
    course, calibrate, read = calibration_study.Course, calibration_study.calibrate, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration_study, "Course", lambda **more: course(steps=16, **more))
        patch.setattr(calibration_study, "SHOTS", range(100, 101))
        patch.setattr(calibration_study, "REPEATS", 2)  # the first call of all warms up
        patch.setattr(calibration_study, "calibrate",
                      lambda runs, *rest: read.append(len(runs)) or calibrate(runs, *rest))
        stage = open_stage("demo")
        made = [{"model": "demo", "name": name, **job()} for name, job in calibration_study.jobs(stage).items()]
    # How many runs were read is known for sure, while seconds depend on what else the machine does.
    assert read[:6] == [1, 1, 2, 2, 3, 3]
    return made


def test_seconds_are_taken_of_all_that_it_needs(rows: list[dict]) -> None:
    seconds = rows[0]["seconds"]
    assert seconds["full"] > 0 and seconds["measured"] > 0
    assert seconds["read"].keys() == {"1", "2", "3"} and min(seconds["read"].values()) > 0


def test_more_calls_are_expected_to_be_closer_and_are(rows: list[dict]) -> None:
    expected, reached = ([rows[1]["estimates"][str(calls)][what] for calls in calibration_study.CALLS]
                         for what in ("expected", "psnr"))
    assert expected[0] > expected[-1] + 5
    assert reached[0] > reached[-1] > 25


def test_the_table_shows_both(rows: list[dict]) -> None:
    table = calibration_study.markdown({"rows": rows})
    assert f"| demo | {rows[0]['seconds']['full']:.2f} |" in table
    estimate = rows[1]["estimates"]["10"]
    assert f"{estimate['expected']:.1f} / {estimate['told']:.1f} / {estimate['psnr']:.1f} (" in table
