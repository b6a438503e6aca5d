"""The presets of the node's menu set the node's own inputs to values that they accept."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean

import pytest
from tap_pack.nodes.accelerate import TapAccelerate
from tap_pack.nodes.comfy_bridge.live.plan import plan_of
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE = json.loads((REPOSITORY / "web" / "presets.json").read_text(encoding="utf-8"))
SAID = {p["name"]: p["says"] for p in TABLE["presets"]}
PRESETS = {p["name"]: {**TABLE["shared"][p["of"]], **p["values"]} for p in TABLE["presets"]}
WIDGETS = {i.id: i for i in TapAccelerate.GET_SCHEMA().inputs if getattr(i, "default", None) is not None}
# Where tensors are kept depends on the machine, and how close pictures are on the model.
LEFT_ALONE = {"cache_device", "memory_limit", "closer_than_told"}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_every_widget_to_a_value_that_it_accepts(name: str) -> None:
    values = PRESETS[name]
    assert values.keys() == WIDGETS.keys() - LEFT_ALONE
    for widget, value in values.items():
        assert type(value) is type(WIDGETS[widget].default), widget
        options = getattr(WIDGETS[widget], "options", None)
        assert options is None or value in options
    TapSettings(**values)


def test_close_is_what_the_node_starts_with() -> None:
    assert PRESETS["Close"] == {name: WIDGETS[name].default for name in PRESETS["Close"]}


@pytest.mark.parametrize(("interval", "computed"), [(5, 12), (6, 10), (8, 8), (10, 7)])
def test_the_papers_presets_compute_as_many_steps_as_the_paper(interval: int, computed: int) -> None:
    settings = TapSettings(**PRESETS[f"Paper N={interval}"])
    run = TapRun(settings, [1 - i / 50 for i in range(51)], "Flux")
    assert plan_of(run).marks.count("f") == computed
    assert SAID[f"Paper N={interval}"].endswith(f", {computed} of 50 steps computed")
    chosen = (settings.placement, settings.correction, settings.target, settings.trust)
    assert chosen == ("paper", "off", "residual", "full")


@pytest.mark.parametrize("quality", ["same", "close", "good", "draft"])
def test_a_quality_says_as_many_steps_as_three_models_took_in_the_mean(quality: str) -> None:
    calls = []
    for model in ("demo", "words", "balls"):
        path = REPOSITORY / "bench" / "results" / f"closeness_{model}.json"
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        row = next(row for row in rows if (row["steps"], row["sampler"], row["cfg"]) == (28, "euler", 3.5))
        calls.append(mean(row["qualities"][quality]["calls"]))
    assert SAID[quality.title()].endswith(f", about {mean(calls):.0f} of 28 steps computed at CFG 3.5")
