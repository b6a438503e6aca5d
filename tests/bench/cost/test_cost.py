"""The count of operations, and the paper's cost columns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tap_pack.tap_core.sampling.settings import TapSettings

from cost import command as cost
from cost.operations import count_operations
from models.full_size import FULL_SIZES
from models.paper_settings import PAPER_SETTINGS
from models.whole_run import WholeRun

TINY = replace(FULL_SIZES[0], config={**FULL_SIZES[0].config, "hidden_size": 128, "num_heads": 1, "depth": 2,
                                      "depth_single_blocks": 2}, latent=(16, 8, 12), words=(7,), steps=12)


def test_matrices_attention_and_elements_are_told_apart() -> None:
    x, w = torch.ones(6, 4, device="meta"), torch.ones(4, 5, device="meta")
    q = torch.ones(1, 2, 6, 4, device="meta")
    found = count_operations(lambda: ((x @ w).relu(), q @ q.mT))
    assert found.total == 2 * 6 * 4 * 5 + 2 * 2 * 6 * 4 * 6
    assert found.attention == 2 * 2 * 6 * 4 * 6
    assert found.elements == 6 * 5


def test_a_run_costs_what_its_full_and_skipped_steps_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted over the whole run, evaluation by evaluation."""
    monkeypatch.setitem(cost.PAPER, TINY.name, {"TAP": {4: 1.0}})

    class Bar:
        def update(self) -> None:
            """Shows nothing."""

    (row,) = cost.rows_of(TINY, Bar())["rows"]
    settings = TapSettings(interval=4, **PAPER_SETTINGS)
    run = WholeRun(TINY, TINY.build("meta"), torch.device("meta"), settings)
    decided: list[bool] = []
    with torch.inference_mode():
        whole = count_operations(lambda: decided.extend(run.evaluations()))
    assert sum(decided) == row["full_steps"] == 5
    assert whole.total / cost.TERA == pytest.approx(row["tflops"], rel=1e-3)


def test_a_skipped_step_of_flux_is_what_the_paper_counts() -> None:
    """0.0166 TFLOPs: embedders, one modulation and the final layer, with the arithmetic on elements."""
    found = cost.counted(FULL_SIZES[0], "TAP", 5)
    assert found.full.total / cost.TERA == pytest.approx(74.5374, rel=0.005)
    assert (found.first.total + found.first.elements) / cost.TERA == pytest.approx(0.0166, abs=0.0002)
    assert found.later.total < found.first.total / 2  # no text, no last layer


def test_the_committed_speed_ups_are_the_papers(repository: Path) -> None:
    found = json.loads((repository / "bench" / "results" / "cost.json").read_text(encoding="utf-8"))
    rows = {(model["model"], row["method"], row["interval"]): row for model in found["models"] for row in model["rows"]}
    wanted = {(model, method, interval): speed_up for model, methods in cost.PAPER.items()
              for method, speed_ups in methods.items() for interval, speed_up in speed_ups.items()}
    assert rows.keys() == wanted.keys()
    assert all(row["speed_up"] == pytest.approx(wanted[key], rel=0.005) for key, row in rows.items())
