"""SAMPLER_SAMPLE: the sampler goes again, and gets what is known in place of the model, see tap_core's replay.py."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import comfy.model_management
import comfy.model_patcher
from comfy.patcher_extension import WrapperExecutor
from torch import Tensor
from tqdm.auto import tqdm

from ....tap_core.sampling.replay import Replay, same
from ....tap_core.sampling.run import TapRun
from .evaluation import OwnCalls, is_differentiated
from .generators import DrawnInside, draw_others, put_back
from .held import Held
from .run_state import RunState, state_of
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
        self._sigmas: list[Tensor] = []  # what the model is told at each evaluation
        self._left = False  # whether the sampler was told to end this pass
        self._mark: Tensor | None = None  # x where the sampler was left to see whether it comes there again
        self._begun = self._followed = False  # whether it came to its start again, and behind the first gap
        self._second: Tensor | None = None  # x of the second evaluation, until a pass came there again
        self._went_back: float | None = None  # when the sampler was left, until it comes to a step that is not done
        self._alike = True  # whether later passes were at the same places, as far as that was read
        self.others = self._asked = False  # whether the generators draw other numbers in this pass, and in the next
        self._upto = 1  # the evaluation that a pass with other numbers ends at
        self._elsewhere: Tensor | None = None  # x that it came to

    def again(self) -> None:
        """The next pass starts."""
        self._evaluation, self._call, self._left = 0, 0, False
        self.others, self._asked = self._asked, False

    def _leave(self) -> None:
        self._left = True
        if self._went_back is None:
            self._went_back = time.perf_counter()
        raise GoAgain

    def _try_others(self, upto: int) -> None:
        """Leave the sampler, to see whether it comes to another x at an evaluation when other numbers are drawn."""
        self._asked, self._upto = True, upto
        self._leave()

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
        if replay is not None and (self._left or not self._is_alike(index, x, sigma, replay)):
            self._stop(NOT_ALIKE)
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
            self._go_again()
        return denoised

    def _other_answer(self, index: int, x: Tensor, replay: Replay) -> Tensor:
        """As `answer`, in a pass with other numbers, which ends where its x is noted."""
        if index >= self._upto:
            self._elsewhere = x.clone()
            self._leave()
        return replay.answer(index, x)

    def _is_alike(self, index: int, x: Tensor, sigma: Tensor, replay: Replay) -> bool:
        """Whether the sampler goes the same way again, as far as is known; to see it, it is left a few times.

        That is before its first evaluation, before its second one, behind the first gap, and where noise shows.
        """
        if not self._begun:
            alike = self._comes_again(x)
            self._begun = True
            return alike and self._is_alike(index, x, sigma, replay)
        if index == self._upto and self._elsewhere is not None and not self._see_noise(index, x, replay):
            return False
        if index == len(self._sigmas):
            self._sigmas.append(sigma.clone())
            if index == 1:
                self._second = x.clone()
                self._run.foresee(x, float(sigma.flatten()[0]))
                self._try_others(index)
            return True
        self._compare(index, x, sigma, replay)
        if not self._followed and index == replay.known - 1 and index >= replay.before_gaps:
            self._follow(x)
        return True

    def _follow(self, x: Tensor) -> None:
        """Leave the sampler once behind the first gap; the next full step reads whether it came to the same x again."""
        if self._mark is None:
            self._mark = x.clone()
            self._leave()
        self._run.readback.ask(same(x, self._mark), self._repeat)
        self._followed, self._mark = True, None

    def _comes_again(self, x: Tensor) -> bool:
        """Leave the sampler, and whether it then comes to the same x [B, C, ...]. This waits for the device."""
        if self._mark is None:
            self._mark = x.clone()
            self._leave()
        before, self._mark = self._mark, None
        return x.shape == before.shape and bool(same(x, before))

    def _compare(self, index: int, x: Tensor, sigma: Tensor, replay: Replay) -> None:
        """Ask whether a later pass is at the same place up to the first gap; the next full step reads it."""
        self._run.readback.ask((sigma == self._sigmas[index]).all(), self._repeat)
        if self._second is not None and index == 1:
            self._run.readback.ask(same(x, self._second), self._repeat)
            self._second = None
        elif index < replay.before_gaps:
            self._run.readback.ask(replay.comes_to(index, x), self._repeat)

    def _repeat(self, alike: Tensor) -> None:
        """Take whether a later pass was at the same place."""
        self._alike = self._alike and bool(alike)

    def _see_noise(self, index: int, x: Tensor, replay: Replay) -> bool:
        """Noise is what differs when other numbers are drawn; whether it is the same when the same ones are drawn.

        This waits for the device.
        """
        noisy = x.shape != self._elsewhere.shape or not same(x, self._elsewhere)
        if noisy and index > 1 and not self._comes_again(x):
            return False
        self._elsewhere, replay.noisy, self._run.motion.adds_noise = None, noisy, noisy
        if not noisy:  # what looked like it were sharp turns
            self._run.motion.noisy = None
        return True

    def _go_again(self) -> None:
        """Leave the sampler, unless that would do harm, as far as the full step that just ended has read."""
        if not self._alike:
            self._stop(NOT_ALIKE)
            return
        motion, replay = self._run.motion, self._run.replay
        if not replay.noisy and motion.noisy is not None and motion.noisy:
            self._try_others(replay.known)
        elif not (replay.noisy and motion.buries):
            self._leave()

    def _stop(self, why: str) -> None:
        self._run.replay = None
        self._run.notes.note(why)
