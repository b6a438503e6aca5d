"""What is told under masks, areas, windows and in parts of a run falls with what is measured, as in a plain run."""

from __future__ import annotations

import math

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_context_windows import WanContextWindowsManualNode

from tiny_flux import Accelerated, prompt, sample, tiny_flux
from tiny_models import patcher
from tiny_wan_family import T2V

OURS = {"target": "auto", "correction": "on", "placement": "change", "trust": "learned", "probe_stride": 4,
        "quality": "fixed"}
INTERVALS = (2, 4, 9)
# The line is fitted on trained models: a tiny one of random weights lies off it by its own number of dB. Each way of
# sampling may lie off that by so many more.
WITHIN = 5.0
MASK = torch.zeros(1, 1, 8, 12)
MASK[..., 4:] = 1
WAYS = {
    "a mask": {"noise_mask": MASK, "latent": torch.ones(1, 16, 8, 12)},
    "the first steps": {"start_step": 0, "last_step": 14},
    "the last steps": {"start_step": 6, "latent": torch.ones(1, 16, 8, 12)},
    "half of the noise": {"denoise": 0.5},
    "an area": {"positive": [*prompt(), *prompt(seed=4, area=(4, 4, 0, 0))]},
}


def decibels(picture: torch.Tensor, full: torch.Tensor) -> float:
    """How close two latents are."""
    return -10 * math.log10(float((picture - full).square().mean() / full.square().mean()))


def told_and_measured(model: ModelPatcher, steps: int = 20, **way: object) -> tuple[list[float], list[float]]:
    """What was told and what was measured, interval by interval."""
    full, told, measured = sample(model, steps, **way), [], []
    for interval in INTERVALS:
        run = Accelerated(model, interval=interval, **OURS)
        measured.append(decibels(run.sample(steps, **way), full))
        told.append(run.record.closeness.decibels)
    return told, measured


def off(told: list[float], measured: list[float]) -> list[float]:
    """How many dB closer each run was told than measured."""
    return [one - other for one, other in zip(told, measured, strict=True)]


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    return tiny_flux()


@pytest.fixture(scope="module")
def plainly_off(model: ModelPatcher) -> float:
    """How far the tiny model lies off the line in the mean."""
    found = off(*told_and_measured(model, cfg=2.0))
    return sum(found) / len(found)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_told_falls_as_what_is_measured_does(model: ModelPatcher, plainly_off: float, way: str) -> None:
    told, measured = told_and_measured(model, cfg=2.0, **WAYS[way])
    assert told == sorted(told, reverse=True) and told[0] > told[-1] + 3, told
    assert all(abs(each - plainly_off) < WITHIN for each in off(told, measured)), (told, measured, plainly_off)


@pytest.mark.parametrize("schedule", ["standard_static", "batched"])
def test_in_windows_that_stay_it_is_told_as_without_them(schedule: str) -> None:
    video = patcher(T2V.build_anew())
    text = [[torch.randn(1, 7, T2V.context, generator=torch.Generator().manual_seed(1)), {}]]
    given = {"positive": text, "negative": text, "latent": torch.zeros(1, 16, 21, 4, 6)}
    windowed = WanContextWindowsManualNode.execute(video, 41, 12, schedule, 1, False, "pyramid", True).args[0]
    (told, measured), (in_windows, found) = (told_and_measured(each, 12, **given) for each in (video, windowed))
    assert in_windows == sorted(in_windows, reverse=True) and in_windows[0] > in_windows[-1] + 3, in_windows
    both = zip(off(told, measured), off(in_windows, found), strict=True)
    assert all(abs(one - other) < 1.0 for one, other in both), (told, measured, in_windows, found)
