"""One cell of `quality` on one scene: the work of a job."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import torch

from figures.metrics import psnr, relative_error, ssim
from models.demo_stage import DemoStage, Shot
from quality.cells import Cell
from quality.raw_probe import RawProbePatch

COLUMNS = ("cell", "scene", "seed", "size", "model", "full_steps", "psnr", "ssim", "latent_error", "seconds")
KEY = ("cell", "scene", "seed", "size", "model")
FLOOR = "another seed"


def rows(job: dict[str, object]) -> Iterator[dict[str, object]]:
    """The row of this cell on this scene, against the same seed's full run."""
    torch.set_num_threads(1)
    stage, scene, seed = stage_of(int(job["size"])), int(job["scene"]), int(job["seed"])
    truth = full_run(stage.size, scene, seed)
    if job["name"] == FLOOR:
        shot, full = stage.shoot(scene, seed + 100), stage.steps
    else:
        cell = Cell(**job["cell"])
        shot = shoot_cell(stage, cell, scene, seed)
        full = len(shot.record.full_steps)
    yield {
        "cell": job["name"], "scene": scene, "seed": seed, "size": stage.size, "model": stage.fingerprint,
        "full_steps": full, "psnr": psnr(shot.picture, truth.picture), "ssim": ssim(shot.picture, truth.picture),
        "latent_error": relative_error(shot.latent, truth.latent), "seconds": shot.seconds,
    }


def shoot_cell(stage: DemoStage, cell: Cell, scene: int, seed: int) -> Shot:
    """One sampling with the cell's settings."""
    return stage.shoot(scene, seed, cell.tap_settings(), patch=RawProbePatch if cell.raw else None)


@lru_cache(maxsize=1)
def stage_of(size: int) -> DemoStage:
    """The stage, loaded once a process."""
    return DemoStage(size)


@lru_cache(maxsize=8)
def full_run(size: int, scene: int, seed: int) -> Shot:
    """The scene with every step computed."""
    return stage_of(size).shoot(scene, seed)
