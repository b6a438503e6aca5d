"""The candidates of a run, and their weights at one step, each distinct row once."""

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import TapError
from .predictor import Predictor
from .predictors import FAMILIES
from .predictors.reuse import Reuse
from .predictors.taylor import Taylor
from .timeline import Timeline
from .weight_row import padded

# Rows that agree to so many decimals forecast the same thing.
WEIGHT_DECIMALS = 9


@dataclass(frozen=True)
class Candidates:
    """The distinct rows of a pool at one step: weights [P][K], and the pool index each row stands for."""

    weights: list[list[float]]
    members: list[int]


@dataclass(frozen=True)
class Pool:
    """The predictors of a run, lowest order first: of equal rows and of equal losses the first one is taken."""

    predictors: tuple[Predictor, ...]

    def __post_init__(self) -> None:
        if not self.predictors:
            raise TapError("The pool of predictors is empty; choose at least one order.")

    @property
    def snapshots(self) -> int:
        """How many full steps have to be kept for all predictors."""
        return max(p.snapshots for p in self.predictors)

    def candidates(self, past: Sequence[float], position: float, timeline: Timeline) -> Candidates:
        """The distinct weight rows at `position`, given the positions of the full steps, newest first.

        While no predictor can forecast from so few full steps, the newest is repeated under the first one's name.
        """
        timeline = timeline.separating(past)
        rows: dict[tuple[float, ...], tuple[int, list[float]]] = {}
        for member, predictor in enumerate(self.predictors):
            row = predictor.weights(past, position, timeline)
            if row is not None:
                rows.setdefault(tuple(round(w, WEIGHT_DECIMALS) for w in row), (member, row))
        if not rows:
            return Candidates([padded([1.0], past)], [0])
        return Candidates([row for _, row in rows.values()], [member for member, _ in rows.values()])


def taylor_pool(orders: Sequence[int], horizon_from: float, horizon_to: float, horizon_step: float) -> Pool:
    """Taylor predictors of the given orders at every horizon of the range, TAP section 3.2 (its default: 15 of them).

    At equal order the horizon nearest to the true distance comes first.
    """
    count = int((horizon_to - horizon_from) / horizon_step + 1e-6) + 1
    horizons = sorted((horizon_from + i * horizon_step for i in range(count)), key=abs)
    return Pool(tuple(Taylor(order, horizon) for order in sorted(set(orders)) for horizon in horizons))


def family_pool(families: Sequence[str], orders: Sequence[int], horizons: Sequence[float]) -> Pool:
    """The members of the named families at the given orders and horizons, lowest order first; order 0 is the repeat.

    At equal order the family named first comes first. Raises TapError for a family that is not known.
    """
    unknown = [name for name in families if name not in FAMILIES]
    if unknown:
        raise TapError(f"There is no family of predictors called {unknown[0]!r}; choose from {', '.join(FAMILIES)}.")
    rising = sorted({order for order in orders if order > 0})
    members: list[Predictor] = [Reuse()] if 0 in orders else []
    for name in dict.fromkeys(families):
        members += FAMILIES[name].members(rising, sorted(set(horizons), key=abs))
    return Pool(tuple(sorted(members, key=lambda member: member.order)))
