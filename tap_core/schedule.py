"""What a schedule is: the rule that decides which steps are computed in full.

A schedule is settings; `start` begins its course through one run. A course may remember what it has seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from .timeline import Timeline


@dataclass(frozen=True)
class Decision:
    """What happens at one evaluation.

    reason: why it is full or computed in part, for the report. remember: a full step joins the history.
    asks: what the first model call of a skipped evaluation has to show at block 0 before the skip stands: "probe",
    "block" (block 0 is run) or "loss" (the forecast is made); "" if it stands already.
    verify: a forecast of the last block's input [B, M, D], on which the first skipped call runs that block.
    denoised: an approximation of the sampler's denoised picture, used in place of the model call.
    unstable: a step that is computed in part: the sampler's [B, C, ...], above 0 where a token has to be computed; the
    other tokens are forecast. Where tokens cannot be computed alone, the step is computed in full.
    """

    full: bool
    reason: str = ""
    remember: bool = True
    asks: str = ""
    verify: Tensor | None = None
    denoised: Tensor | None = None
    unstable: Tensor | None = None


SKIP = Decision(full=False)


@dataclass
class Seen:
    """What one model evaluation shows, filled in while it runs.

    position: step, fractional between steps. x, denoised: the sampler's [B, C, ...], denoised being the model's answer.
    Of its first model call: stream, probe and block [B, N, D] (block 0's input, modulated input and output),
    target [B, N, C] (computed or forecast), loss [B, N] (proxy loss of the forecast), last_input and last_output
    [B, M, D] (the last block's, all tokens). Only what the course `needs` is there; None where a call ended early.
    full: whether any call of it was computed in full; whole: whether all of them were. empty: whether it had no prompt,
    and its picture is all zero.
    drifts: [2, B] the squared drift of all gaps so far and of the latest one, see sampling/drifts.py; None before the
    first gap. surprise: [B] of a full step behind another one, how far its slope is from a line through those of the
    two before it, squared, as a share of the picture's square; None of others, and once a gap has told more.
    twice: the share of the steps that the sampler evaluates twice.
    renewed: the smallest share of its noise that the sampler drew anew at a step so far, a scalar; turned: see Motion.
    None if not known.
    """

    position: float
    sigma: float
    x: Tensor | None = None
    stream: Tensor | None = None
    probe: Tensor | None = None
    block: Tensor | None = None
    loss: Tensor | None = None
    target: Tensor | None = None
    last_input: Tensor | None = None
    last_output: Tensor | None = None
    full: bool = False
    whole: bool = False
    empty: bool = False
    denoised: Tensor | None = None
    drifts: Tensor | None = None
    surprise: Tensor | None = None
    twice: float = 0.0
    renewed: Tensor | None = None
    turned: Tensor | None = None


class Course:
    """A schedule in one run: at each evaluation `before`, then `in_call` if that asked for something, then `after`.

    needs: which of `Seen`'s stream, probe, block, loss, target, last_input and last_output it looks at.
    skips_any: False if it is known to compute every step, and nothing has to be kept.
    planned: whether each step is full, where that is known before the run; () where it is not.
    said: what the report has to say of how it went, such as why every step is computed; "" while there is nothing.
    """

    needs: frozenset[str] = frozenset()
    skips_any: bool = True
    planned: Sequence[bool] = ()
    said: str = ""

    def before(self, seen: Seen) -> Decision:
        """Full or skipped, before the model is called."""
        raise NotImplementedError

    def in_call(self, seen: Seen) -> Decision:
        """Whether a skip stands, now that the call shows what was asked for; only a course that asks has it."""
        raise NotImplementedError

    def after(self, seen: Seen) -> None:
        """The evaluation is over."""

    def foresee(self, renewed: float) -> None:
        """Before the second evaluation: the share of the noise that the sampler drew anew at its first step."""


class AnySchedule:
    """What schedules of both kinds have.

    local: whether it decides the same in processes that share a picture, see locality.py.
    plan: its own words for the plan of a run in which it computes every step. where: what any other plan adds, such as
    the range in which it forecasts. "" where there is nothing to add.
    Where a schedule has the settings `interval` and `warmup`, why_none_is_skipped looks at them.
    """

    local: bool = True
    plan: str = ""
    where: str = ""

    def notes(self, timeline: Timeline, model: str) -> list[str]:
        """What the report has to say before a run of this model, such as that it was made for another one."""
        return []

    def why_none(self, timeline: Timeline) -> str:
        """Why every step of a run that is long enough is computed, and what to change; "" if it knows no more than any
        other.
        """
        return ""


class Schedule(AnySchedule):
    """Decides only from step and timeline, the same for every model evaluation within the step."""

    def decide(self, step: int, timeline: Timeline) -> Decision:
        """Full or skipped, for the step with this index."""
        raise NotImplementedError


class AdaptiveSchedule(AnySchedule):
    """Decides from what the run shows."""

    local: bool = False

    def start(self, timeline: Timeline) -> Course:
        """Its course through a run with this timeline."""
        raise NotImplementedError
