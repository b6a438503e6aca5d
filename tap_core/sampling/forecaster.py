"""Forecasting: one condition at one skipped step, with the run's pool, selection and trust."""

from dataclasses import replace

from torch import Tensor

from ..engine.history import History
from ..engine.step import Forecast, skipped_step
from ..timeline import Timeline
from ..token_grid import Grid
from .settings import TapSettings
from .trend import Trend

ORACLE = "The oracle computed every step to see which predictor is best; its times say nothing."


class Forecaster:
    """pool: the candidates of a run.

    wants_truth: whether a skipped call has to be computed too, to choose its forecasts by the result, or to measure it.
    """

    def __init__(self, settings: TapSettings, timeline: Timeline) -> None:
        self.pool, self._selector = settings.pool(), settings.selector()
        self._settings, self._timeline = settings, timeline
        self._trusts = settings.trust == "learned"
        self.wants_truth = self._selector.by_truth

    @property
    def notes(self) -> list[str]:
        """What the report has to say of the selection and the predictors in this run."""
        oracle = ORACLE if self._selector.by_truth else ""
        said = (member.note(self._timeline) for member in self.pool.members if hasattr(member, "note"))
        return [note for note in (oracle, *said) if note]

    def forecast(
        self, history: History, position: float, probe: Tensor, grid: Grid | None, truth: Tensor | None,
        trend: Trend | None = None,
    ) -> Forecast:
        """Target [B, N, C] of a skipped step, with trust, see `skipped_step`. trend: how the run's slopes went so far.
        """
        trust = history.trust
        if not self._trusts or trend is None or not trend.fits(len(probe)):
            return self._forecast(history, position, probe, grid, truth, trust.share if self._trusts else None)
        share = trust.held(trend.share, trend.steady, probe)
        made = self._forecast(history, position, probe, grid, truth, share, trend.steady)
        return replace(made, target=trend.turned_back(made.target, history.targets))

    def expected(
        self, history: History, position: float, probe: Tensor, grid: Grid | None, truth: Tensor
    ) -> Forecast | None:
        """The forecast that a skip would have used at a full step; None where trust can learn nothing from it."""
        learns = self._trusts and len(history.snapshots) > 1
        if not learns or int(history.positions[0]) == int(position):
            return None
        return self._forecast(history, position, probe, grid, truth if self._selector.by_truth else None, None)

    def _forecast(
        self, history: History, position: float, probe: Tensor, grid: Grid | None, truth: Tensor | None,
        share: Tensor | None, steady: Tensor | None = None,
    ) -> Forecast:
        return skipped_step(history, position, probe, self.pool, self._timeline, self._settings.proxy_loss,
                            self._selector, grid, truth, share, steady)
