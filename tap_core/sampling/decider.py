"""Deciding: whether a model evaluation is computed or forecast, and what the schedule has to see to decide."""

from collections.abc import Sequence

from torch import Tensor

from ..schedule import AnySchedule, Decision, Seen
from ..schedules.course import held_bytes, start
from ..schedules.unstable_tokens import unstable_tokens
from ..timeline import Timeline
from ..token_grid import Grid
from .notes import Notes


class Decider:
    """A run's schedule. decision: for the current evaluation; seen: what this evaluation has shown so far."""

    def __init__(self, schedule: AnySchedule, timeline: Timeline, notes: Notes) -> None:
        self.course, self._notes = start(schedule, timeline), notes
        self.decision, self.seen = Decision(full=True), Seen(0.0, 0.0)

    def begin(self, position: float, sigma: float, x: Tensor | None) -> None:
        """A model evaluation of x [B, C, ...] starts."""
        self.seen = Seen(position, sigma, x)
        self.decision = Decision(full=True) if self._notes.fell_back else self.course.before(self.seen)

    def foresee(self, renewed: float) -> None:
        """What is known of the second evaluation before it, for a schedule that asks for it; see QualityCourse."""
        self.course.foresee(renewed)

    def finish(self) -> None:
        """The model evaluation is over, and `seen` complete."""
        if not self._notes.fell_back:
            self.course.after(self.seen)
        if self.course.said:
            self._notes.note(self.course.said)

    @property
    def skips_any(self) -> bool:
        """Whether the schedule may skip a step of this run."""
        return self.course.skips_any

    @property
    def planned(self) -> Sequence[bool]:
        """Whether each step is a full one; empty if the schedule decides during the run."""
        return self.course.planned

    @property
    def wants_skip(self) -> bool:
        """Whether the current evaluation's blocks should be skipped."""
        return not self._notes.fell_back and not self.decision.full

    @property
    def wants_snapshot(self) -> bool:
        """Whether a full call at this evaluation should be captured."""
        # At sigma 0 the slope, which gives the model's answer, is 0 / 0.
        return not self._notes.fell_back and self.decision.remember and self.skips_any and self.seen.sigma > 0

    @property
    def asks(self) -> str:
        """What the current call has to show before its skip stands, see `Decision`; "" if nothing."""
        return self.decision.asks if self.wants_skip else ""

    @property
    def verify(self) -> Tensor | None:
        """A forecast of the last block's input [B, M, D] for the first skipped call to run that block on."""
        return self.decision.verify if self.wants_skip and self.seen.last_output is None else None

    @property
    def approximation(self) -> Tensor | None:
        """The denoised picture that is used in place of all model calls of this evaluation."""
        return self.decision.denoised if self.wants_skip else None

    @property
    def unstable(self) -> Tensor | None:
        """Of an evaluation that is computed in part, see `Decision`."""
        return self.decision.unstable if self.wants_skip else None

    def chosen(self, unstable: Tensor, grid: Grid) -> Tensor:
        """[N] which tokens a step computes in part, on the processor. unstable: [B, N, C] the tokens of `unstable`."""
        return unstable_tokens(unstable, grid, int(self.seen.position))

    @property
    def nbytes(self) -> int:
        """Bytes of the tensors that the schedule keeps."""
        return held_bytes(self.course)

    def show(self, **shown: Tensor | None) -> None:
        """Show the schedule what a model call shows, by the names of `Seen`; each name once per evaluation."""
        for name in self.course.needs & shown.keys():
            if getattr(self.seen, name) is None:
                setattr(self.seen, name, shown[name])

    def decide_in_call(self) -> None:
        """Decide again, as the call shows what was asked for; the decision holds for later calls of this evaluation."""
        asked = self.decision.asks
        if getattr(self.seen, asked) is not None:
            self.decision = self.course.in_call(self.seen)
            return
        self.decision = Decision(full=True, reason=f"no {asked} to look at")
        self._notes.note(f"The schedule looks at the {asked} of the model, which TAP does not reach here; steps were "
                         "computed in full. Choose another schedule.")
