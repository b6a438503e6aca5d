"""Whether a sampler goes the same way again with the same seeds, as far as passes through it show."""

from enum import Enum, auto

from torch import Tensor

from ....tap_core.sampling.replay import Replay
from ....tap_core.sampling.run import TapRun
from ....tap_core.sampling.same_values import same_values


class Verdict(Enum):
    """What a pass does next: it goes on, the sampler goes another way, or it is left to go again.

    OTHERS: it goes again with other numbers from the generators, up to `SameWay.upto`.
    """

    ON = auto()
    DIFFERS = auto()
    AGAIN = auto()
    OTHERS = auto()


class SameWay:
    """Of one sampling. upto: the evaluation that a pass with other numbers ends at."""

    def __init__(self, run: TapRun) -> None:
        self._run = run
        self._sigmas: list[Tensor] = []  # what the model is told at each evaluation
        self._mark: Tensor | None = None  # x where the sampler was left to see whether it comes there again
        self._begun = self._followed = False  # whether it came to its start again, and behind the first gap
        self._second: Tensor | None = None  # x of the second evaluation, until a pass came there again
        self._alike = True  # whether later passes were at the same places, as far as that was read
        self._elsewhere: Tensor | None = None  # x that a pass with other numbers came to
        self.upto = 1

    def look(self, index: int, x: Tensor, sigma: Tensor, replay: Replay) -> Verdict:
        """Whether the sampler goes the same way again, as far as is known; to see it, it is left a few times.

        That is before its first evaluation, before its second one, behind the first gap, and where noise shows.
        """
        if not self._begun:
            verdict = self._come_again(x)
            self._begun = verdict is not Verdict.AGAIN
            if verdict is not Verdict.ON:
                return verdict
        if index == self.upto and self._elsewhere is not None:
            verdict = self._see_noise(index, x, replay)
            if verdict is not Verdict.ON:
                return verdict
        if index == len(self._sigmas):
            return self._first_time(index, x, sigma)
        self._compare(index, x, sigma, replay)
        if not self._followed and index == replay.known - 1 and index >= replay.before_gaps:
            return self._follow(x)
        return Verdict.ON

    def judge(self, replay: Replay) -> Verdict:
        """Whether to go again, or whether that would do harm, as far as the full step that just ended has read."""
        if not self._alike:
            return Verdict.DIFFERS
        motion = self._run.motion
        if not replay.noisy and motion.noisy is not None and motion.noisy:
            self.upto = replay.known
            return Verdict.OTHERS
        return Verdict.ON if replay.noisy and motion.buries else Verdict.AGAIN

    def note_elsewhere(self, x: Tensor) -> None:
        """Note the x [B, C, ...] that a pass with other numbers came to."""
        self._elsewhere = x.clone()

    def _first_time(self, index: int, x: Tensor, sigma: Tensor) -> Verdict:
        """Note where the sampler is; at its second evaluation, see whether other numbers bring it to another x."""
        self._sigmas.append(sigma.clone())
        if index != 1:
            return Verdict.ON
        self._second = x.clone()
        self._run.foresee(x, float(sigma.flatten()[0]))
        self.upto = index
        return Verdict.OTHERS

    def _follow(self, x: Tensor) -> Verdict:
        """Leave the sampler once behind the first gap; the next full step reads whether it came to the same x again."""
        if self._mark is None:
            self._mark = x.clone()
            return Verdict.AGAIN
        self._run.readback.ask(same_values(x, self._mark).all(), self._repeat)
        self._followed, self._mark = True, None
        return Verdict.ON

    def _come_again(self, x: Tensor) -> Verdict:
        """Leave the sampler, and whether it then comes to the same x [B, C, ...]. This waits for the device."""
        if self._mark is None:
            self._mark = x.clone()
            return Verdict.AGAIN
        before, self._mark = self._mark, None
        return Verdict.ON if _equal(x, before) else Verdict.DIFFERS

    def _compare(self, index: int, x: Tensor, sigma: Tensor, replay: Replay) -> None:
        """Ask whether a later pass is at the same place up to the first gap; the next full step reads it."""
        self._run.readback.ask((sigma == self._sigmas[index]).all(), self._repeat)
        if self._second is not None and index == 1:
            self._run.readback.ask(same_values(x, self._second).all(), self._repeat)
            self._second = None
        elif index < replay.before_gaps:
            self._run.readback.ask(replay.comes_to(index, x), self._repeat)

    def _repeat(self, alike: Tensor) -> None:
        """Take whether a later pass was at the same place."""
        self._alike = self._alike and bool(alike)

    def _see_noise(self, index: int, x: Tensor, replay: Replay) -> Verdict:
        """Noise is what differs when other numbers are drawn; whether it is the same when the same ones are drawn.

        This waits for the device.
        """
        noisy = not _equal(x, self._elsewhere)
        if noisy and index > 1:
            verdict = self._come_again(x)
            if verdict is not Verdict.ON:
                return verdict
        self._elsewhere, replay.noisy, self._run.motion.adds_noise = None, noisy, noisy
        if not noisy:  # what looked like it were sharp turns
            self._run.motion.noisy = None
        return Verdict.ON


def _equal(x: Tensor, y: Tensor) -> bool:
    """This waits for the device."""
    return x.shape == y.shape and bool(same_values(x, y).all())
