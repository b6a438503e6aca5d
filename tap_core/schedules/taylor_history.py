"""What schedules forecast by themselves, to see how well forecasts do: tensors of one block, by the Taylor ladder."""

from torch import Tensor

from ..predictors.taylor import Taylor
from ..timeline import Timeline


class TaylorHistory:
    """Tensors of the last full steps, newest first: as many as a ladder of this order needs."""

    def __init__(self, order: int, timeline: Timeline) -> None:
        self._taylor, self._timeline = Taylor(order), timeline
        self._kept: list[tuple[float, tuple[Tensor, ...]]] = []

    def keep(self, position: float, *tensors: Tensor) -> None:
        """Take what a full step showed, in place of what it showed before, and of all that has another shape.

        As in History, a step that is evaluated twice is kept once.
        """
        others = [kept for kept in self._kept
                  if int(kept[0]) != int(position) and _shapes(kept[1]) == _shapes(tensors)]
        self._kept = [(position, tensors), *others][: self._taylor.snapshots]

    def forecast(self, position: float, which: int = 0) -> Tensor | None:
        """One of the tensors at a position, in float32; None before the first full step."""
        if not self._kept:
            return None
        past = [place for place, _ in self._kept]
        weights = self._taylor.weights(past, position, self._timeline.separating(past))
        return sum(weight * tensors[which].float() for weight, (_, tensors) in zip(weights, self._kept, strict=True))

    @property
    def newest(self) -> tuple[Tensor, ...]:
        """What the newest full step showed; () before the first."""
        return self._kept[0][1] if self._kept else ()

    @property
    def nbytes(self) -> int:
        """Bytes of the tensors that are kept."""
        return sum(tensor.nbytes for _, tensors in self._kept for tensor in tensors)


def _shapes(tensors: tuple[Tensor, ...]) -> list[tuple[int, ...]]:
    return [tensor.shape for tensor in tensors]
