"""The wrappers of TAP Measure Run, whose run records a trace."""

import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from ....tap_core.calibrate.every_step import EveryStep
from ....tap_core.calibrate.measuring_run import MeasuringRun
from ....tap_core.calibrate.trace_holder import TraceHolder
from ....tap_core.sampling.pool_settings import PoolSettings
from ....tap_core.sampling.settings import TapSettings
from ....tap_core.schedule import AnySchedule
from .condition import Key
from .second_model import ALONE
from .wrappers import TapPatch, guidance_of, mixes_noise, sigma_of_share

# ComfyUI's own, which add up cfg of the positive prompt and 1 - cfg of the negative.
USUAL_GUIDERS = ("CFGGuider", "Guider_Basic")
OWN_WAY = "This guider combines its prompts in its own way; a calibration counts them equally."

log = logging.getLogger("tap")


@dataclass(frozen=True)
class PromptShares:
    """How much each prompt counts, by the keys of ConditionKeys. cfg: None where all count equally."""

    cfg: float | None

    def of(self, key: Key) -> float:
        """cfg of the positive prompt, 1 - cfg of the negative."""
        if self.cfg is None:
            return 1.0
        return self.cfg if key[1] == 0 else 1 - self.cfg

    def part(self, key: Key) -> Hashable:
        """Conditions with the same prompt and frames share a part of the guided picture."""
        return key[2] if self.cfg is None else key[1:3]


class MeasuringPatch(TapPatch):
    """The wrappers of one TAP Measure Run node; `holder` gets the trace of its latest run."""

    def __init__(
        self, target: str, holder: TraceHolder, schedule: AnySchedule | None = None,
        pool: PoolSettings | None = None,
    ) -> None:
        correction = "off" if schedule is None else "on"
        given = {"given_schedule": schedule or EveryStep(), "given_pool": pool}
        super().__init__(TapSettings(target=target, correction=correction, **given), holder)

    def make_run(self, sigmas: Sequence[float], model: str, guider: object) -> MeasuringRun:
        """The run, which knows how much each condition counts."""
        usual, guidance = type(guider).__name__ in USUAL_GUIDERS, guidance_of(guider)
        shares = PromptShares((1.0 if guidance is None else guidance) if usual else None)
        run = MeasuringRun(self.settings, sigmas, model, mixes_noise(guider), guidance, shares, sigma_of_share(guider))
        if not usual:
            run.notes.note(OWN_WAY)
        return run

    def end(self, run: MeasuringRun, complete: bool) -> None:
        """Put the trace of a complete run into the holder, or the reason why there is none."""
        trace = run.trace() if complete else None
        record = run.close(complete)
        self.holder.latest = trace
        if trace is None:
            odd = "This sampler does not evaluate every step at its own noise level; choose another, such as euler."
            self.holder.why_none = " ".join(record.fallbacks) or (odd if complete else "The run was interrupted.")
            log.warning("TAP: nothing was measured. %s", self.holder.why_none)
            return
        log.info("TAP: %d steps measured in %.1f s; trace %.1f MB", trace.steps, record.seconds_total,
                 trace.nbytes / 1e6)

    def followed(self, *_: object) -> None:
        """Only the guider's first model is measured."""
        self.passed_by("")

    def has_none(self, model: str, why: str) -> None:
        """There is no run of this sampling."""
        self.holder.why_none = why

    def passed_by(self, model: str) -> None:
        """This model runs beside the first one."""
        self.holder.why_none = ALONE
