"""One prompt of `real`: the fully computed picture, then one for each method and interval. The work of a job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import torch

from figures.metrics import relative_error
from models.demo_stage import Shot
from models.pack import load_pack
from models.painters import DemoPainter, FilePainter, Painter
from models.paper_settings import PAPER_SETTINGS
from real.image_metrics import METRICS, as_image, measure

KEY = ("index", "seed", "method", "interval", "setup")
COLUMNS = (*KEY, "prompt", "category", "steps", "full_steps", "seconds", "speed_up", "latent_error",
           *(metric.name for metric in METRICS), "cache_bytes", "fallbacks", "file")
STOCK, FLOOR = "all steps", "another seed"
# The pack's defaults, and the paper's method to the letter.
METHODS = {
    "defaults": {},
    "paper": PAPER_SETTINGS,
}


def rows(job: dict[str, object]) -> Iterator[dict[str, object]]:
    """One row a picture, as each is done; `wanted`: the (method, interval) that are missing."""
    load_pack(cpu=not torch.cuda.is_available())
    from tap_pack.tap_core.sampling.settings import TapSettings

    if job["threads"]:
        torch.set_num_threads(int(job["threads"]))
    painter = painter_of(json.dumps(job["model"], sort_keys=True))
    subject = (int(job["index"]), str(job["prompt"]), int(job["seed"]))
    # What is loaded and chosen at a first run is not the model's time.
    painter.paint(*subject, None, steps=2)
    truth = painter.paint(*subject, None)
    for method, interval in job["wanted"]:
        if method == STOCK:
            yield _row(job, method, interval, truth, None)
        elif method == FLOOR:
            index, prompt, seed = subject
            yield _row(job, method, interval, painter.paint(index, prompt, seed + 100_000, None), truth)
        else:
            settings = TapSettings(interval=int(interval), **METHODS[method])
            yield _row(job, method, interval, painter.paint(*subject, settings), truth)


@lru_cache(maxsize=1)
def painter_of(model: str) -> Painter:
    """The painter that these options (JSON) ask for, loaded once a process."""
    options = json.loads(model)
    common = {name: options[name] for name in ("size", "steps", "cfg", "sampler", "scheduler")}
    if options["model"] == "demo":
        return DemoPainter(**common)
    return FilePainter(Path(options["model"]), Path(options["vae"]), [Path(file) for file in options["text_encoder"]],
                       options["kind"], guidance=options["guidance"], **common)


def _row(job: dict[str, object], method: str, interval: int, shot: Shot, truth: Shot | None) -> dict[str, object]:
    record = shot.record
    file = f"{job['index']:04}-{job['seed']}-{method.replace(' ', '-')}-{interval}.png"
    folder = Path(str(job["pictures"]))
    folder.mkdir(parents=True, exist_ok=True)
    as_image(shot.picture).save(folder / file)
    return {
        **{name: job[name] for name in ("index", "seed", "setup", "prompt", "category")},
        "method": method, "interval": interval, "steps": job["model"]["steps"],
        "full_steps": len(record.full_steps) if record else job["model"]["steps"], "seconds": shot.seconds,
        "speed_up": truth.seconds / shot.seconds if truth else 1.0,
        "latent_error": relative_error(shot.latent, truth.latent) if truth else None,
        **measure(shot.picture, truth.picture if truth else None, str(job["prompt"]), job["metrics"]),
        "cache_bytes": record.cache_bytes if record else 0,
        "fallbacks": " ".join(record.fallbacks) if record else "", "file": file,
    }
