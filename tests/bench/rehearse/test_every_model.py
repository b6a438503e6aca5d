"""Every model at its full width, one block of each kind, and every setting on one of them."""

from __future__ import annotations

from collections import Counter
from itertools import cycle

import pytest
from tap_pack.tap_core.sampling.settings import TapSettings

from models.full_size import FullSize
from rehearse.rows import INTERVAL, SIZES, STEPS, VARIANTS, Job, of_run
from rehearse.settings_tables import settings_tables
from rehearse.stage import build, card, rehearse

READ = "readback.py read"
DEPTHS = ("depth", "depth_single_blocks", "num_layers", "num_single_layers", "num_blocks", "n_layers")


def shallow(size: FullSize) -> dict[str, object]:
    """One block of each kind; depth says how wide SD3 is, and n_layers what Chroma's modulation is made by."""
    other = {"SD3.5 large": "depth", "Chroma": "n_layers"}.get(size.name)
    found: dict[str, object] = {name: 1 for name in DEPTHS if size.config.get(name) and name != other}
    return found | ({"llama_layers": [0, 1]} if "llama_layers" in size.config else {})


@pytest.mark.parametrize(("size", "variant"), [*zip(SIZES, cycle(VARIANTS), strict=False)],
                         ids=lambda each: each or "defaults" if isinstance(each, str) else each.name)
def test_a_skipped_step_waits_for_nothing(size: FullSize, variant: str) -> None:
    job = Job(size, variant=variant)
    with card() as watch:
        model = build(size, **shallow(size))
        run = rehearse(watch, size, model, TapSettings(**{"interval": INTERVAL, **VARIANTS[variant]}), STEPS, job.cfg)
    row = of_run(run)
    assert row["waits"] == {"full": [READ], "skipped": []}
    assert row["doubles"] == row["early"] == row["fallbacks"] == []
    copies = [copy for copy in row["skipped"]["copies"] if copy.startswith("cuda -> cpu")]
    assert copies == [] and 0 < row["skipped"]["ours"] < row["skipped"]["operators"]


def test_every_setting_is_tried() -> None:
    assert len(SIZES) >= len(VARIANTS)
    guided = Counter(Job(size, variant=variant).cfg > 1 for size in SIZES for variant in VARIANTS)
    assert guided[True] > len(SIZES) and guided[False] > len(SIZES)
    assert {TapSettings(**settings) for settings in VARIANTS.values()}  # each is a setting that TAP takes


def test_the_tables_show_the_most_that_any_model_asks_for() -> None:
    step = {"ours": 7, "copies": {"cuda -> cpu: readback.py read": 1}}
    row = {"model": "a", "variant": "", "cfg": 1.0, "waits": {"full": [READ], "skipped": []}, "doubles": [],
           "early": [], "full": step, "skipped": {**step, "copies": {}}}
    worse = {**row, "model": "b", "cfg": 4.0, "waits": {"full": [READ], "skipped": ["history.py sound"]},
             "doubles": ["x.py y"]}
    page = "\n".join(settings_tables([row, worse]))
    assert "| a | 7 |" in page and "| b | 7* |" in page
    assert "| defaults | 2 | 1: readback.py | 1: history.py | 1 | 0 | 1 | 0 |" in page
