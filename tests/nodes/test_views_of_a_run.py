"""Map and report of real runs: they agree with the record, with each other, and with what the sampler did."""

from __future__ import annotations

import json
from pathlib import Path

import folder_paths
import pytest
import torch
from tap_pack.nodes.choice_map import TapChoiceMap
from tap_pack.nodes.report import TapReport
from tap_pack.tap_core.pictures.lettering import FULL_STEP
from tap_pack.tap_core.record.file import load_record, save_record
from tap_pack.tap_core.record.record import TapRecord

from tiny_flux import Accelerated, tiny_flux


@pytest.fixture(autouse=True)
def temporary_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where previews go."""
    monkeypatch.setattr(folder_paths, "temp_directory", str(tmp_path))


def viewed(tap: Accelerated, latent: torch.Tensor, **inputs: object) -> tuple[torch.Tensor, str, dict]:
    """Frames without a legend, report text and figures, as the nodes give them after this run."""
    after = {"samples": latent}
    frames = TapChoiceMap.execute(record=tap.holder, after=after, **{"size": 240, "legend": False, **inputs})[0]
    report = TapReport.execute(record=tap.holder, after=after)
    return frames, report[0], json.loads(report.ui["tap_report"][0])


def striped(frames: torch.Tensor) -> list[int]:
    """The frames with the background colour of full steps."""
    ground = torch.tensor(FULL_STEP) / 255
    return [step for step, frame in enumerate(frames) if torch.isclose(frame, ground, atol=1e-3).all(-1).any()]


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpm_2"])
def test_each_step_has_a_frame_and_full_steps_are_striped(sampler: str) -> None:
    tap = Accelerated(tiny_flux(), interval=3)
    latent = tap.sample(sampler=sampler, cfg=3.0, batch=2)
    frames, text, figures = viewed(tap, latent, batch_index=1, prompt="negative")
    assert len(frames) == figures["steps"] == 12
    assert striped(frames) == figures["full_steps"] == tap.record.full_steps
    assert f"{len(figures['full_steps'])} of 12 steps computed" in text
    assert figures["evaluations"] == (12 if sampler == "euler" else 23)


def test_an_odd_size_is_shown_without_its_padding() -> None:
    tap = Accelerated(tiny_flux(), interval=3)
    latent = tap.sample(size=(9, 13))
    assert tap.record.grid == (1, 5, 7)
    assert tap.record.filled == (9 / 10, 13 / 14)
    frames, _, _ = viewed(tap, latent, size=13 * 16)
    assert frames.shape[1:3] == (9 * 16, 13 * 16)
    # The last row and column of tokens are half outside.
    for edge in (frames[3][-16:], frames[3][:, -16:].transpose(0, 1)):
        assert (edge == edge[:1]).all()


def test_a_second_run_of_another_size_replaces_the_first() -> None:
    tap = Accelerated(tiny_flux(), interval=3)
    first, _, _ = viewed(tap, tap.sample(size=(8, 12)))
    second, _, figures = viewed(tap, tap.sample(size=(12, 8), steps=8, seed=6))
    assert first.shape[1:3] == (160, 240) and second.shape[1:3] == (240, 160)
    assert len(second) == figures["steps"] == 8


def test_interval_1_gives_sentences() -> None:
    tap = Accelerated(tiny_flux(), interval=1)
    frames, text, figures = viewed(tap, tap.sample(steps=4))
    assert len(frames) == 1
    assert "interval is 1" in text
    assert figures["full_steps"] == [0, 1, 2, 3]


def test_a_real_record_survives_its_file(tmp_path: Path) -> None:
    tap = Accelerated(tiny_flux(), interval=3)
    tap.sample(cfg=3.0)
    save_record(tap.record, tmp_path / "run.safetensors")
    with torch.inference_mode():
        loaded = load_record(tmp_path / "run.safetensors")
    assert isinstance(loaded, TapRecord)
    assert loaded.report() == tap.record.report()
