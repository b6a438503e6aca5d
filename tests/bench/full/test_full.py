"""Models from files of random weights: what the file holds, that the loader knows it, and that a run carries on."""

from __future__ import annotations

import json
from pathlib import Path

import comfy.model_detection
import pytest
import torch
from safetensors.torch import load_file

from full import command as full
from full.subjects import FULL, SMALL
from models import random_weights
from models.random_weights import write_file

TINY = SMALL[0]
ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("subject", FULL, ids=lambda subject: subject.size.name)
def test_the_loader_detects_the_full_size(subject: full.Subject) -> None:
    """From names and shapes alone, as they would be in the file."""
    found = comfy.model_detection.model_config_from_unet(subject.size.build("meta").diffusion_model.state_dict(), "")
    assert type(found).__name__ == subject.size.kind
    known = {name: value for name, value in subject.size.config.items() if name in found.unet_config}
    assert {name: found.unet_config[name] for name in known} == known


def test_a_file_is_written_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_weights, "PIECE", 1000)
    file = tmp_path / "model.safetensors"
    write_file(TINY.size, file, TINY.weights)
    found, shapes = load_file(file), TINY.size.build("meta").diffusion_model.state_dict()
    assert {name: value.shape for name, value in found.items()} == {name: one.shape for name, one in shapes.items()}
    types = {value.dtype for value in found.values()}
    assert types == {torch.float8_e4m3fn, torch.bfloat16}
    matrix, scale = (found[f"double_blocks.0.img_{name}.weight"].float() for name in ("mlp.0", "attn.norm.query_norm"))
    assert matrix.std() == pytest.approx(random_weights.SPREAD, rel=0.05) and (scale == 1).all()
    assert not torch.equal(matrix.flatten()[:1000], matrix.flatten()[1000:2000])


def test_rows_are_kept_and_a_run_carries_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full, "OUTPUT", tmp_path)
    arguments = ["--size", "small", "--model", TINY.size.name, "--output", str(tmp_path)]
    full.run(arguments)
    rows = json.loads((tmp_path / "full.json").read_text(encoding="utf-8"))["rows"]
    stock, same, tap = rows
    assert [row["way"] for row in rows] == [full.STOCK, full.SAME, full.TAP]
    blocks = TINY.size.blocks
    # The blocks of a skipped step do not run.
    assert [row["block_calls"] for row in rows] == [blocks * row["full_steps"] for row in rows]
    assert stock["taken"] == TINY.size.steps and same["taken"] == full.CHECKED
    assert 0 < tap["full_steps"] < tap["taken"] == TINY.size.steps and tap["cache_bytes"] > 0
    assert all(row["finite"] and row["fallbacks"] == [] and row["ends"] == sorted(row["ends"]) for row in rows)
    sums = full.compared(rows)
    assert sums["same"] and stock["prints"][:same["taken"]] == same["prints"] != tap["prints"][:1]
    assert sums["reached"] == pytest.approx(sums["speed_up"] * tap["full_steps"] / tap["steps"])
    assert "the same bits" in full.markdown({"rows": rows})
    assert not list((tmp_path / "full").glob("*"))

    measured: list[list[str]] = []
    monkeypatch.setattr(full, "measured", lambda subject, wanted, folder: measured.append(wanted) or iter(()))
    full.run(arguments)
    (tmp_path / "full.json").write_text(json.dumps({"rows": rows[:1]}), encoding="utf-8")
    full.run(arguments)
    assert measured == [[full.SAME, full.TAP]]


def test_texts_say_what_was_measured() -> None:
    rows = full.PAGE.kept()["rows"]
    models = list(dict.fromkeys(row["model"] for row in rows))
    sums = {name: full.compared([row for row in rows if row["model"] == name]) for name in models}
    front, page = (" ".join((ROOT / file).read_text(encoding="utf-8").split()) for file in (
        "README.md", "bench/full/README.md"))
    assert f"Run at full size, on a processor and with random weights: {', '.join(models)} (" in front
    sd, z = sums["SD3.5 medium"], sums["Z-Image"]
    assert f"SD3.5 medium is {sd['speed_up']:.1f} times faster and Z-Image {z['speed_up']:.1f} times" in front
    assert f"SD3.5 medium {sd['in_full']:.0%} is that of its full steps; with Z-Image {z['in_full']:.0%}" in page
    assert all(each["same"] for each in sums.values()) and "with interval 1 every step is that of stock" in page


def test_other_bits_are_told() -> None:
    row = {"model": "m", "steps": 4, "taken": 4, "full_steps": 2, "seconds": 6.0, "prints": ["a", "b"]}
    rows = [{**row, "way": full.STOCK}, {**row, "way": full.SAME, "taken": 2, "prints": ["a", "c"]},
            {**row, "way": full.TAP, "seconds": 4.0, "ends": [1.5, 1.9, 3.5, 4.0]}]
    assert full.compared(rows) == {"speed_up": 1.5, "bound": 2.0, "reached": 0.75, "same": False,
                                   "in_full": pytest.approx(3.1 / 4)}
