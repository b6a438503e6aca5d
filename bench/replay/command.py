"""What a replay costs: operators, bytes moved and latents kept, over a full step; and seconds, on the demo model.

`python3 bench/run.py replay`. Operators and the bytes that they read and write are counted on the meta device, in runs
of 50 Euler steps with the defaults: 12 full steps, a replay after each gap. A full step is one forward of the model
without guidance. Seconds are those of one processor, of 20 steps of the demo model at guidance 1.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import sub
from statistics import median

import torch
from tap_pack.tap_core.sampling.replay import Replay
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.course import FixedCourse
from tap_pack.tap_core.timeline import Timeline
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from figures.page import Page
from figures.table import table
from models.full_size import FULL_SIZES, FullSize
from models.stage import Course, open_stage

WAN = FullSize(
    "Wan 2.1 14B, 720p, 81 frames", "WAN21_T2V",
    {"image_model": "wan2.1", "model_type": "t2v", "dim": 5120, "out_dim": 16, "num_heads": 40, "ffn_dim": 13824,
     "num_layers": 40, "patch_size": (1, 2, 2), "freq_dim": 256, "window_size": (-1, -1), "qk_norm": True,
     "cross_attn_norm": True, "eps": 1e-6, "in_dim": 16, "text_dim": 4096},
    (16, 21, 90, 160), (512,), 50, "1280 x 720", 4096,
)  # fmt: skip
STEPS, RUNS, REPEATS = 50, 25, 3


@dataclass
class Count:
    """operators: how many ran; nbytes: what they read and wrote."""

    operators: int = 0
    nbytes: int = 0


class Counting(TorchDispatchMode):
    """Counts operators that move memory; views are free."""

    def __init__(self) -> None:
        super().__init__()
        self.count = Count()

    def __torch_dispatch__(self, operator, types, given=(), more=None):
        found = operator(*given, **(more or {}))
        tensors = [leaf for leaf in tree_leaves((given, more or {}, found)) if isinstance(leaf, Tensor)]
        if not getattr(operator, "is_view", False):
            self.count.operators += 1
            self.count.nbytes += sum(tensor.nbytes for tensor in tensors)
        return found


def replayed(latent: Tensor, guidance: float, steps: int = STEPS) -> tuple[int, int]:
    """All replays of a run, whose latents are all this one: how many they are, and the bytes kept at the end."""
    sigmas = tuple(1 - step / steps for step in range(steps + 1))
    full = FixedCourse(TapSettings().schedule(), Timeline(sigmas)).planned
    replay, again = Replay(True, guidance), 0
    for step in range(steps):
        if replay.add(latent, latent, sigmas[step], full[step]):
            again, x = again + 1, latent
            for index, (sigma, after) in enumerate(pairwise(sigmas[: step + 2])):
                x = x + (x - replay.answer(index, x)) / sigma * (after - sigma)
    return again, replay.nbytes


def replays_of(latent: Tensor, guidance: float, steps: int = STEPS) -> tuple[Count, int, int]:
    """What all replays of a run count beyond the run without them, how many they are, and the bytes kept at the end."""
    with Counting() as counting:
        again, kept = replayed(latent, guidance, steps)
    return counting.count, again, kept


def seconds_of(latent: Tensor) -> float:
    """Seconds of one replay on this processor, in the mean of a run; the shortest of a few."""
    taken = []
    for _ in range(REPEATS):
        started = time.process_time()
        again, _kept = replayed(latent, guidance=2.0)
        taken.append((time.process_time() - started) / again)
    return min(taken)


def full_step(size: FullSize) -> Count:
    """A forward of the model without guidance."""
    model = size.build("meta")
    with torch.inference_mode(), Counting() as counting:
        model.apply_model(size.noise("meta"), torch.ones(1, device="meta"), **size.conditions(size.words[0], "meta"))
    return counting.count


def counted(size: FullSize) -> dict:
    """A row of the first table."""
    latent = torch.zeros(1, *size.latent, device="meta")
    found, again, kept = replays_of(latent, guidance=2.0)
    step = full_step(size)
    return {"model": size.name, "latent": latent.nbytes, "replays": again, "kept": kept,
            "seconds": seconds_of(torch.zeros(1, *size.latent)),
            "kept_without_guidance": replays_of(latent, guidance=1.0)[2],
            "operators": found.operators / again, "nbytes": found.nbytes / again,
            "step_operators": step.operators, "step_nbytes": step.nbytes}


def clocked() -> dict:
    """Seconds of one replay and of one full step, on the demo model."""
    stage, course = open_stage("demo"), Course(steps=20, cfg=1.0)
    runs = {"off": [], "on": [], "full": []}
    for _ in range(RUNS):
        for name, found in runs.items():
            started = time.process_time()
            take = stage.takes([0], course, None if name == "full" else TapSettings(correction=name))[0]
            found.append(time.process_time() - started)
    full = FixedCourse(TapSettings().schedule(), Timeline(take.sigmas)).planned
    gaps = sum(after and not before for before, after in pairwise(full))
    return {"replays": gaps, "replay": median(map(sub, runs["on"], runs["off"])) / gaps,
            "step": median(runs["full"]) / course.steps}


def markdown(found: dict) -> str:
    """Two tables."""
    rows = table(("model", "one latent", "latents kept", "without guidance", "operators a replay", "of a full step's",
                  "bytes a replay", "of a full step's", "seconds a replay"), (
        (row["model"], f"{row['latent'] / 1e6:.1f} MB", f"{row['kept'] / 1e6:.0f} MB",
         f"{row['kept_without_guidance'] / 1e6:.0f} MB", f"{row['operators']:.0f}",
         f"{100 * row['operators'] / row['step_operators']:.0f} %", f"{row['nbytes'] / 1e9:.2f} GB",
         f"{100 * row['nbytes'] / row['step_nbytes']:.2f} %",
         f"{row['seconds']:.3f}") for row in found["rows"]))
    demo = found["demo"]
    clock = (f"Demo model, 20 steps, one processor: a replay takes {1000 * demo['replay']:.1f} ms in the mean, "
             f"{100 * demo['replay'] / demo['step']:.1f} % of a full step ({1000 * demo['step']:.0f} ms).")
    about = "Seconds of a replay are those of one processor, without the model; there was no graphics card."
    return "\n".join([*rows, "", about, "", clock])


PAGE = Page("replay", markdown)


def run(arguments: Sequence[str]) -> None:
    """The command."""
    PAGE.parser(__doc__).parse_args(arguments)
    torch.set_num_threads(1)
    flux = next(size for size in FULL_SIZES if size.name == "FLUX.1-dev")
    PAGE.keep(arguments, {"rows": [counted(size) for size in (flux, WAN)], "demo": clocked()})
