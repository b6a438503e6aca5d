"""What others see of a run: the model's calls, the callbacks, the evaluations, and the random generators after it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import comfy.samplers
import numpy as np
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor

Callback = Callable[..., None]
Sample = Callable[[ModelPatcher, Callback], Tensor]
# Of 12 steps these are computed: 0, 1, 4, 7, 10.
SETTINGS = {"interval": 3, "warmup_steps": 2, "placement": "paper"}


def adds_noise(sampler: str) -> bool:
    """Whether a sampler of ComfyUI draws noise during a run."""
    return any(part in sampler for part in ("ancestral", "sde", "lcm", "ddpm", "seeds", "sa_solver"))


@dataclass(frozen=True)
class Watched:
    """One run. calls: of block 0. steps: numbers that the callback got. passes: how often a KSAMPLER sampled.

    drawn: the states of the random generators after it.
    """

    picture: Tensor
    calls: int
    steps: list[int]
    passes: int
    drawn: tuple
    record: TapRecord | None = None

    @property
    def evaluations(self) -> list[tuple]:
        """What the record has of each evaluation."""
        return [(e.step, e.sigma, e.full_calls, e.skipped_calls) for e in self.record.evaluations]


def watched(model: ModelPatcher, sample: Sample) -> Watched:
    """A run of this model."""
    seed_all(11)
    steps: list[int] = []
    with counted_calls(model) as calls, counted_passes() as passes, torch.inference_mode():
        picture = sample(model, lambda step, *_: steps.append(step))
    return Watched(picture, calls[0], steps, passes[0], states())


def accelerated(model: ModelPatcher, correction: str = "on", **settings: object) -> tuple[ModelPatcher, RecordHolder]:
    """The model with TAP, and where its records go."""
    holder, clone = RecordHolder(), model.clone()
    TapPatch(TapSettings(**{**SETTINGS, "correction": correction, **settings}), holder, node="7").install(clone)
    return clone, holder


def watched_with_tap(model: ModelPatcher, sample: Sample, correction: str = "on", **settings: object) -> Watched:
    """A run of this model with TAP."""
    tapped, holder = accelerated(model, correction, **settings)
    seen = watched(tapped, sample)
    return Watched(seen.picture, seen.calls, seen.steps, seen.passes, seen.drawn, holder.latest)


def assert_nobody_notices(model: ModelPatcher, sample: Sample, replays: bool = True, **settings: object) -> Watched:
    """Replay makes no call, callback or evaluation more, in no other order. replays: whether there should be any.

    The run with replay is returned.
    """
    stock = watched(model, sample)
    on, off = (watched_with_tap(model, sample, correction, **settings) for correction in ("on", "off"))
    assert on.evaluations == off.evaluations
    assert on.calls == off.calls
    assert on.steps == off.steps == stock.steps
    assert on.drawn == off.drawn == stock.drawn
    assert off.passes == stock.passes
    assert on.picture.isfinite().all()
    if replays:
        assert on.record.skipped_steps and not on.record.fallbacks, on.record.fallbacks
        assert on.passes > stock.passes + 1, "the sampler did not go again"
        assert not torch.equal(on.picture, off.picture)
    return on


@contextmanager
def counted_calls(model: ModelPatcher) -> Iterator[list[int]]:
    """The number of runs of block 0."""
    count, inner = [0], model.model.diffusion_model
    blocks = getattr(inner, "double_blocks", None) or getattr(inner, "blocks", None) or inner.input_blocks

    def add(*_: object) -> None:
        count[0] += 1

    hook = blocks[0].register_forward_hook(add)
    try:
        yield count
    finally:
        hook.remove()


@contextmanager
def counted_passes() -> Iterator[list[int]]:
    """How often samplers of ComfyUI's class sample."""
    count, known = [0], comfy.samplers.KSAMPLER.sample

    def sample(self: comfy.samplers.KSAMPLER, *args: object, **kwargs: object) -> Tensor:
        count[0] += 1
        return known(self, *args, **kwargs)

    comfy.samplers.KSAMPLER.sample = sample
    try:
        yield count
    finally:
        comfy.samplers.KSAMPLER.sample = known


def seed_all(seed: int) -> None:
    """Every random generator that a run may draw from."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


def states() -> tuple:
    """Where they stand."""
    kind, keys, *rest = np.random.get_state()
    return torch.get_rng_state().tolist(), random.getstate(), kind, keys.tolist(), rest
