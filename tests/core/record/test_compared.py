"""What pictures that were closer than told make of closer_than_told."""

from __future__ import annotations

import pytest
from tap_pack.tap_core.closeness import MOST_CLOSER
from tap_pack.tap_core.record.compared import KEPT, Compared, setting_for

COURSE = (1.0, 0.5, 0.0, 2.0)


@pytest.mark.parametrize(("closer", "before", "setting"), [
    ([], 0.0, None),
    ([12.4], 0.0, 7), ([14.0, 7.0, 13.0], 0.0, 8), ([14.0, 7.0], 0.0, 4), ([-8.0, 0.0, 1.0], 0.0, None),
    ([3.9, 3.9, 20.0], 0.0, None), ([-5.0, -6.0, 9.0], 12.0, 7), ([25.0] * 3, 20.0, MOST_CLOSER),
    ([25.0] * 3, 30.0, None),
])
def test_the_middle_one_is_set_where_it_is_worth_it(closer: list[float], before: float, setting: int | None) -> None:
    assert setting_for(closer, before) == setting


def test_a_run_counts_once_and_old_ones_are_forgotten() -> None:
    compared = Compared()
    assert compared.add(1, COURSE, 5.0) == [5.0]
    assert compared.add(1, COURSE, 6.0) == [6.0]
    for run in range(2, 2 + KEPT):
        found = compared.add(run, COURSE, float(run))
    assert found == [float(run) for run in range(2, 2 + KEPT)]


def test_each_course_has_its_own_runs() -> None:
    compared, other = Compared(), (*COURSE[:-1], 4.0)
    compared.add(1, COURSE, 5.0)
    assert compared.add(2, other, 7.0) == [7.0]
    assert compared.add(3, COURSE, 6.0) == [5.0, 6.0]
