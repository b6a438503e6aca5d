"""What `quality` compares: cells, each a figure of the paper, a row and a column in it, and the settings for it.

All at the paper's own schedule, target and no correction, so that only what a figure varies varies.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.sampling.settings import TapSettings

from models.paper_settings import PAPER_SETTINGS

INTERVAL = 8  # the paper's ablations: 8 of 50 steps
ORDER_SETS = ("0", "0,1", "0,1,2", "0,1,2,3")
REACHES = (0, -1, -2, -4, -6)
SINGLE_ORDERS = ("0", "1", "2", "3")
SINGLE_HORIZONS = (0, -2, -4)


@dataclass(frozen=True)
class Cell:
    """settings: what TapSettings is told besides; pool: what PoolSettings is told, if the pool is a given one.

    raw: the stream itself is the probe.
    """

    figure: str
    row: str
    column: str
    settings: dict[str, object] = field(default_factory=dict)
    pool: dict[str, object] | None = None
    raw: bool = False

    @property
    def name(self) -> str:
        """Known in the file of rows by this."""
        return f"{self.figure}: {self.row}, {self.column}"

    def tap_settings(self) -> object:
        """The TapSettings of this cell."""
        pool = None if self.pool is None else PoolSettings(**self.pool)
        return TapSettings(**{"interval": INTERVAL, **PAPER_SETTINGS, **self.settings}, given_pool=pool)

    def job(self, scene: int, seed: int, size: int) -> dict[str, object]:
        """This cell on one scene, as a job."""
        return {"work": "quality.shot.rows", "name": self.name, "cell": asdict(self), "scene": scene, "seed": seed,
                "size": size}


def all_cells() -> list[Cell]:
    """Every cell."""
    return [*orders_by_horizons(), *singles(), *losses(), *probes()]


def orders_by_horizons() -> list[Cell]:
    """The paper's Figure 2: which orders, and how far short of the asked step a predictor may stop."""
    return [Cell("orders x horizons", orders, f"from {reach}", {"orders": orders, "horizon_from": reach})
            for orders in ORDER_SETS for reach in (REACHES if orders != "0" else (0,))]


def singles() -> list[Cell]:
    """Figure 6: one predictor for all tokens and steps, against TAP; and the choice by the truth."""
    fixed = [
        Cell("single predictors", f"order {order}", f"k{horizon:+d}" if horizon else "k",
             {"horizon_from": horizon, "horizon_to": horizon, "orders": order})
        for order in SINGLE_ORDERS for horizon in (SINGLE_HORIZONS if order != "0" else (0,))
    ]
    choices = {"TAP": "best", "one choice for all tokens": "one for all", "random choice": "random",
               "choice by the truth": "oracle"}
    return [*fixed, *(Cell("single predictors", name, "chosen", pool={"selection": selection})
                      for name, selection in choices.items())]


def losses() -> list[Cell]:
    """Table 7: how a candidate is judged on the probe."""
    return [Cell("proxy loss", loss, "TAP", {"proxy_loss": loss}) for loss in ("cosine", "l2", "l1")]


def probes() -> list[Cell]:
    """Table 6: on which probe."""
    return [Cell("probe", "modulated input", "TAP"), Cell("probe", "raw input", "TAP", raw=True)]
