"""What runs tell of themselves: what is sampled, how it is counted, and the table."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from closeness import telling, telling_table, telling_terms
from closeness.courses import SHOTS
from figures.readme_blocks import blocks
from models.demo_stage import DemoStage
from models.stage import MODELS, Stage, open_stage

ROOT = Path(__file__).resolve().parents[3]
KEPT = telling.all_kept()


def test_each_combination_is_there_once_and_every_sampler_and_way_has_all_intervals() -> None:
    cells = list(telling.cells())
    assert len(cells) == len({cell[:4] for cell in cells}) == 4 * 4 * 7 * 4
    for which in (2, 3):
        intervals = Counter((cell[which], cell[4]) for cell in cells)
        assert len(intervals) == len({cell[which] for cell in cells}) * len(telling.INTERVALS)


def test_its_pictures_are_no_others() -> None:
    assert not set(telling.SHOTS) & {*telling.TRACE_SHOTS, *SHOTS}


@pytest.fixture(scope="module")
def study() -> telling.Telling:
    """Of a small picture."""
    demo, whole = DemoStage(64), open_stage("demo")
    return telling.Telling(Stage("demo", demo.model, (16, 8, 8), whole.prompt, whole.decode, demo.fingerprint))


def test_each_way_is_its_own(study: telling.Telling) -> None:
    rows = {way: study.row((20, 2.0, "euler", way, 4)) for way in telling_table.WAYS}
    for row in rows.values():
        assert row["calls"] == [7, 7] and all(psnr > 10 for psnr in row["psnr"])
        assert all(low <= told <= high for low, told, high in row["told"])
    assert len({tuple(row["psnr"]) for row in rows.values()}) == len(rows)


def test_a_run_that_says_nothing_or_skips_nothing_counts_for_nothing() -> None:
    row = {"model": "words", "steps": 20, "cfg": 1.0, "sampler": "euler", "way": telling_table.TAP, "interval": 3,
           "told": [None, [35.0, 40.0, 58.0]], "psnr": [30.0, 44.0], "calls": [7, 20]}
    assert not telling_table.runs_of([row])
    lines = telling_table.markdown({"rows": [row]}).splitlines()
    assert lines[0].endswith("lie nothing told of the runs of words.")
    assert f"| words, euler |{' nothing told |' * 6}" in lines


def test_a_group_is_counted_by_its_runs() -> None:
    base = {"model": "words", "steps": 20, "sampler": "euler", "way": telling_table.DEFAULTS, "calls": [7, 7]}
    rows = [{**base, "told": [[35.0, 40.0, 58.0], None], "psnr": [44.0, 30.0]},
            {**base, "told": [[25.0, 30.0, 48.0], [3.0, 8.0, 26.0]], "psnr": [24.0, 2.0]},
            {**base, "way": telling_table.TAP, "told": [[25.0, 30.0, 48.0]] * 2, "psnr": [30.0, 30.0]}]
    pairs = telling_table.pairs_of(rows, "words", "euler", telling_table.DEFAULTS)
    assert pairs == [(40.0, 44.0), (30.0, 24.0), (8.0, 2.0)]
    assert telling_table.bias(pairs) == pytest.approx(8 / 3)
    # 24 lies below its span; 2 is of a run that told the least.
    assert telling_table.share_within(rows) == "80 %"


def test_the_table_is_that_of_the_results() -> None:
    assert blocks()["closeness_telling"] == telling_table.markdown(KEPT)
    counts = Counter(row["model"] for row in KEPT["rows"])
    assert counts == dict.fromkeys(MODELS, len(list(telling.cells())))


def biases(way: str = "") -> list[float]:
    """Told minus measured of each model, in the mean."""
    rows = [[row for row in KEPT["rows"] if row["model"] == model and way in ("", row["way"])] for model in MODELS]
    return [telling_table.bias([(told, found) for (_, told, _), found in telling_table.runs_of(some)]) for some in rows]


def test_what_is_said_of_it_is_what_the_results_show() -> None:
    text = " ".join((ROOT / "bench" / "closeness" / "README.md").read_text(encoding="utf-8").split())
    demo, words, balls = biases()
    assert (f"*demo* is told {-demo:.1f} dB too little in the mean, *words* {-words:.1f}, and *balls* {balls:.1f} too "
            "much") in text
    near = re.search(r"In (\d+ of \d+ groups) mean", blocks()["closeness_telling"])
    assert f"{near[1]} have both" in text
    apart = max(max(each) - min(each) for each in zip(*map(biases, telling_table.WAYS), strict=True))
    assert f"in the mean of a model by {apart:.1f} dB at most" in text
    fits = [telling_terms.fitted([run for run in telling_terms.runs_to_fit(KEPT["rows"]) if run[0]["model"] == model])
            for model in MODELS]
    before, after = ([fit[place] for fit in fits] for place in (1, 2))
    assert (f"is {min(after):.1f} to {max(after):.1f} dB in place of {min(before):.1f} to {max(before):.1f}") in text
    # What steps, guidance and second evaluations leave: *words* at CFG 6 stands out.
    left = {(model, place): abs(terms[place]) for model, (terms, *_) in zip(MODELS, fits, strict=True)
            for place in range(4)}
    most = left.pop(("words", 2))
    assert f"leave {max(left.values()):.1f} dB at most, and {most:.1f} on *words* at CFG 6" in text
    assert most > max(left.values())


def test_terms_are_found_again() -> None:
    rows = [{"model": "words", "steps": steps, "cfg": cfg, "sampler": sampler, "calls": [3],
             "told": [[0.0, told, 99.0]],
             "psnr": [told + 9 - 6 * (steps == 8) - 2 * (cfg == 4) - 5 * (cfg == 6) - 3 * (sampler == "heun")]}
            for steps in (8, 20) for cfg in (1, 4, 6) for sampler in ("euler", "heun") for told in (20.0, 40.0)]
    terms, before, after = telling_terms.fitted(telling_terms.runs_to_fit(rows))
    assert terms == pytest.approx([-6, -2, -5, -3, 0], abs=1e-6) and before > 2 and after < 1e-6
    assert not telling_terms.runs_to_fit([{**rows[0], "sampler": "lcm"}])
