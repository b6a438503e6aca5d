"""On the trained demo model a calibrated placement is better than the default one, and its estimate holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import mean

import comfy.sample
import comfy.sd
import comfy.utils
import pytest
import torch
from tap_pack.demo.scenes import random_scene
from tap_pack.nodes.accelerate import TapAccelerate
from tap_pack.nodes.demo_scene import TapDemoScene
from tap_pack.nodes.measure_run import TapMeasureRun
from tap_pack.tap_core.calibrate.calibrate import PlannedRun, calibrate
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.schedules.listed import ListedSchedule
from tap_pack.tap_core.schedules.placed import by_change, place

MODELS = Path(__file__).resolve().parents[2] / "demo" / "models"
STEPS, CALLS, CFG = 20, 6, 1.0
SEEN, UNSEEN = (8000, 60), ((9000, 70), (9002, 72))

Draw = Callable[[object, tuple[int, int]], torch.Tensor]


@pytest.fixture(scope="module")
def flux() -> object:
    """The demo FLUX, as UNETLoader makes it."""
    return comfy.sd.load_diffusion_model(str(MODELS / "diffusion_models" / "tap_demo_flux.safetensors"))


@pytest.fixture(scope="module")
def draw() -> Draw:
    """Samples a scene of a number from a seed and decodes it, [H, W, 3]."""
    weights, metadata = comfy.utils.load_torch_file(
        str(MODELS / "vae" / "tap_demo_vae.safetensors"), return_metadata=True
    )
    vae = comfy.sd.VAE(sd=weights, metadata=metadata)

    def drawn(model: object, shot: tuple[int, int]) -> torch.Tensor:
        scene, seed = shot
        latent = torch.zeros(1, 16, 16, 16)
        with torch.inference_mode():
            sampled = comfy.sample.sample(
                model, comfy.sample.prepare_noise(latent, seed), STEPS, CFG, "euler", "simple",
                *TapDemoScene.execute(**random_scene(scene)).result, latent, disable_pbar=True, seed=seed,
            )
            return vae.decode(sampled)[0].float()

    return drawn


def decibels(picture: torch.Tensor, truth: torch.Tensor) -> float:
    """Peak signal to noise ratio."""
    return float(-10 * (picture - truth).square().mean().log10())


def test_the_calibrated_placement_is_better_than_the_default(flux: object, draw: Draw) -> None:
    measured, holder = TapMeasureRun.execute(flux, "auto").args
    seen = draw(measured, SEEN)
    assert torch.equal(seen, draw(flux, SEEN))
    found = calibrate([holder.latest], PlannedRun(PoolSettings()))
    line = found.line(CALLS)
    scores: dict[str, list[float]] = {"calibrated": [], "default": []}
    told: dict[str, list[float]] = {"calibrated": [], "default": []}
    truths = [draw(flux, shot) for shot in UNSEEN]
    default = place(by_change(found.sigmas[:-1], mixed=True), CALLS)
    for name, full in (("calibrated", line.full), ("default", default)):
        inputs = {i.id: i.default for i in TapAccelerate.GET_SCHEMA().inputs
                  if getattr(i, "default", None) is not None}
        model, record = TapAccelerate.execute(flux, **inputs, schedule=ListedSchedule(tuple(full))).args
        for shot, truth in zip(UNSEEN, truths, strict=True):
            scores[name].append(decibels(draw(model, shot), truth))
            told[name].append(record.latest.closeness.decibels)
    means = {name: mean(values) for name, values in scores.items()}
    assert means["calibrated"] > means["default"]
    # What is expected is what such a run then tells. This model's pictures are closer than runs tell.
    assert abs(mean(told["calibrated"]) - line.decibels) < 5
    assert means["calibrated"] > line.span[0]
