"""Rows: the drift of skipped steps is repaid by the sampler going again, and nothing else notices."""

from __future__ import annotations

import contextlib
import gc
import weakref
from collections.abc import Callable

import comfy.samplers
import pytest
import torch
from comfy.model_management import InterruptProcessingException
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_custom_sampler import Guider_DualModel
from tap_pack.nodes.comfy_bridge.run.replaying import NOT_ALIKE, OWN_NOISE
from tap_pack.nodes.comfy_bridge.run.second_model import ALONE
from tap_pack.tap_core.sampling.run import TapRun
from torch import Tensor

from custom_runs import euler, stirred
from matrix_row import Close, Holds, Plugged, Row, accelerate, relative_error
from matrix_stage import Stage
from watched_runs import Sample

GROUP = "Samplers and steps"
REPEATS = "nothing is left behind; the next prompt is right"
UNPAID = "forecast; drift is not repaid, and the report says so"
LED, TOLD = "forecast; the first one's settings hold, both have the record", "computed in full, and says why"


def around(name: str) -> comfy.samplers.Sampler:
    """A sampler object of another node, with one of ComfyUI inside."""

    class Around(comfy.samplers.Sampler):
        """It does what the inner one does."""

        def sample(self, *args: object, **kwargs: object) -> Tensor:
            return comfy.samplers.sampler_object(name).sample(*args, **kwargs)

    return Around()


def telling_less(model: Callable, x: Tensor, sigmas: Tensor, **options: object) -> Tensor:
    """A sampler function that tells the model another sigma than its own, as nodes for more detail do."""

    def told(x: Tensor, sigma: Tensor, **kwargs: object) -> Tensor:
        return model(x, sigma * 0.98, **kwargs)

    return euler(told, x, sigmas, **options)


def careful(model: Callable, *args: object, **options: object) -> Tensor:
    """A sampler function that tries again where a call fails."""

    def tried(*args: object, **kwargs: object) -> Tensor:
        with contextlib.suppress(Exception):
            return model(*args, **kwargs)
        return model(*args, **kwargs)

    return euler(tried, *args, **options)


def custom(sampler: Callable[[], object]) -> Callable[[Stage], Plugged]:
    """A SamplerCustomAdvanced node with a sampler object."""

    def plug(stage: Stage) -> Plugged:
        return Plugged(stage.build(), lambda model: stage.guided(guider(stage, model), sampler=sampler()))

    return plug


def guider(stage: Stage, model: ModelPatcher) -> comfy.samplers.CFGGuider:
    """A CFGGuider node."""
    made = comfy.samplers.CFGGuider(model)
    made.set_conds(stage.prompt(), stage.negative())
    made.set_cfg(2.0)
    return made


def two_models(stage: Stage) -> Plugged:
    """A DualModelGuider node: another model for the negative prompt."""
    other = stage.build()

    return Plugged(stage.build(), lambda model: stage.guided(dual(stage, model, other)))


def on_both_models(stage: Stage) -> str:
    """A DualModelGuider node with TAP on both models: one run, which both records show."""
    (second, followed), plugged = accelerate(stage.build()), two_models(stage)
    model, holder = accelerate(plugged.model)
    beside = dual(stage, model, second)
    assert relative_error(stage.guided(beside), stage.guided(dual(stage, plugged.model, stage.build()))) < 0.15
    assert holder.latest.skipped_steps == followed.latest.skipped_steps and holder.latest.skipped_steps
    return LED


def on_the_second_model(stage: Stage) -> str:
    """A DualModelGuider node with TAP on the second model alone."""
    (second, holder), first = accelerate(stage.build()), stage.build()
    assert torch.equal(stage.guided(dual(stage, first, second)), stage.guided(dual(stage, first, stage.build())))
    assert holder.latest.fallbacks == [ALONE]
    return TOLD


def dual(stage: Stage, model: ModelPatcher, other: ModelPatcher) -> comfy.samplers.CFGGuider:
    """The guider of a DualModelGuider node."""
    made = Guider_DualModel(model, other)
    made.set_conds(stage.prompt(), stage.negative())
    made.set_cfg(2.0)
    return made


def run(stage: Stage, sampler: str, **options: object) -> Sample:
    """A KSampler node."""
    return lambda model, callback: stage.sample(model, sampler=sampler, callback=callback, **options)


def unpaid(stage: Stage, sampler: Callable[[Callable], object], says: str) -> str:
    """A generator that is not put back: the run goes on without replay, and says so."""
    generator = torch.Generator().manual_seed(3)

    def draw(*_: object) -> Tensor:
        return torch.randn((1, *stage.shape), generator=generator)

    plugged = custom(lambda: sampler(draw))(stage)
    full, (model, holder) = plugged.sample(plugged.model), accelerate(plugged.model)
    picture, record = plugged.sample(model), holder.latest
    assert record.fallbacks == [says] and record.skipped_steps
    assert picture.isfinite().all() and relative_error(picture, full) < 1.5  # another noise
    return UNPAID


def handed_in(stage: Stage) -> str:
    """Another node hands a noise sampler to a sampler."""
    return unpaid(stage, lambda draw: comfy.samplers.ksampler("euler_ancestral", {"noise_sampler": draw}), OWN_NOISE)


def drawn(stage: Stage) -> str:
    """A sampler draws a little from a generator that only it knows."""
    return unpaid(stage, lambda draw: stirred(draw, 0.001), NOT_ALIKE)


def interrupted(stage: Stage) -> str:
    """Interrupted, and failed, at each evaluation of the pass in which the sampler goes again."""
    knows: list[weakref.ref] = []
    begin = TapRun.begin

    def noted(self: TapRun, *args: object) -> None:
        knows.append(weakref.ref(self.replay))
        begin(self, *args)

    model, holder = accelerate(stage.build(), placement="paper")
    wanted = stage.sample(model)
    for error in (InterruptProcessingException, RuntimeError):
        for at in range(6):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(TapRun, "begin", noted)
                with pytest.raises(error):
                    stage.guided(guider(stage, model), sampler=failing(error, at))
            assert not holder.latest.complete
            gc.collect()
            assert knows and all(reference() is None for reference in knows)
    assert torch.equal(stage.sample(model), wanted)
    return REPEATS


def failing(error: type[BaseException], at: int) -> comfy.samplers.KSAMPLER:
    """Euler's method, which fails at one evaluation of its fourth pass, the first one that goes past a gap."""
    passes = [0]

    def sample(model: Callable, *args: object, **options: object) -> Tensor:
        passes[0] += 1
        came = [0]

        def asked(*args: object, **kwargs: object) -> Tensor:
            if passes[0] == 4 and came[0] == at:
                raise error
            came[0] += 1
            return model(*args, **kwargs)

        return euler(asked, *args, **options)

    return comfy.samplers.KSAMPLER(sample)


def row(name: str, words: str, check: Callable[[Stage], str], *models: str) -> Row:
    """A row with its own check."""
    return Row(GROUP, name, Holds(words, check), models=models or ("FLUX", "Wan"))


ROWS = [
    Row(GROUP, "a sampler inside another node's sampler", Close(0.15), custom(lambda: around("heun"))),
    Row(GROUP, "a sampler that tells the model another sigma", Close(0.15),
        custom(lambda: comfy.samplers.KSAMPLER(telling_less))),
    Row(GROUP, "a sampler that tries again where a call fails", Close(0.15),
        custom(lambda: comfy.samplers.KSAMPLER(careful))),
    Row(GROUP, "two models in one guider", Close(0.15), two_models),
    row("two models in one guider, TAP on both", LED, on_both_models),
    row("two models in one guider, TAP on the second alone", TOLD, on_the_second_model),
    row("a sampler with a random generator of its own", UNPAID, drawn),
    row("noise that another node hands to a sampler", UNPAID, handed_in),
    Row("Faults", "interrupted, or failed, while drift is repaid", Holds(REPEATS, interrupted), models=("FLUX", "Wan")),
]
