"""What a predictor is: a rule that gives weights to the last full steps, or one that makes a forecast from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from .timeline import Timeline
from .token_grid import Grid


class Predictor(Protocol):
    """One candidate of a pool; the same weights forecast probe and target.

    family: its name in reports and on the map. order: what the order layer of the map shows.
    horizon: steps from the asked position to the one where the forecast is evaluated (0 = the asked one).
    snapshots: the most full steps that it looks back at.
    A predictor that was made for one run also has `note(timeline)`: what the report has to say of another run, or "".
    """

    family: str
    order: int
    horizon: float
    snapshots: int

    def weights(self, past: Sequence[float], position: float, timeline: Timeline) -> list[float] | None:
        """Weight of each snapshot, newest first, summing to 1; None while `past` is too short for the rule.

        past: positions of the full steps, newest first. position: the one asked for.
        """
        ...


@dataclass(frozen=True)
class Moment:
    """A skipped step, as an explicit predictor sees it.

    past: positions of the full steps, newest first; probes: their probes, [B, N, D]. position, probe: the asked step's.
    grid: frames, rows and columns of the N tokens; None where they do not fill one.
    """

    past: Sequence[float]
    position: float
    timeline: Timeline
    probes: Sequence[Tensor]
    probe: Tensor
    grid: Grid | None = None

    @property
    def gaps_ahead(self) -> float:
        """How far the asked step is ahead of the newest full one, in units of the last gap on the time axis."""
        x, newest, older = (self.timeline.coordinate(p) for p in (self.position, *self.past[:2]))
        return (x - newest) / (newest - older)


class ExplicitPredictor(Protocol):
    """A candidate other than a row of weights that sums to 1: the same rule forecasts probe and target.

    family, order, horizon, snapshots: as a Predictor's. local: whether it looks only at a token to forecast that token.
    """

    family: str
    order: int
    horizon: float
    snapshots: int
    local: bool

    def ready(self, moment: Moment) -> bool:
        """Whether there are enough full steps for a forecast."""
        ...

    def forecast(self, stream: Sequence[Tensor], moment: Moment) -> Tensor:
        """Forecast [B, N, C] in float32 on the true probe's device; stream: its values [B, N, C], newest first."""
        ...
