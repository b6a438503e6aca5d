"""A run with replay leaves nothing behind, in whatever way it ends; also where a replay is going on."""

from __future__ import annotations

import gc
import itertools
import weakref
from collections.abc import Callable, Iterator

import comfy.model_management as management
import comfy.samplers
import pytest
import torch
from comfy.model_management import InterruptProcessingException
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.run.run_state import RUN_KEY
from tap_pack.tap_core.sampling import run as run_module
from tap_pack.tap_core.sampling.replay import Replay
from torch import Tensor, nn

from custom_runs import STEPS, custom, euler, stirred
from tiny_flux import tiny_flux
from watched_runs import Callback, Sample, accelerated, watched, watched_with_tap

ERRORS = [InterruptProcessingException, RuntimeError]


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


@pytest.fixture(scope="module")
def right(model: ModelPatcher) -> Tensor:
    """The picture of a run after which nothing has happened."""
    return watched_with_tap(model, by("heun")).picture


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Replay]]:
    """Weak references to what each run knows; no garbage is collected during the test."""
    made: list[weakref.ref[Replay]] = []

    class Watched(Replay):
        """Replay, and a note of it."""

        def __init__(self, *args: object) -> None:
            super().__init__(*args)
            made.append(weakref.ref(self))

    monkeypatch.setattr(run_module, "Replay", Watched)
    return made


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What only Python's collector would free stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def by(name: str) -> Sample:
    """A run by a sampler of ComfyUI."""
    return custom(lambda: comfy.samplers.sampler_object(name))


class Stops:
    """Raises an error at one place of a run, once: `when` is asked at each place, with what has happened there."""

    def __init__(self, error: type[BaseException], when: Callable[[int, int], bool]) -> None:
        self.error, self.when = error, when
        self.passes = self.evaluation = 0
        self.raised = False

    def sampler(self) -> comfy.samplers.KSAMPLER:
        """Euler's method, which asks before each evaluation, known or not: number of the pass, and of the step."""

        def sample(model: Callable, x: Tensor, sigmas: Tensor, **options: object) -> Tensor:
            self.passes += 1
            self.evaluation = 0

            def asked(*args: object, **kwargs: object) -> Tensor:
                if self.when(self.passes, self.evaluation) and not self.raised:
                    self.raised = True
                    raise self.error
                self.evaluation += 1
                return model(*args, **kwargs)

            return euler(asked, x, sigmas, **options)

        return comfy.samplers.KSAMPLER(sample)


def assert_nothing_is_left(tapped: ModelPatcher, holder: object, right: Tensor,
                           replays: list[weakref.ref[Replay]]) -> None:
    """No state of the run, no latents, and the next run is right."""
    assert RUN_KEY not in tapped.model_options.get("transformer_options", {})
    assert not holder.latest.complete
    assert replays and all(reference() is None for reference in replays)
    assert torch.equal(watched(tapped, by("heun")).picture, right)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("at", [(1, 0), (2, 0), (2, 1), (3, 1), (4, 3), (4, 4), (5, 3), (6, 6)], ids=str)
def test_a_run_may_be_stopped_while_the_sampler_goes_again(
    model: ModelPatcher, right: Tensor, replays: list[weakref.ref[Replay]], error: type[BaseException],
    at: tuple[int, int],
) -> None:
    stops = Stops(error, lambda number, step: (number, step) == at)
    tapped, holder = accelerated(model)
    with pytest.raises(error):
        watched(tapped, custom(stops.sampler))
    gc.collect()
    assert stops.raised
    assert_nothing_is_left(tapped, holder, right, replays)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("step", [0, 1, 3, 4, 8])
def test_a_run_may_be_stopped_in_the_callback(
    model: ModelPatcher, right: Tensor, replays: list[weakref.ref[Replay]], error: type[BaseException], step: int
) -> None:
    def stopping(run: Sample) -> Sample:
        def callback(at: int, *_: object) -> None:
            if at == step:
                raise error

        return lambda model, _: run(model, callback)

    tapped, holder = accelerated(model)
    with pytest.raises(error):
        watched(tapped, stopping(by("euler")))
    gc.collect()
    assert len(holder.latest.evaluations) == step + 1
    assert_nothing_is_left(tapped, holder, right, replays)


@pytest.mark.parametrize("step", [1, 4, 5, 8])
def test_the_button_stops_a_run_at_the_next_model_call(
    model: ModelPatcher, right: Tensor, replays: list[weakref.ref[Replay]], step: int
) -> None:
    def press(at: int, *_: object) -> None:
        if at == step:
            management.interrupt_current_processing()

    tapped, holder = accelerated(model)
    with pytest.raises(InterruptProcessingException):
        watched(tapped, lambda model, _: by("dpmpp_2m")(model, press))
    gc.collect()
    assert len(holder.latest.evaluations) <= step + 2
    assert_nothing_is_left(tapped, holder, right, replays)


@pytest.mark.parametrize("answers", [5, 20])
def test_the_button_stops_a_run_within_a_replay_at_once(
    model: ModelPatcher, right: Tensor, replays: list[weakref.ref[Replay]], monkeypatch: pytest.MonkeyPatch,
    answers: int,
) -> None:
    answer, given = Replay.answer, []

    def pressing(replay: Replay, index: int, x: Tensor) -> Tensor:
        given.append(index)
        if len(given) == answers:
            management.interrupt_current_processing()
        return answer(replay, index, x)

    monkeypatch.setattr(Replay, "answer", pressing)
    tapped, holder = accelerated(model)
    with pytest.raises(InterruptProcessingException):
        watched(tapped, by("euler"))
    gc.collect()
    known = len(holder.latest.evaluations)
    assert len(given) == answers and known - 1 > given[-1]
    monkeypatch.undo()
    assert_nothing_is_left(tapped, holder, right, replays)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", [1, 2, 3, 5])
def test_a_run_may_be_stopped_in_a_model_call(
    model: ModelPatcher, right: Tensor, replays: list[weakref.ref[Replay]], error: type[BaseException], call: int
) -> None:
    calls = [0]

    def stop(*_: object) -> None:
        calls[0] += 1
        if calls[0] == call:
            raise error

    hook = model.model.diffusion_model.double_blocks[1].register_forward_hook(stop)
    tapped, holder = accelerated(model)
    try:
        with pytest.raises(error):
            watched(tapped, by("uni_pc"))
    finally:
        hook.remove()
    gc.collect()
    assert_nothing_is_left(tapped, holder, right, replays)


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m_sde"])
def test_a_finished_run_frees_what_it_knew_at_once(model: ModelPatcher, replays: list[weakref.ref[Replay]],
                                                   no_collector: None, sampler: str) -> None:
    """A video's latents would wait for Python's collector otherwise."""
    on = watched_with_tap(model, by(sampler))
    assert on.passes > 1 and len(replays) == 1
    assert replays[0]() is None


@pytest.mark.parametrize("where", ["callback", "model call"])
def test_latents_are_freed_even_if_the_error_is_kept(model: ModelPatcher, replays: list[weakref.ref[Replay]],
                                                     where: str) -> None:
    def fail(at: int, *_: object) -> None:
        if at == 8:
            raise RuntimeError

    calls = itertools.count()
    hook = model.model.diffusion_model.double_blocks[1].register_forward_hook(
        lambda *_: fail(8 if where == "model call" and next(calls) == 4 else 0))
    try:
        with pytest.raises(RuntimeError) as held:
            watched_with_tap(model, lambda model, _: by("euler")(model, fail if where == "callback" else None))
    finally:
        hook.remove()
    gc.collect()
    assert held.tb is not None
    assert replays[0]() is None or replays[0]().nbytes == 0


def test_no_model_is_kept_alive() -> None:
    tapped, holder = accelerated(tiny_flux())
    watched(tapped, by("heun"))
    flux: weakref.ref[nn.Module] = weakref.ref(tapped.model.diffusion_model)
    del tapped
    gc.collect()
    assert holder.latest.complete and flux() is None


def test_latents_that_were_handed_in_are_unchanged(model: ModelPatcher) -> None:
    given: dict[str, tuple[Tensor, Tensor]] = {}

    class Notes(comfy.samplers.CFGGuider):
        """A guider that notes what it is given."""

        def sample(self, noise: Tensor, latent_image: Tensor, sampler: object, sigmas: Tensor,
                   *args: object, **kwargs: object) -> Tensor:
            for name, value in {"noise": noise, "latent": latent_image, "sigmas": sigmas}.items():
                given[name] = value, value.clone()
            return super().sample(noise, latent_image, sampler, sigmas, *args, **kwargs)

    watched_with_tap(model, custom(lambda: comfy.samplers.sampler_object("heun"), Notes))
    assert len(given) == 3
    assert all(torch.equal(now, before) for now, before in given.values())


def callbacks_of(run: Sample, model: ModelPatcher) -> list[tuple[int, Tensor, Tensor, int]]:
    """Everything that a callback got, copied when it came."""
    came: list[tuple[int, Tensor, Tensor, int]] = []

    def callback(step: int, x0: Tensor, x: Tensor, total: int) -> None:
        came.append((step, x0.clone(), x.clone(), total))

    def sample(model: ModelPatcher, _: Callback) -> Tensor:
        return run(model, callback)

    watched(model, sample)
    return came


LATE_NOISE = custom(lambda: stirred(torch.randn_like, 0.5, 5))


@pytest.mark.parametrize("run", [*map(by, ("euler", "heun", "dpmpp_2m", "uni_pc", "dpmpp_sde", "er_sde")), LATE_NOISE],
                         ids=["euler", "heun", "dpmpp_2m", "uni_pc", "dpmpp_sde", "er_sde", "late noise"])
def test_previews_are_the_ones_of_their_step(model: ModelPatcher, run: Sample) -> None:
    stock, on, off = (callbacks_of(run, each) for each in (
        model, accelerated(model)[0], accelerated(model, "off")[0]))
    assert [came[0] for came in on] == [came[0] for came in stock] == list(range(STEPS))
    assert {came[3] for came in on} == {came[3] for came in stock}
    for full, repaid, drifted in zip(stock, on, off, strict=True):
        for place in (1, 2):  # the denoised picture, and x
            errors = [(each[place] - full[place]).norm() for each in (repaid, drifted)]
            assert errors[0] <= 1.05 * errors[1] + 1e-3 * full[place].norm()
