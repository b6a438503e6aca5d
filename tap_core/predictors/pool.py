"""The candidates of a run, and their weights at one step, each distinct row once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..errors import TapError
from ..predictor import ExplicitPredictor, Moment, Predictor
from ..timeline import Timeline
from .families import FAMILIES, MemberOptions
from .ranges import horizon_list
from .reuse import Reuse
from .taylor import Taylor
from .weight_row import padded

# Rows that agree to this many decimals make the same forecast.
WEIGHT_DECIMALS = 9


@dataclass(frozen=True)
class Candidates:
    """The distinct rows of a pool at one step: weights [P][K], and the pool index each row stands for.

    stand_in: whether the only row is a repeat that is not in the pool, used where no member has a forecast.
    """

    weights: list[list[float]]
    members: list[int]
    stand_in: bool = False


@dataclass(frozen=True)
class Pool:
    """The predictors of a run, lowest order first: of equal rows and of equal losses the first one is taken."""

    predictors: tuple[Predictor, ...]
    explicit: tuple[ExplicitPredictor, ...] = ()

    def __post_init__(self) -> None:
        if not self.members:
            raise TapError("The pool of predictors is empty; choose at least one order.")

    @cached_property
    def members(self) -> tuple[Predictor | ExplicitPredictor, ...]:
        """All predictors; elsewhere a member is named by its index in here."""
        return (*self.predictors, *self.explicit)

    @property
    def snapshots(self) -> int:
        """How many full steps have to be kept for all predictors."""
        return max(member.snapshots for member in self.members)

    def ready(self, moment: Moment) -> list[int]:
        """Indices of the explicit members that have a forecast at this moment."""
        return [i for i, member in enumerate(self.members)
                if i >= len(self.predictors) and member.ready(moment)]

    def candidates(self, past: Sequence[float], position: float, timeline: Timeline) -> Candidates:
        """The distinct weight rows at `position`, given the positions of the full steps, newest first.

        While there are too few full steps for every predictor, the newest is repeated, under the first member's name.
        """
        return self._candidates(tuple(past), position, timeline.separating(past))

    @lru_cache(maxsize=4)  # noqa: B019  all conditions of a step ask for the same few rows
    def _candidates(self, past: tuple[float, ...], position: float, timeline: Timeline) -> Candidates:
        rows: dict[tuple[float, ...], tuple[int, list[float]]] = {}
        for member, predictor in enumerate(self.predictors):
            row = predictor.weights(past, position, timeline)
            if row is not None:
                rows.setdefault(tuple(round(w, WEIGHT_DECIMALS) for w in row), (member, row))
        if not rows:
            return Candidates([padded([1.0], past)], [0], stand_in=bool(self.explicit))
        return Candidates([row for _, row in rows.values()], [member for member, _ in rows.values()])


def taylor_pool(orders: Sequence[int], horizon_from: float, horizon_to: float, horizon_step: float) -> Pool:
    """Taylor predictors of the given orders at every horizon of the range, TAP section 3.2 (its default: 15 of them).

    At equal order the horizon nearest to the true distance comes first.
    """
    horizons = horizon_list(horizon_from, horizon_to, horizon_step)
    return Pool(tuple(Taylor(order, horizon) for order in sorted(set(orders)) for horizon in horizons))


def family_pool(families: Sequence[str], orders: Sequence[int], options: MemberOptions) -> Pool:
    """The members of the named families, lowest order first; order 0 is the repeat.

    At equal order the family named first comes first. Raises TapError for an unknown family.
    """
    unknown = [name for name in families if name not in FAMILIES]
    if unknown:
        raise TapError(f"There is no family of predictors called {unknown[0]!r}; choose from {', '.join(FAMILIES)}.")
    made = [member for name in dict.fromkeys(families) for member in FAMILIES[name].members(options)]
    rows = [member for member in made if not hasattr(member, "forecast")]
    repeat = [Reuse()] if 0 in orders else []
    return Pool(
        (*repeat, *sorted(rows, key=lambda member: member.order)),
        tuple(member for member in made if hasattr(member, "forecast")),
    )
