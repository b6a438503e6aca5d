"""What wishes are worth once a few pictures were compared: what is sampled, how it is counted, and the table."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from closeness import compared, compared_table, telling
from closeness.courses import COURSES, SHOTS
from figures.readme_blocks import blocks
from models.demo_stage import DemoStage
from models.stage import MODELS, Course, Stage, open_stage

ROOT = Path(__file__).resolve().parents[3]
KEPT = compared.all_kept()


def test_wishes_are_counted_on_pictures_of_their_own() -> None:
    groups = compared.COMPARED, compared.SHOTS, SHOTS, telling.SHOTS, telling.TRACE_SHOTS
    assert len({*itertools.chain(*groups)}) == sum(map(len, groups)) and len(compared.COMPARED) == 3


@pytest.mark.parametrize(("closer", "enough", "number"), [
    ([14.4, 6.8, 13.8], 3, 8), ([14.4], 1, 9), ([14.4], 3, 0), ([None, -8.2, -12.4], 3, 0), ([-8.2, -12.4, 0.0], 3, -8),
    ([3.0, 1.0, 9.0], 3, 0), ([None], 1, 0),
])
def test_the_number_is_that_of_the_button(closer: list[float | None], enough: int, number: float) -> None:
    assert compared.number_of(closer, enough) == number


def test_a_course_is_sampled_again_with_each_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compared, "SHOTS", range(560, 562))
    demo, whole = DemoStage(64), open_stage("demo")
    stage = Stage("demo", demo.model, (16, 8, 8), whole.prompt, whole.decode, demo.fingerprint)
    row = compared.Compared(stage, Course(steps=20, cfg=1.0)).row("good")
    assert len(row["closer"]) == 3
    assert row["one"]["number"] == compared.number_of(row["closer"][:1], enough=1) != 0
    assert all(len(row[way]["psnr"]) == len(compared.SHOTS) for way in ("none", "one", "three"))
    whole = compared.Compared(stage, Course(steps=4, cfg=1.0)).row("good")
    assert whole.keys() == {"none"} and set(whole["none"]["calls"]) == {4}


def made_row(**ways: dict) -> dict:
    return {"model": "words", "quality": "close", "steps": 20, "sampler": "euler", "cfg": 1.0, **ways}


def test_each_column_has_the_pictures_with_its_number() -> None:
    plain = {"number": 0.0, "calls": [10, 20], "psnr": [55.0, 150.0]}
    rows = [made_row(none=plain, one={"number": 12.0, "calls": [5, 4], "psnr": [43.0, 35.0]}, three=plain)]
    line = compared_table.markdown({"rows": [*rows, made_row(none={"calls": [20, 20], "psnr": [150.0, 150.0]})]})
    assert line.splitlines()[2:] == ["| words, close | 75 %; 0 %, 100 %, 0 %, 0 of 1 | 22 %; 50 %, 0 %, 50 %, 1 of 2 "
                                     "| 75 %; 0 %, 100 %, 0 %, 0 of 1 |"]


def test_every_model_has_every_course() -> None:
    found = [(row["model"], row["steps"], row["sampler"], row["cfg"], row["quality"]) for row in KEPT["rows"]]
    assert len(set(found)) == len(found)
    for row in KEPT["rows"]:
        if "closer" in row:
            assert row["one"]["number"] == compared.number_of(row["closer"][:1], enough=1)
            assert row["three"]["number"] == compared.number_of(row["closer"])
    assert {*found} == {(model, *course, quality) for model in MODELS for course in COURSES
                        for quality in compared_table.QUALITIES}


def test_the_table_is_that_of_the_results() -> None:
    assert blocks()["closeness_compared"] == compared_table.markdown(KEPT)


def test_what_the_pages_say_of_it_is_that_of_the_table() -> None:
    lines = {line.split(" | ")[0].strip("| "): re.findall(r"(\d+) %; (\d+) %", line)
             for line in blocks()["closeness_compared"].splitlines()}
    (demo, _, demo_after), (words, _, words_after), (balls, _, balls_after) = (
        lines[f"{model}, close"] for model in ("demo", "words", "balls"))
    page, front = (" ".join((ROOT / name).read_text(encoding="utf-8").split())
                   for name in ("bench/closeness/README.md", "README.md"))
    assert (f"{demo_after[0]} and {words_after[0]} % of the steps of *demo* and *words* are then computed in place of "
            f"{demo[0]} and {words[0]} %, and {demo_after[1]} and {words_after[1]} % of the pictures are as asked in "
            f"place of {demo[1]} and {words[1]} %") in front
    assert (f"by {demo_after[1]} % of the pictures of *demo* in place of {demo[1]}, {words_after[1]} % of *words* in "
            f"place of {words[1]}, {balls_after[1]} % of *balls* in place of {balls[1]}") in page
