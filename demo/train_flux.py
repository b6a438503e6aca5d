"""Trains the demo FLUX on encoded scenes: first on windows of a quarter of the picture, then on whole pictures.

Make the latents first, see latents.py. Then run `python -m demo.train_flux --stage windows` from the pack's folder, and
after it `--stage whole`, which starts from the averaged weights of the first stage.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from tqdm import tqdm

from .checkpoint import Tensors, load_checkpoint, save_checkpoint, under
from .flux_training import flow_loss, new_flux
from .latents import load_latents
from .train_vae import ROOT
from .training import learning_rate, start_average, train_step, update_average

FLUX_FILE = Path(__file__).parent / "models/diffusion_models/tap_demo_flux.safetensors"
LOG = ROOT / "output/training/flux_log.jsonl"


@dataclass(frozen=True)
class Stage:
    """One stage of the training. windows: the learned parts of the pictures, in rows x columns of tokens."""

    windows: tuple[tuple[int, int], ...]
    batch: int
    rate: float
    steps: int


STAGES = {
    # A window costs a quarter of a picture and has the same detail; tall ones teach reflections, wide ones horizons.
    "windows": Stage(((8, 8), (16, 4), (8, 8), (4, 16)), 32, 2e-3, 1900),
    "whole": Stage(((16, 16),), 16, 1.5e-3, 1850),
}


def checkpoint_file(name: str) -> Path:
    """The file with the training state of one stage."""
    return ROOT / f"output/training/flux_{name}.safetensors"


def build_optimisers(model: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW for everything else."""
    inner, outer = [], []
    for name, value in model.named_parameters():
        inside = "_blocks." in name and value.ndim == 2 and "mod" not in name
        (inner if inside else outer).append(value)
    muon = torch.optim.Muon(inner, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    return [muon, torch.optim.AdamW(outer, betas=(0.9, 0.98), weight_decay=0.0)]


def start_stage(name: str, model: nn.Module, optimisers: list[torch.optim.Optimizer]) -> tuple[int, Tensors]:
    """The step to go on from and the averaged weights; the whole pictures start from the result of the windows."""
    first = checkpoint_file("windows")
    if name == "whole" and first.exists() and not checkpoint_file(name).exists():
        model.load_state_dict(under("average", load_file(first)))
    average = start_average(model)
    return load_checkpoint(checkpoint_file(name), model, average, optimisers), average


def export(average: Tensors) -> None:
    """Writes the averaged weights, in half precision, where ComfyUI's loader finds them."""
    FLUX_FILE.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in average.items()}, FLUX_FILE)


def train(name: str, steps: int, threads: int) -> None:
    """Trains one stage up to `steps`, from its checkpoint if there is one."""
    torch.set_num_threads(threads)
    model = new_flux()
    optimisers = build_optimisers(model)
    done, average = start_stage(name, model, optimisers)
    data, stage, losses, since = load_latents(), STAGES[name], [], time.monotonic()
    torch.manual_seed(done)
    for step in (bar := tqdm(range(done, steps), initial=done, total=steps, mininterval=5)):
        some = torch.randint(len(data["latents"]), (stage.batch,))
        with torch.autocast("cpu", torch.bfloat16):
            window = stage.windows[step % len(stage.windows)]
            loss = flow_loss(model, data["latents"][some].float(), data["context"][some].float(), window)
        losses.append(train_step(model, optimisers, loss, learning_rate(step, steps, stage.rate)))
        update_average(average, model, step, 0.998)
        bar.set_postfix(loss=f"{losses[-1]:.4f}")
        if (step + 1) % 100 == 0 or step + 1 == steps:
            save_checkpoint(checkpoint_file(name), step + 1, model, average, optimisers)
            write_log(name, step + 1, losses, time.monotonic() - since)
            losses, since = [], time.monotonic()
    export(average)


def write_log(name: str, step: int, losses: list[float], seconds: float) -> None:
    """Adds one line of JSON about the latest steps."""
    line = {"stage": name, "step": step, "loss": sum(losses) / len(losses), "seconds": round(seconds, 1)}
    with LOG.open("a") as log:
        log.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", default="whole", choices=tuple(STAGES))
    parser.add_argument("--steps", type=int, help="instead of the stage's own number")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export", action="store_true", help="only write the model file from the latest checkpoint")
    options = parser.parse_args()
    if options.export:
        export(under("average", load_file(checkpoint_file(options.stage))))
    else:
        train(options.stage, options.steps or STAGES[options.stage].steps, options.threads)
