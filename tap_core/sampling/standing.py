"""Where a run stands: how close its picture is to the one with every step computed (tap_core/closeness.py)."""

from dataclasses import replace

from torch import Tensor

from ..closeness import Closeness, Line
from ..record.record import TapRecord
from ..schedule import Seen
from ..schedules.drift_rates import line_of
from ..schedules.quality import RENEWED
from ..timeline import Timeline
from .drifts import Drifts
from .motion import LITTLE, Motion
from .readback import Ask
from .slopes import Slopes
from .trend import Trend

NONE_CLOSED = ("No computed step came after a forecast one, so nothing shows how wrong the forecasts were. Choose "
               "settings that compute the last step, such as placement change, or a higher most_computed.")
CHANGED = ("A prompt, control or guidance changed across all forecast steps, so nothing shows how wrong the forecasts "
           "were. Choose settings that compute more steps.")
UNKNOWN_YET = "not known how close"
NO_NUMBERS = "The latents of the picture are all zero, or not numbers."


class Standing:
    """Of one run; nothing is known any more once its way is lost. The record gets the reason.

    closer: see Line; slopes: the run's. so_far: how close it is at the latest full step, in words; "" before the first
    gap, and where that cannot be told.
    """

    def __init__(self, record: TapRecord, timeline: Timeline, closer: float = 0.0, slopes: Slopes | None = None
                 ) -> None:
        self._record, self._line = record, line_of(timeline, closer)
        self._drifts: Drifts | None = Drifts(timeline.mixes, slopes)
        self.so_far = ""

    def lose(self, why: str = "") -> None:
        """What was measured says nothing of what comes. why: what to tell people in place of a figure."""
        self.keep_silent(why)
        self._drifts = None

    def keep_silent(self, why: str) -> None:
        """Measure on, but tell no figure, and why."""
        self._record.why_unknown = self._record.why_unknown or why
        self.so_far = ""

    def add(self, seen: Seen, motion: Motion, sigma: float, counts: float) -> None:
        """An evaluation is over; show the schedule where the run stands. sigma: the sampler's; counts: see Drifts."""
        if self._drifts is None or seen.empty:
            return
        self._drifts.add(seen.x, seen.denoised, sigma, seen.whole, counts, motion.noisy)
        if seen.whole:
            seen.surprise = self._drifts.surprise
            seen.drifts, seen.twice, seen.renewed = self._drifts.both, self.twice, motion.renewed

    def breaks(self) -> None:
        """See Drifts."""
        if self._drifts is not None:
            self._drifts.breaks()

    def closeness(self, motion: Motion) -> Closeness | None:
        """At the end, of the picture that differs most in a batch; None if that is not known. Waits for the device."""
        if self._drifts is None or self._record.why_unknown:
            return None
        drifts = self._drifts.both
        if drifts is None:
            self.keep_silent(NONE_CLOSED if self._drifts.open else CHANGED if self._drifts.unmeasured else "")
            return None
        close = self._closeness(drifts, motion.renewed, motion.turned, self._drifts.open)
        if close is None:
            self.keep_silent(NO_NUMBERS)
        return close

    def ask(self, ask: Ask) -> None:
        """Have it read what forecasts need to know of the slopes."""
        if self.trend is not None:
            self.trend.ask(ask)

    def tell(self, seen: Seen) -> None:
        """Say how close the run is so far, of a full step whose figures are read."""
        if seen.drifts is None or seen.drifts.is_meta:  # tensors without values, where operators are counted
            return
        if self._drifts is not None and not self._record.why_unknown:
            close = self._closeness(seen.drifts, seen.renewed, seen.turned, ends_open=False)
            self.so_far = f"so far {close or UNKNOWN_YET}"

    def _closeness(self, drifts: Tensor, renewed: Tensor | None, turned: Tensor | None, ends_open: bool
                   ) -> Closeness | None:
        """Of the picture that differs most. drifts: [2, B], see Drifts.both; renewed, turned: scalars, see Motion."""
        line = replace(self.line(renewed, turned), open_end=ends_open)
        return line.closeness(float(drifts[0].max()))

    def line(self, renewed: Tensor | None, turned: Tensor | None) -> Line:
        """From the run's drift to its closeness, by what its sampler was seen to do. renewed, turned: see Motion."""
        return replace(self._line, twice=self.twice, turned=0.0 if turned is None else float(turned),
                       renewed=renewed is not None and bool(renewed > RENEWED),
                       noisy=renewed is not None and bool(renewed > LITTLE))

    @property
    def trend(self) -> Trend | None:
        """How the slopes of the full steps went so far; None if it is not known, as where steps are evaluated twice:
        from one of these slopes to the other is no step forward.
        """
        return None if self._drifts is None or self.twice else self._drifts.trend

    @property
    def known(self) -> bool:
        """Whether something is measured at all."""
        return self._drifts is not None

    @property
    def twice(self) -> float:
        """The share of the steps so far that were evaluated twice."""
        evaluations = self._record.evaluations
        more = len(evaluations) / (evaluations[-1].step + 1) - 1 if evaluations else 0.0
        return min(max(more, 0.0), 1.0)

    @property
    def nbytes(self) -> int:
        """Bytes of the latents that are kept."""
        return 0 if self._drifts is None else self._drifts.nbytes
