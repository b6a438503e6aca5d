"""The second part of `methods`: its counts, its rows, its tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.schedules.tc_pade import TrajectoryStabilitySchedule

from figures.readme_blocks import blocks
from methods import few, few_table, rows
from methods.contenders import Contender, Dial, fixed_contenders, our_contenders
from methods.dials import DialTurner, known_count
from methods.newest import fitted_contenders
from methods.own_settings import own_settings
from models.demo_stage import DemoStage
from models.stage import Course, Stage, Take

COLUMNS = [(steps, count) for steps, counts in few.COUNTS.items() for count in counts]


class Fake:
    """A stage whose pictures are as far from the full one as steps were left out; settings are a number of calls."""

    name = "demo"

    def take(self, number: int, course: Course, settings: int | None = None) -> Take:
        """A grey picture."""
        calls = course.steps if settings is None else settings
        if calls < 0:
            raise TapError("no picture; click somewhere")
        # ddim_uniform would be best, and makes a step more.
        worse = {"simple": 0, "ddim_uniform": -1}.get(course.scheduler, 3)
        picture = torch.full((16, 16, 3), number / 2000 + (20 - calls + worse) / 100)
        # A peak that is the same in all, so that the range of the latents is more than their difference.
        latents = picture.clone()
        latents[0, 0] += 1 + worse / 1000
        return Take(picture, latents, calls, 0.1)

    def takes(self, numbers: list[int], course: Course, settings: int | None = None, seeds: list[int] | None = None
              ) -> list[Take]:
        """The same for each."""
        return [self.take(number, course, settings) for number in seeds or numbers]

    def sigmas(self, course: Course) -> tuple[float, ...]:
        """Even ones."""
        more = course.scheduler == "ddim_uniform"
        return tuple(1 - i / course.steps for i in range(course.steps + 1 + more))


def made(name: str, calls: Callable[[float], int]) -> Contender:
    """A contender that computes so many steps at a value of its dial."""
    dial = Dial(None, span=(0.1, 20.0))
    return SimpleNamespace(name=name, dials=[dial], settings=lambda value, dial: calls(value), fit=None)


def measured(found: list[dict], keep: Callable[[], object]) -> rows.CourseRows:
    """All rows of 20 steps without guidance."""
    study = rows.CourseRows(Fake(), Course(steps=20, cfg=1.0), found, keep, few.COUNTS[20], few.SOLVERS, few.SHOTS)
    study.measure()
    study.measure_own()
    return study


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> rows.CourseRows:
    """Of a method that halves, the defaults, one that fails, and one paper's own settings with 12 calls."""
    contenders = [made(name, lambda value: round(20 / value)) for name in ("halving", few_table.DEFAULTS)]
    contenders.append(made("failing", lambda value: -1))
    own = SimpleNamespace(name="own", turned="halving", settings=lambda: 12)
    monkeypatch.setattr(rows.CourseRows, "_contenders", {each.name: each for each in contenders})
    monkeypatch.setattr(rows, "known_count", lambda settings, sigmas: None)
    monkeypatch.setattr(rows, "own_settings", lambda model: [own])
    kept: list[int] = []
    found = measured([], lambda: kept.append(1))
    assert len(kept) == len(found.rows)
    return found


def row_of(study: rows.CourseRows, name: str, budget: int) -> dict:
    """The only row of a name and budget."""
    (row,) = [row for row in study.rows if (row["name"], row["budget"]) == (name, budget)]
    return row


def test_every_method_is_turned_to_each_count_and_scored_on_other_pictures(study: rows.CourseRows) -> None:
    for budget in (7, 10):
        row = row_of(study, "halving", budget)
        off = (20 - budget) / 100
        assert row["calls"] == budget and row["psnr"] == pytest.approx(-20 * torch.log10(torch.tensor(off)).item())
        solver = row_of(study, "euler, fewer steps", budget)
        assert (solver["calls"], solver["scheduler"]) == (budget, "simple")


def test_what_a_method_fails_with_is_its_row(study: rows.CourseRows) -> None:
    failing = row_of(study, "failing", 7)
    assert failing["error"] == "TapError: no picture; click somewhere"
    assert few_table.cell(failing, 7) == "fails: no picture; click somewhere"


def test_beside_own_settings_stand_the_same_method_and_the_defaults_with_as_many_calls(study: rows.CourseRows) -> None:
    own = row_of(study, "own", few_table.OWN)
    assert own["calls"] == 12
    assert few_table.beside(own, "halving", study.rows) == row_of(study, "halving", 12)
    assert "| demo | own | 21.9 (21.9) [12.0] / 21.9 / 21.9 |" in few_table.own_table({"demo": study.rows})


def test_rows_that_were_found_are_not_measured_again(study: rows.CourseRows) -> None:
    before = list(study.rows)
    assert measured(study.rows, lambda: 1 / 0).rows == before


def test_a_cell_names_the_calls_where_they_are_not_those_of_its_column() -> None:
    row = {"psnr": 40.04, "psnr_worst": 30.0, "calls": 7.0}
    assert few_table.cell(row, 7) == "40.0 (30.0)"
    assert few_table.cell({**row, "calls": 7.67}, 7) == "40.0 (30.0) [7.7]"
    assert few_table.cell({**row, "calls": 9.0}, 7) == "not reached [9.0]"
    assert few_table.cell(None, 7) == "not measured"


def test_methods_that_miss_a_count_stand_below_those_that_do_not() -> None:
    base = {"steps": 20, "cfg": 1.0, "psnr_worst": 1.0, "budget": 7}
    rows = [{**base, "name": "misses", "psnr": 90.0, "calls": 12.0},
            {**base, "name": "worse", "psnr": 40.0, "calls": 7},
            {**base, "name": "euler, fewer steps", "psnr": 50.0, "calls": 7},
            {**base, "name": few_table.FLOOR, "budget": 0, "psnr": 20.0, "calls": 20}]
    lines = few_table.table_of("x", rows).splitlines()[4:]
    assert [line.split(" | ")[0] for line in lines] == [
        "| euler, fewer steps", "| worse", "| misses", "| another seed (floor)"]


def test_below_a_table_stands_what_else_was_turned() -> None:
    base = {"steps": 20, "cfg": 1.0, "psnr_worst": 1.0, "budget": 7, "calls": 7, "psnr": 30.0}
    rows = [{**base, "name": "SADA", "says": "multistep"}, {**base, "name": "FORA", "says": ""},
            {**base, "name": "TAP", "says": "warm-up 1"}, {**base, "name": "euler, fewer steps"}]
    assert few_table.table_of("x", rows).splitlines()[-1].endswith("how many columns: SADA: multistep (1).")


def test_in_short_stand_the_defaults_the_best_published_method_and_the_best_solver() -> None:
    base = {"steps": 28, "cfg": 4.0, "psnr_worst": 1.0, "budget": 8, "calls": 8.0}
    scores = {few_table.DEFAULTS: 40.0, "TAP, even, output, drift repaid": 45.0, "FORA": 30.0, "TAP": 35.0,
              "TeaCache": 50.0, "euler, fewer steps": 20.0, "dpmpp_2m, fewer steps": 25.0}
    rows = [{**base, "name": name, "psnr": score} for name, score in scores.items()]
    # Too many calls to compare.
    rows[4]["calls"] = 12.0
    assert few_table.in_short({"words": rows}).splitlines()[-1] == (
        "| 8 of 28, CFG 4 | 40.0 / 35.0 TAP / 25.0 dpmpp_2m |")


@pytest.mark.parametrize(("steps", "count"), COLUMNS)
def test_every_method_with_known_steps_reaches_every_count(steps: int, count: int) -> None:
    sigmas = tuple(1 - i / steps for i in range(steps + 1))
    turner = DialTurner(lambda settings, _: known_count(settings, sigmas), 1, rows.TURNS)
    for contender in (*our_contenders(), *fixed_contenders(), *fitted_contenders()):
        dial, value = turner.turn(contender, count)
        assert known_count(contender.settings(value, dial), sigmas) == count, contender.name


def test_own_settings_are_those_of_the_papers() -> None:
    demo, balls = own_settings("demo"), own_settings("balls")
    windows = [own.schedule for own in demo if isinstance(own.schedule, TrajectoryStabilitySchedule)]
    assert [(window.interval, window.threshold) for window in windows] == [(4, 0.7), (4, 1.0), (4, 1.3)]
    assert [own.schedule.threshold for own in (demo[-1], balls[-1])] == [0.03, 0.18]
    shares = "SADA, its shares of the run", "SADA, token-wise, its shares of the run"
    for own in (demo, balls):
        whole, in_part = (next(each.schedule for each in own if each.name == name) for name in shares)
        assert whole.start_share == 0.2 and not whole.token_wise
        assert in_part == replace(whole, token_wise=True)
        (by_steps,) = [each.schedule for each in own if each.name == "SADA, step-wise, its shares of the run"]
        assert (by_steps.forecast, by_steps.multistep_from, by_steps.start_share) == ("step-wise", 0.5, 0.2)


def test_papers_settings_run_on_a_model() -> None:
    demo = DemoStage(64)
    whole = few.open_stage("demo")
    small = Stage("demo", demo.model, (16, 8, 8), whole.prompt, whole.decode, demo.fingerprint)
    course = Course(steps=20, cfg=1.0)
    for own in own_settings("demo"):
        take = small.take(0, course, own.settings())
        assert 5 <= take.calls <= 20, own.name
        assert torch.isfinite(take.latents).all()


def test_the_tables_are_those_of_the_results() -> None:
    assert blocks()["methods_few"] == few_table.tables(few.all_kept()["models"])
