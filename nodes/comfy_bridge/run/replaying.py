"""SAMPLER_SAMPLE: the sampler goes again, and gets what is known in place of the model, see tap_core's replay.py."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import comfy.model_management
import comfy.model_patcher
from comfy.patcher_extension import WrapperExecutor
from torch import Tensor
from tqdm.auto import tqdm

from ....tap_core.sampling.replay import Replay
from ....tap_core.sampling.run import TapRun
from .evaluation import OwnCalls, is_differentiated
from .generators import DrawnInside, draw_others, put_back
from .held import Held
from .run_state import RunState, state_of
from .same_way import SameWay, Verdict
from .stand_in import StandIn

# ComfyUI was asked for their room; latents that still take more than this share of the free memory go to the CPU.
SPARE = 0.5
NOT_ALIKE = ("This sampler does not go the same way twice with the same seeds, so the errors of the forecasts stay in "
             "the picture. Choose another sampler, such as euler or dpmpp_2m.")
OWN_NOISE = ("Another node gives this sampler noise of its own, which cannot be drawn again, so the errors of the "
             "forecasts stay in the picture.")
SEVERAL = ("The guider, or another node, samples several times in one run, as for tiles; from the second time on TAP "
           "computed every step in full. Use another guider, or remove that node.")


COSTLY = ("Repaying the errors of the forecasts took {seconds:.0f} s of this run, as the sampler does work of its own "
          "at each step. Switch correction off, or choose another sampler.")
# It is told where it took so many seconds, and more than this share of all others.
NOTED, SHARE = 1.0, 0.25


class GoAgain(BaseException):
    """Leaves the sampler, past all of its own `except Exception`."""


# Named as in ComfyUI: other nodes hand on some of these by name.
def sampler_sample(executor: WrapperExecutor, model_wrap: object, sigmas: Tensor, extra_args: dict,
                   callback: Callable[..., None] | None, noise: Tensor, latent_image: Tensor | None = None,
                   denoise_mask: Tensor | None = None, disable_pbar: bool = False) -> Tensor:
    """SAMPLER_SAMPLE: sample, as often as there is something to repay. model_wrap: the guider."""
    state = state_of(model_wrap.model_options.get("transformer_options", {}))
    guider, rest = model_wrap, (noise, latent_image, denoise_mask)
    if state is not None:
        guider = StandIn(model_wrap, OwnCalls(state))
        _check_sampling(state, executor.class_obj)
    if state is None or state.run.replay is None or state.run.notes.fell_back:
        return executor(guider, sigmas, extra_args, callback, *rest, disable_pbar)
    _keep_within_room(state.run, noise)
    generators, held, started = put_back(), [Held(model_wrap), Held(executor.class_obj)], time.perf_counter()
    with tqdm(total=len(sigmas) - 1, disable=disable_pbar) as bar, _forgetting(held):
        passes = Passes(state.run, callback, bar, held)
        while True:
            generators()
            for each in held:
                each.put_back()
            given = copied(extra_args)
            if passes.others:
                draw_others(given)
            try:
                samples = executor(StandIn(guider, passes), sigmas.clone(), given, passes.told, *map(_anew, rest), True)
            except GoAgain:
                passes.again()
                continue
            if not passes.others:
                _note_cost(state.run, time.perf_counter() - started)
                return samples
            passes.again()  # the sampler has ended before it came to where other numbers show


@contextmanager
def _forgetting(held: Sequence[Held]) -> Iterator[None]:
    """A sampler may live on, and keep what stood in for the guider."""
    try:
        yield
    finally:
        for each in held:
            each.forget()


def _check_sampling(state: RunState, sampler: object) -> None:
    """Compute a second sampling of a run in full, and repay nothing under noise that cannot be drawn again."""
    run, again, state.sampled = state.run, state.sampled, True
    if again and run.decider.skips_any:
        run.replay = None
        run.fall_back_blind(SEVERAL)
    elif run.replay is not None and "noise_sampler" in (getattr(sampler, "extra_options", None) or {}):
        run.replay = None
        run.notes.note(OWN_NOISE)


def _note_cost(run: TapRun, seconds: float) -> None:
    """Say so if going again took long. seconds: of the whole sampling."""
    replayed = run.record.seconds_replayed
    if replayed > max(NOTED, SHARE * (seconds - replayed)):
        run.notes.note(COSTLY.format(seconds=replayed))


def _anew(given: object) -> object:
    """Its own copy for each pass, which may write into it."""
    return given.clone() if isinstance(given, Tensor) else given


def copied(extra_args: dict) -> dict:
    """A sampler's arguments for one pass, in which it may change what it likes."""
    options = comfy.model_patcher.create_model_options_clone(extra_args.get("model_options", {}))
    return {**extra_args, "model_options": options}


def _keep_within_room(run: TapRun, latent: Tensor) -> None:
    """Keep latents [B, C, ...] on the CPU where there is not enough room for them beside the model."""
    free = comfy.model_management.get_free_memory(latent.device)
    run.latents.fit(run.replay, latent.nbytes, 0 if run.settings.cache_device == "cpu" else int(SPARE * free))


class Passes:
    """The passes of one sampling through its sampler."""

    def __init__(self, run: TapRun, callback: Callable[..., None] | None, bar: tqdm, held: Sequence[Held]) -> None:
        self._run, self._callback, self._bar, self._held = run, callback, bar, held
        self._drawn, self._drawn_told = DrawnInside(), DrawnInside()  # in evaluations, and in callbacks
        self._evaluation = self._call = self._calls = 0
        self._way = SameWay(run)
        self._left = False  # whether the sampler was told to end this pass
        self._went_back: float | None = None  # when the sampler was left, until it comes to a step that is not done
        self.others = self._asked = False  # whether the generators draw other numbers in this pass, and in the next

    def again(self) -> None:
        """The next pass starts."""
        self._evaluation, self._call, self._left = 0, 0, False
        self.others, self._asked = self._asked, False

    def _leave(self) -> None:
        self._left = True
        if self._went_back is None:
            self._went_back = time.perf_counter()
        raise GoAgain

    def _catch_up(self) -> None:
        """The sampler comes to a step that is not done: what it took to get here again was replay."""
        if self._went_back is not None:
            self._run.record.seconds_replayed += time.perf_counter() - self._went_back
            self._went_back = None

    def told(self, *step: object, **named: object) -> None:
        """The sampler's callback: each call of it goes on once, in whichever pass it comes first."""
        self._call += 1
        if self.others:
            return
        if self._call <= self._calls:
            self._drawn_told.skip(self._call)
            return
        self._calls = self._call
        self._bar.update()
        if self._callback is not None:
            self._catch_up()  # a preview is no replay
            with self._once(self._drawn_told, self._call):
                self._callback(*step, **named)

    @contextmanager
    def _once(self, drawn: DrawnInside, number: int) -> Iterator[None]:
        """What others do in a call that is not made again stays: what they set, and where generators are."""
        with ExitStack() as stack:
            for each in self._held:
                stack.enter_context(each.called())
            stack.enter_context(drawn.noted(number))
            yield

    def answer(self, guider: object, x: Tensor, sigma: Tensor, *args: object, **kwargs: object) -> Tensor:
        """The denoised picture [B, C, ...] of one evaluation: what is known of it, or the guider's own."""
        comfy.model_management.throw_exception_if_processing_interrupted()
        replay, index = self._run.replay, self._evaluation
        self._evaluation += 1
        if self.others:
            return self._other_answer(index, x, replay)
        if is_differentiated(x, sigma):  # x may not be looked at
            self._run.replay = replay = None
        if replay is not None:
            self._act(Verdict.DIFFERS if self._left else self._way.look(index, x, sigma, replay))
        if replay is not None and index < replay.known:
            denoised = replay.answer(index, x)
            self._drawn.skip(index)
            if index == replay.known - 1:
                self._run.expect(x, denoised)
            return denoised
        self._catch_up()
        if self._run.replay is None:
            return guider(x, sigma, *args, **kwargs)
        seen = len(self._run.record.evaluations)
        with self._once(self._drawn, index):
            denoised = guider(x, sigma, *args, **kwargs)
        if len(self._run.record.evaluations) == seen or self._run.notes.fell_back:  # nothing is forecast any more
            self._run.replay = None
        if self._run.goes_again(x, denoised):
            self._act(self._way.judge(self._run.replay))
        return denoised

    def _other_answer(self, index: int, x: Tensor, replay: Replay) -> Tensor:
        """As `answer`, in a pass with other numbers, which ends where its x is noted."""
        if index >= self._way.upto:
            self._way.note_elsewhere(x)
            self._leave()
        return replay.answer(index, x)

    def _act(self, verdict: Verdict) -> None:
        """Leave the sampler, or give up repaying, where the verdict is that."""
        if verdict is Verdict.DIFFERS:
            self._stop(NOT_ALIKE)
        elif verdict is not Verdict.ON:
            self._asked = verdict is Verdict.OTHERS
            self._leave()

    def _stop(self, why: str) -> None:
        self._run.replay = None
        self._run.notes.note(why)
