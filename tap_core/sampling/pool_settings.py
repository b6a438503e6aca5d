"""The settings of TAP Predictor Pool, checked once."""

from dataclasses import dataclass

from ..engine.selector import Selector
from ..errors import TapError
from ..predictors.families import FAMILIES, MemberOptions
from ..predictors.learned import Learned, LearnedWeights, Otherwise
from ..predictors.pool import Pool, family_pool
from ..predictors.ranges import horizon_list, parsed_orders


@dataclass(frozen=True)
class PoolSettings:
    """The families, orders and horizons from which each token chooses, and how it does.

    orders: a list such as "0,1,2"; families without orders keep their members. learned: weights of a calibration, and
    learned_beside: whether they are one more candidate; if not, they replace all others where they apply. The others:
    see MemberOptions.
    Raises TapError, saying which input to change, for an impossible value.
    """

    families: tuple[str, ...] = ("taylor",)
    orders: str = "0,1,2"
    horizon_from: int = -4
    horizon_to: int = 0
    horizon_step: float = 1.0
    selection: str = "best"
    seed: int = 0
    hermite_steps: int = 5
    spectrum_steps: int = 8
    hicache_scale: float = 0.5
    freqca_cutoff: float = 0.1
    dicache_per_token: bool = True
    learned: LearnedWeights | None = None
    learned_beside: bool = False

    def __post_init__(self) -> None:
        self.selector()
        self.pool()

    def __str__(self) -> str:
        """Its value in a report."""
        horizons = f"horizons {self.horizon_from} to {self.horizon_to} by {self.horizon_step:g}"
        others = f"{' '.join(self.families) or 'reuse'}; orders {self.orders}; {horizons}; {self.selection}"
        if self.learned is None:
            return others
        return f"learned, {self.learned}; {'beside' if self.learned_beside else 'elsewhere'} {others}"

    def selector(self) -> Selector:
        """How a token chooses."""
        return Selector(self.selection, self.seed)

    def pool(self) -> Pool:
        """The members that these settings name."""
        orders = parsed_orders(self.orders)
        options = MemberOptions(
            [order for order in orders if order > 0],
            horizon_list(self.horizon_from, self.horizon_to, self.horizon_step),
            self.hermite_steps,
            self.spectrum_steps,
            self.hicache_scale,
            self.freqca_cutoff,
            self.dicache_per_token,
        )
        if not self.families and 0 not in orders:
            raise TapError(f"No family of predictors is on; switch on one, such as {FAMILIES['taylor'].label}.")
        return self._with_learned(family_pool(self.families, orders, options))

    def _with_learned(self, pool: Pool) -> Pool:
        if self.learned is None:
            return pool
        learned, others = Learned(self.learned), pool.predictors
        if self.learned_beside:
            return Pool((learned, *others), pool.explicit)
        # Explicit predictors cannot stand back step by step; a pool of them alone keeps a repeat.
        return Pool((learned, *(Otherwise(learned, other) for other in others)))
