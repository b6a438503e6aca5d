"""`real`, end to end on the demo model, with metrics of our own; interruptions and mistakes."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tap_pack.demo.scenes import random_scene
from tap_pack.nodes.demo_scene import TapDemoScene
from tap_pack.tap_core.sampling.settings import TapSettings

from models.painters import FilePainter
from real import command as real
from real import image_metrics, score_pictures

MODELS = Path(__file__).resolve().parents[3] / "demo" / "models"
DEMO = ["--model", "demo", "--size", "64", "--steps", "10", "--count", "2", "--intervals", "1", "4", "--floor", "1",
        "--methods", "paper", "--threads", "1", "--metrics", "psnr", "ssim"]


def pictures(folder: Path) -> list[dict[str, str]]:
    """The rows."""
    with (folder / "pictures.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_prompts_become_pictures_and_figures_and_carry_on(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    found = {(row["method"], row["interval"]): row for row in real.run([*DEMO, "--output", str(tmp_path)])}
    rows = pictures(tmp_path)
    # Two prompts, each in full and at two intervals; one also from another seed.
    assert len(rows) == 2 * 3 + 1
    assert [row["prompt"] for row in rows[:1]] == [real.read_prompts(real.PROMPTS)[0][0]]
    assert all((tmp_path / "pictures" / row["file"]).is_file() for row in rows)
    # Interval 1 is the stock picture to the bit.
    same, skipped, floor = found["paper", 1], found["paper", 4], found["another seed", 1]
    assert same["psnr"] == math.inf and same["latent_error"] == 0 and same["full_steps"] == 10
    assert skipped["full_steps"] == 3 + 7 // 4
    for other in (skipped, floor):
        assert 20 < other["psnr"] < 60 and 0.5 < other["ssim"] < 1 and 0 < other["latent_error"] < 0.5
    assert "| paper | 4 | 2 |" in (tmp_path / "real.md").read_text(encoding="utf-8")

    # Interrupted in mid-row: what was finished stays as it is, the rest is made.
    file = tmp_path / "pictures.csv"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:-2]) + lines[-2][:20], encoding="utf-8")
    real.run([*DEMO, "--output", str(tmp_path)])
    again = pictures(tmp_path)
    assert file.read_text(encoding="utf-8").startswith("".join(lines[:-2]))
    assert [row["psnr"] for row in again] == [row["psnr"] for row in rows]
    capsys.readouterr()


def test_what_was_missing_is_scored_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real.run([*DEMO, "--count", "1", "--output", str(tmp_path)])
    before = (tmp_path / "pictures.csv").read_text(encoding="utf-8")
    made = json.loads((tmp_path / "real.json").read_text(encoding="utf-8"))
    seen: list[tuple[str, float]] = []

    def brightness(picture: torch.Tensor, truth: torch.Tensor | None, prompt: str) -> float:
        seen.append((prompt, float(picture.mean())))
        return seen[-1][1]

    clip = next(metric for metric in image_metrics.METRICS if metric.name == "clip")
    monkeypatch.setattr(image_metrics, "METRICS", (replace(clip, package="", load=lambda: brightness),))
    image_metrics.loaded.cache_clear()
    score_pictures.run([str(tmp_path)])
    image_metrics.loaded.cache_clear()

    rows, prompt = pictures(tmp_path), real.read_prompts(real.PROMPTS)[0][0]
    assert len(seen) == len(rows) == 4
    for row, (asked, value) in zip(rows, seen, strict=True):
        assert asked == row["prompt"] == prompt and float(row["clip"]) == value
        picture = score_pictures.picture_of(tmp_path / "pictures" / row["file"])
        assert picture.shape == (64, 64, 3) and float(picture.mean()) == value
        row["clip"] = ""
    again = io.StringIO()
    writer = csv.DictWriter(again, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    assert again.getvalue() == before
    scored = json.loads((tmp_path / "real.json").read_text(encoding="utf-8"))
    assert scored["command"] == made["command"] and all(row["clip"] is not None for row in scored["rows"])
    assert " clip |" in (tmp_path / "real.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("arguments", "said"), [
    (["--model", "nothing.safetensors"], "--vae and --text-encoder"),
    (["--model", "nothing.safetensors", "--vae", "v", "--text-encoder", "t"], "nothing.safetensors is no file"),
    (["--model", "demo", "--prompts", "none.csv"], "none.csv is no file"),
])
def test_files_that_are_not_there_are_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        real.read_options(arguments)
    assert said in capsys.readouterr().err


def test_prompts_as_drawbench_has_them(tmp_path: Path) -> None:
    file = tmp_path / "prompts.csv"
    file.write_text('Prompts,Category\n"A cat, and a dog",Counting\nA tree,\n', encoding="utf-8")
    assert real.read_prompts(file) == [("A cat, and a dog", "Counting"), ("A tree", "")]
    file.write_text("Prompts\tCategory\nA tree, green\tColors\n", encoding="utf-8")
    assert real.read_prompts(file) == [("A tree, green", "Colors")]
    file.write_text("A tree\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="no column called Prompts"):
        real.read_prompts(file)
    assert len(real.read_prompts(real.PROMPTS)) == 12


def test_model_files_are_loaded_as_comfyui_loads_them() -> None:
    """With the demo model's files; its scenes take the place of a text encoder."""
    def encode(text: str) -> list:
        positive, negative = TapDemoScene.execute(**random_scene(9000)).result
        return positive if text else negative

    painter = FilePainter(
        MODELS / "diffusion_models" / "tap_demo_flux.safetensors", MODELS / "vae" / "tap_demo_vae.safetensors", [],
        "flux", 64, 8, 2.0, 3.5, "euler", "simple", encode=encode,
    )
    stock = painter.paint(0, "a scene", 7, None)
    skipped = painter.paint(0, "a scene", 7, TapSettings(interval=3))
    assert stock.picture.shape == (64, 64, 3) and stock.record is None
    assert float(stock.picture.min()) >= 0 and float(stock.picture.max()) <= 1
    assert len(skipped.record.full_steps) < 8 and skipped.record.fallbacks == []
    assert image_metrics.psnr(skipped.picture, stock.picture) > 20
    assert torch.equal(painter.paint(0, "a scene", 7, TapSettings(interval=1)).latent, stock.latent)
    assert painter.model.startswith("tap_demo_flux.safetensors ")
