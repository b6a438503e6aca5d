"""The parts of `placement`: its dials, its rows, its tables."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch

from models.stage import Course, Take
from placement import bench as placement_bench
from placement import table as placement_table
from placement.bench import Bench


class Fake:
    """A stage whose pictures are as far from the full one as steps were left out."""

    name = "demo"

    def take(self, number, course, settings=None, seed=None):
        calls = course.steps if course.patch is None else course.patch(None)
        picture = torch.full((16, 16, 3), number / 2000 + (course.steps - calls) / 100)
        return Take(picture, picture, calls, 0.1)

    def takes(self, numbers, course, settings=None, seeds=None):
        return [self.take(number, course, settings) for number in numbers]


def turned_to(count):
    """A contender that computes 20 / value steps."""
    dial = SimpleNamespace(values=(), span=(0.1, 20.0), says="")
    return SimpleNamespace(name="halving", dials=[dial], settings=lambda value, dial: lambda model: count(value))


def test_a_dial_is_turned_to_the_wanted_number_of_calls_and_scored_on_other_pictures():
    kept = []
    bench = Bench(Fake(), Course(), range(3), [], lambda: kept.append(1))
    bench.measure(turned_to(lambda value: round(20 / value)), 8)
    (row,) = bench.rows
    assert row["calls"] == 8 and row["dial"] == pytest.approx(2.5, rel=0.1) and kept == [1]
    assert row["psnr"] == pytest.approx(20 * torch.log10(torch.tensor(100 / 42)).item(), abs=1e-3)
    bench.measure(turned_to(lambda value: 1 / 0), 8)
    assert bench.rows == [row], "a row that was found is not measured again"


def test_tables_name_what_was_computed_and_what_could_not_be():
    base = {"model": "demo", "course": "50 steps, euler, simple, CFG 2", "psnr_worst": 30.0, "ssim": 0.9,
            "ssim_worst": 0.8, "latent_psnr": 45.0}
    rows = [{**base, "name": "A", "budget": 8, "calls": 8.0, "psnr": 40.0},
            {**base, "name": "B", "budget": 8, "calls": 8.9, "psnr": 41.0},
            {**base, "name": "C", "budget": 8, "calls": 12.0, "psnr": 50.0},
            {**base, "name": "floor", "budget": 0, "calls": 50, "psnr": 20.0}]
    lines = placement_table.tables(rows).splitlines()
    assert "| A | 40.0 (30.0) / 0.900 (0.800) / 45.0 |" in lines
    assert "| B | 41.0 (30.0) / 0.900 (0.800) / 45.0 [8.9] |" in lines
    assert "| C | not reached |" in lines and "| floor | 20.0 (30.0) / 0.900 (0.800) / 45.0 |" in lines


def test_dials_are_turned_on_pictures_that_are_not_scored():
    from placement.command import SHOTS

    assert not set(placement_bench.DIAL_SHOTS) & set(range(SHOTS))


def test_rows_of_other_weights_are_measured_again(tmp_path, monkeypatch, capsys):
    from figures import page
    from placement import command as placement

    monkeypatch.setattr(page, "RESULTS", tmp_path)
    assert placement.rows_on_disk("words", "of today") == []
    kept = {"weights": "of today", "rows": [{"name": "A"}]}
    (tmp_path / "placement_words.json").write_text(json.dumps(kept), encoding="utf-8")
    assert placement.rows_on_disk("words", "of today") == placement.rows_on_disk("words") == [{"name": "A"}]
    assert capsys.readouterr().out == ""
    assert placement.rows_on_disk("words", "trained anew") == []
    assert "holds rows of other weights" in capsys.readouterr().out


def test_a_method_that_never_comes_down_to_a_number_of_calls_gives_its_own():
    from placement.bench import label
    from placement.command import Course, fewest_calls

    course = Course(sampler="lcm", alone=True)
    rows = [{"course": label(course), "name": name, "calls": calls}
            for name, calls in (("EasyCache", 19.6), ("EasyCache", 25.0), ("TAP", 10.0))]
    rows.append({"course": label(Course()), "name": "EasyCache", "calls": 10.0})
    assert fewest_calls(rows, course, "EasyCache") == 20
