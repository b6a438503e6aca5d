"""Row: 200 prompts in one process, each with another model, size and settings, some interrupted."""

from __future__ import annotations

import gc
import random

import psutil
import torch
from comfy.model_management import InterruptProcessingException
from tap_pack.nodes.inputs.forecasting import ORDER_SETS
from tap_pack.tap_core.engine.scoring import PROXY_LOSSES
from tap_pack.tap_core.sampling.settings import CACHE_DEVICES, CORRECTIONS, PLACEMENTS, TARGETS
from tap_pack.tap_core.schedules.cg_taylor import ConfidenceGateSchedule
from tap_pack.tap_core.schedules.dicache import DiCacheSchedule
from tap_pack.tap_core.schedules.easycache import EasyCacheSchedule
from tap_pack.tap_core.schedules.fallback import FallbackSchedule
from tap_pack.tap_core.schedules.sada import StabilitySchedule
from tap_pack.tap_core.schedules.speca import SpeculativeSchedule
from tap_pack.tap_core.schedules.tc_pade import TrajectoryStabilitySchedule
from tap_pack.tap_core.schedules.teacache import TeaCacheSchedule
from tap_pack.tap_core.timeline import TIME_AXES

from matrix_faults import marks
from matrix_row import Holds, Row, accelerate
from matrix_stage import STAGES, Stage
from other_ways import WAYS

PROMPTS, WARM_UP = 200, 50
# Schedules that need no settings.
SIMPLE = (TeaCacheSchedule, EasyCacheSchedule, ConfidenceGateSchedule, FallbackSchedule, DiCacheSchedule,
          SpeculativeSchedule, StabilitySchedule, TrajectoryStabilitySchedule)
MODELS = ("FLUX", "Wan", "UNet")
SAMPLERS = ("euler", "heun", "dpmpp_2m", "uni_pc", "euler_ancestral", "dpm_2", "lcm", "ddim", "dpmpp_sde", "dpm_fast")
# The share of prompts with a node of another pack on the model.
WITH_ANOTHER = 0.15
# The limit covers what Python and the allocator do; a history that is not freed is 10 KB a prompt or more.
TENSORS_MORE, MEGABYTES_MORE = 0, 40


def inputs(lot: random.Random) -> dict[str, object]:
    """Random settings of TAP Accelerate."""
    low = lot.randint(-8, 4)
    given = {
        "interval": lot.randint(1, 8), "orders": lot.choice(ORDER_SETS), "horizon_from": low,
        "horizon_to": lot.randint(low, 4), "proxy_loss": lot.choice(PROXY_LOSSES), "warmup_steps": lot.randint(0, 4),
        "horizon_step": lot.choice([0.5, 1.0, 2.0]), "target": lot.choice(TARGETS), "time_axis": lot.choice(TIME_AXES),
        "cache_device": lot.choice(CACHE_DEVICES), "correction": lot.choice(CORRECTIONS),
        "placement": lot.choice(PLACEMENTS),
    }  # fmt: skip
    return {**given, "schedule": lot.choice(SIMPLE)()} if lot.random() < 0.3 else given


def prompt(lot: random.Random, models: dict[str, object]) -> None:
    """One prompt of a random kind, which may be interrupted."""
    name = lot.choice(MODELS)
    stage = STAGES[name]
    model, holder = accelerate(models[name], **inputs(lot))
    if name != "UNet" and lot.random() < WITH_ANOTHER:
        model = WAYS[lot.choice(list(WAYS))](model)
    shape = (*stage.shape[:-2], 2 * lot.randint(2, 4), 2 * lot.randint(2, 4))
    steps, stop = lot.randint(1, 8), lot.choice([None, None, None, 0, 2, 5])

    def callback(step: int, *_: object) -> None:
        if step == stop:
            raise InterruptProcessingException

    try:
        picture = stage.sample(
            model, steps, lot.choice([1.0, 2.0]), lot.choice(SAMPLERS), latent=torch.zeros(lot.randint(1, 2), *shape),
            negative=stage.prompt(2, words=lot.choice([5, 7])), seed=lot.randint(0, 99), callback=callback)
        assert picture.isfinite().all()
        assert holder.latest.complete
    except InterruptProcessingException:
        assert not holder.latest.complete


def live_tensors() -> int:
    """The number of tensors that something still holds."""
    gc.collect()
    return sum(1 for each in gc.get_objects() if type(each) in (torch.Tensor, torch.nn.Parameter))


def resident() -> float:
    """Megabytes of memory that the process has now."""
    return psutil.Process().memory_info().rss / 2**20


def soak(stage: Stage) -> str:
    """No error, memory does not grow, nothing is left on the models, and the first picture comes out again."""
    models = {name: STAGES[name].build() for name in MODELS}
    first = {name: STAGES[name].sample(accelerate(model)[0]) for name, model in models.items()}
    lot, before = random.Random(0), {name: marks(model) for name, model in models.items()}
    for number in range(PROMPTS):
        if number == WARM_UP:
            tensors, megabytes = live_tensors(), resident()
        try:
            prompt(lot, models)
        except Exception as error:
            raise AssertionError(f"prompt {number} of the soak failed") from error
    grown = live_tensors() - tensors, resident() - megabytes
    assert grown[0] <= TENSORS_MORE, f"{grown[0]} tensors more"
    assert grown[1] <= MEGABYTES_MORE, f"{grown[1]:.0f} MB more"
    assert {name: marks(model) for name, model in models.items()} == before
    for name, model in models.items():
        assert torch.equal(STAGES[name].sample(accelerate(model)[0]), first[name])
    return f"{PROMPTS} prompts, {max(grown[0], 0)} tensors and {max(grown[1], 0):.0f} MB more than after {WARM_UP}"


ROWS = [Row("Soak", f"{PROMPTS} random prompts in one process", Holds("no error, nothing grows", soak),
            models=("FLUX",))]
