"""Rows: the drift of skipped steps is repaid by the sampler going again, and nothing else notices."""

from __future__ import annotations

import contextlib
import gc
import io
import re
import weakref
from collections.abc import Callable

import comfy.samplers
import pytest
import torch
from comfy.model_management import InterruptProcessingException
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy_extras.nodes_custom_sampler import Guider_DualModel
from tap_pack.nodes.comfy_bridge.run.replaying import NOT_ALIKE, OWN_NOISE
from tap_pack.nodes.comfy_bridge.run.second_model import ALONE
from tap_pack.nodes.measure_run import TapMeasureRun
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.schedules.easycache import EasyCacheSchedule
from tap_pack.tap_core.schedules.sada import StabilitySchedule
from torch import Tensor

from custom_runs import euler, stirred
from matrix_row import Close, Holds, Plugged, Row, accelerate, relative_error
from matrix_stage import STEPS, Stage
from watched_runs import Sample, assert_nobody_notices, watched, watched_with_tap

GROUP = "Samplers and steps"
ONCE = "each step once, in order"
REPEATS = "nothing is left behind; the next prompt is right"
EXACT = "the same picture, bit for bit"
UNPAID = "forecast; drift is not repaid, and the report says so"
LED, TOLD = "forecast; the first one's settings hold, both have the record", "computed in full, and says why"
KINDS = ("heun", "dpmpp_2m", "euler_ancestral")


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


def nobody_notices(stage: Stage) -> str:
    """Model calls, callbacks, the record and the random generators are those without replay."""
    for sampler in KINDS:
        on = assert_nobody_notices(stage.build(), run(stage, sampler), replays="ancestral" not in sampler)
        assert on.steps == list(range(STEPS))
        assert torch.equal(watched_with_tap(stage.build(), run(stage, sampler)).picture, on.picture)
    return ONCE


def in_full(stage: Stage) -> str:
    """Where nothing is skipped, the sampler is called once, and the picture is stock's."""
    for sampler in KINDS:
        stock, on = watched(stage.build(), run(stage, sampler)), watched_with_tap(
            stage.build(), run(stage, sampler), interval=1)
        assert torch.equal(on.picture, stock.picture) and on.passes == 1
    return EXACT


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


def wrapped(stage: Stage) -> str:
    """Wrappers of other nodes, before TAP and after it."""
    kinds = (WrappersMP.OUTER_SAMPLE, WrappersMP.SAMPLER_SAMPLE, WrappersMP.PREDICT_NOISE)

    def counting(model: ModelPatcher, came: list[str]) -> ModelPatcher:
        def wrapper(kind: str) -> Callable:
            return lambda executor, *args, **kwargs: (came.append(kind), executor(*args, **kwargs))[1]

        clone = model.clone()
        for kind in kinds:
            clone.add_wrapper_with_key(kind, "other", wrapper(kind))
        return clone

    for after in (False, True):
        came: list[str] = []
        model = stage.build()
        tapped, _ = accelerate(model if after else counting(model, came))
        stage.sample(counting(tapped, came) if after else tapped)
        assert [came.count(kind) for kind in kinds] == [1, 1, STEPS]
    return ONCE


def bar(stage: Stage) -> str:
    """ComfyUI's bar in the log."""
    model, _ = accelerate(stage.build())
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "simple", STEPS)
    log, latent = io.StringIO(), stage.latent()
    with contextlib.redirect_stderr(log):
        guider(stage, model).sample(comfy.sample.prepare_noise(latent, 5), latent,
                                    comfy.samplers.sampler_object("dpmpp_2m"), sigmas, seed=5)
    steps = [int(step) for step in re.findall(rf"(\d+)/{STEPS} \[", log.getvalue())]
    assert steps == sorted(steps) and steps[0] == 0 and steps[-1] == STEPS
    return ONCE


def schedules(stage: Stage) -> str:
    """Schedules that follow x."""
    for schedule in (EasyCacheSchedule(threshold=0.3, warmup=3), StabilitySchedule()):
        on = watched_with_tap(stage.build(), run(stage, "dpmpp_2m"), given_schedule=schedule)
        assert [e.position for e in on.record.evaluations] == on.steps == list(range(STEPS))
        assert on.record.skipped_steps and not on.record.fallbacks
    return ONCE


def measured(stage: Stage) -> str:
    """TAP Measure Run."""
    model = stage.build()
    stock = stage.sample(model, sampler="heun")
    tapped, holder = TapMeasureRun.execute(model, "auto").args
    assert torch.equal(stage.sample(tapped, sampler="heun"), stock)
    assert holder.latest.steps == STEPS
    return ONCE


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
    """Euler's method, which fails at one evaluation of its third pass."""
    passes = [0]

    def sample(model: Callable, *args: object, **options: object) -> Tensor:
        passes[0] += 1
        came = [0]

        def asked(*args: object, **kwargs: object) -> Tensor:
            if passes[0] == 3 and came[0] == at:
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
    row("while drift is repaid: model calls, callbacks, previews, random generators", ONCE, nobody_notices),
    row("the bar in the log", ONCE, bar),
    row("wrappers of other nodes", ONCE, wrapped),
    row("schedules that follow the picture, such as SADA and EasyCache", ONCE, schedules),
    row("TAP Measure Run", ONCE, measured),
    row("interval 1, with all kinds of samplers", EXACT, in_full),
    Row("Faults", "interrupted, or failed, while drift is repaid", Holds(REPEATS, interrupted), models=("FLUX", "Wan")),
]
