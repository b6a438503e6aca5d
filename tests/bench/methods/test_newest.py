"""SADA token by token, L2P and BudCache in `methods few`: what they learn, on a real stage with few steps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from tap_pack.tap_core.calibrate import moved_sigmas
from tap_pack.tap_core.schedules.interval import full_steps
from tap_pack.tap_core.schedules.sada import NOT_STABLE
from tap_pack.tap_core.timeline import Timeline

from methods import few, newest
from methods.few_table import ABOUT, DEFAULTS, is_published
from methods.rows import CourseRows, in_part
from models.demo_stage import DemoStage
from models.stage import Course, Stage, open_stage

COURSE = Course(steps=12, cfg=4.0)
BUDGET = 5


@pytest.fixture(scope="module")
def study() -> Iterator[CourseRows]:
    """Of a small picture; nothing is measured yet. Sigmas are learned in a tenth of the rounds."""
    patch = pytest.MonkeyPatch()
    patch.setattr(moved_sigmas, "ROUNDS", 20)
    demo, whole = DemoStage(64), open_stage("demo")
    stage = Stage("demo", demo.model, (16, 8, 8), whole.prompt, whole.decode, demo.fingerprint)
    yield CourseRows(stage, COURSE, [], lambda: None, (BUDGET,), few.SOLVERS, few.SHOTS)
    patch.undo()


@pytest.fixture(scope="module")
def rows(study: CourseRows) -> dict[str, dict]:
    """A row of each."""
    for contender in (newest.token_wise_contender(), *newest.fitted_contenders()):
        study._turned(study._within_run(contender), BUDGET)
    return {row["name"]: row for row in study.rows}


def fitted(study: CourseRows, name: str) -> tuple[tuple[int, ...], object, Course]:
    """Full steps before the fit, and what the fit makes of the settings."""
    (contender,) = [each for each in newest.fitted_contenders() if each.name == name]
    dial, value = study._turner.turn(contender, BUDGET)
    settings = contender.settings(value, dial)
    before = full_steps(settings.schedule(), Timeline(study.stage.sigmas(COURSE)))
    return (tuple(before), *contender.fit(study._others, settings))


def test_each_has_a_score_at_the_count(rows: dict[str, dict]) -> None:
    assert len(rows) == 5
    for name, row in rows.items():
        assert "error" not in row, name
        assert abs(row["calls"] - BUDGET) <= 1.5 and row["psnr"] > 10, name
    assert len({row["psnr"] for row in rows.values()}) == len(rows)


def test_a_step_in_part_counts_by_its_share_of_the_tokens(study: CourseRows) -> None:
    contender = newest.token_wise_contender()
    # Which pictures have an unstable step is close, and differs from one processor to the other.
    takes = (study.stage.take(number, COURSE, contender.settings(3)) for number in range(12))
    take = next(take for take in takes if take.record.part_steps)
    record = take.record
    assert in_part([take]) == {"part_steps": len(record.part_steps)}
    assert len(record.full_steps) < take.calls < len(record.full_steps) + len(record.part_steps)
    whole = [e for e in record.evaluations if e.full and e.reason == NOT_STABLE]
    assert not whole


@pytest.mark.parametrize("name", ["L2P, closed loop", f"{DEFAULTS}, L2P's weights"])
def test_weights_are_learned_for_the_steps_on_runs_that_skip(study: CourseRows, name: str) -> None:
    full, settings, course = fitted(study, name)
    learned = settings.given_pool.learned
    assert course == COURSE and settings.given_schedule.steps == learned.full == full and len(full) == BUDGET
    from_full_runs = newest.learned_weights(study._others.whole, full)
    assert learned.numbers != from_full_runs.numbers
    take = study.stage.take(0, COURSE, settings)
    assert set(take.record.predictor_shares) == {"learned 2"}


@pytest.mark.parametrize("which", ["sigmas moved", "skipped sigmas moved"])
def test_sigmas_move_and_the_full_steps_stay(study: CourseRows, which: str) -> None:
    full, settings, course = fitted(study, f"{DEFAULTS}, {which}")
    stock, moved = (torch.tensor(sigmas) for sigmas in (study.stage.sigmas(COURSE), course.moved))
    assert settings.given_schedule.steps == full and moved[[0, -1]].tolist() == stock[[0, -1]].tolist()
    held = [step for step in full if abs(moved[step] - stock[step]) < 1e-5]
    assert len(held) == (len(full) if which.startswith("skipped") else 1)
    assert (moved - stock).abs().max() > 1e-3
    take = study.stage.take(0, course, settings)
    assert take.record.full_steps == list(full) and take.sigmas == course.moved


def test_what_is_learned_is_not_scored() -> None:
    assert not set(newest.LEARNING_SHOTS) & set(few.SHOTS)


def test_the_table_says_what_these_rows_are() -> None:
    assert "share of the tokens" in ABOUT and "two other pictures" in ABOUT
    names = [each.name for each in (newest.token_wise_contender(), *newest.fitted_contenders())]
    assert [name for name in names if is_published(name)] == ["SADA, token-wise", "L2P, closed loop"]
