"""How well the probe chooses: rank correlation with the true error, what an oracle's choice would gain, and what helps.

`python3 bench/run.py choice`. For the first figures every skipped step is computed as well, so that the true error of
every candidate is known; the picture goes on from what TAP chose.  Loss [B, N, P]: proxy loss of each candidate; error
[B, N, P]: mean square error of its forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import mean

from matplotlib import colormaps
from tap_pack.tap_core.engine import probe_channels, step
from tap_pack.tap_core.engine.selector import Selector
from tap_pack.tap_core.sampling import forecaster
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.listed import ListedSchedule
from tap_pack.tap_core.schedules.placed import by_change, place
from torch import Tensor

from figures.page import Page
from figures.plot import plotted
from figures.table import table
from models.model_rows import AFTER_A_MODEL, FLOOR, SCORES, Jobs, floor, full_count, measure_models, scored, shown
from models.stage import MODELS, Course, Stage

SHOTS, INTERVALS = range(8), (6, 8)
DEFAULT = "per token, trust learned (default)"
# The models here have 256 channels, and the engine keeps at least 64 of them.
EVERY_8TH, FEWEST_OF_IT = "every 8th channel, trust learned", 32


@dataclass
class Fidelity:
    """What was seen at skipped steps. correlation: Spearman's, over the candidates of a token, mean over tokens.

    chosen, fixed, oracle: mean true error of TAP's choice, of the best single candidate, of the best one per token.
    """

    correlation: list[float] = field(default_factory=list)
    chosen: list[float] = field(default_factory=list)
    fixed: list[float] = field(default_factory=list)
    oracle: list[float] = field(default_factory=list)

    def see(self, loss: Tensor, error: Tensor) -> None:
        """One skipped step of one condition."""
        if loss.shape[-1] < 3:
            return
        self.correlation.append(rank_correlation(loss, error))
        self.chosen.append(float(error.gather(-1, loss.argmin(-1, keepdim=True)).mean()))
        self.fixed.append(float(error.mean(dim=(0, 1)).min()))
        self.oracle.append(float(error.min(dim=-1).values.mean()))

    def summary(self) -> dict[str, float]:
        """Means over the steps; realised: 1 where the choice is the oracle's, 0 where one candidate does as well."""
        chosen, fixed, oracle = mean(self.chosen), mean(self.fixed), mean(self.oracle)
        return {"rank_correlation": mean(self.correlation), "error_chosen": chosen, "error_best_fixed": fixed,
                "error_oracle": oracle, "realised": (fixed - chosen) / (fixed - oracle)}


def rank_correlation(one: Tensor, other: Tensor) -> float:
    """Spearman's, over the last dimension, mean over the others; equal values share a rank."""
    ranks = [mean_ranks(part) for part in (one, other)]
    a, b = (rank - rank.mean(dim=-1, keepdim=True) for rank in ranks)
    length = (a.square().sum(-1) * b.square().sum(-1)).sqrt()
    return float(((a * b).sum(-1) / length.clamp_min(1e-12)).mean())


def mean_ranks(values: Tensor) -> Tensor:
    """Ranks [.., P] of values [.., P]."""
    below = (values[..., None] > values[..., None, :]).sum(-1)
    equal = (values[..., None] == values[..., None, :]).sum(-1)
    return below + (equal - 1) / 2


@contextmanager
def watched(fidelity: Fidelity) -> Iterator[None]:
    """Runs whose selection is the oracle show what they see to `fidelity`, and choose by the probe."""
    stock: Callable = step.skipped_step
    line_up = step.line_up

    def watching(*args: object, **kwargs: object) -> object:
        history, position, probe, pool, timeline, loss = args[:6]
        truth = args[8]
        moment = step.Moment(history.positions, position, timeline.separating(history.positions), history.probes, probe)
        lineup = line_up(pool, history, moment)
        fidelity.see(lineup.losses(loss), lineup.errors(truth))
        return stock(*args[:6], Selector(), args[7], None, *args[9:])

    forecaster.skipped_step = watching
    try:
        yield
    finally:
        forecaster.skipped_step = stock


def choices() -> dict[str, dict[str, object]]:
    """What is compared, as settings of TAP Accelerate that differ from its defaults."""
    full = {"trust": "full"}
    fixed = {f"order {order}, horizon k{back or ''}": {"orders": order, "horizon_from": back, "horizon_to": back}
             for order, backs in (("0", (0,)), ("1", (0, -1, -2, -4)), ("2", (0, -2, -4))) for back in backs}
    selections = {name: {"given_pool": PoolSettings(selection=name)} for name in
                  ("blend", "one for all", "random", "oracle")}
    return {
        DEFAULT: {}, "per token": full,
        "per token by l2": {**full, "proxy_loss": "l2"}, "per token by l1": {**full, "proxy_loss": "l1"},
        "whole probe, trust learned": {"probe_stride": 1}, "every 2nd channel, trust learned": {"probe_stride": 2},
        EVERY_8TH: {"probe_stride": 8},
        **{f"selection: {name}": {**more, **full} for name, more in selections.items()},
        **{f"fixed: {name}": {**more, **full} for name, more in fixed.items()},
        **{f"target {name}, trust learned": {"target": name} for name in ("residual", "denoised")},
        "steps at equal distances, trust learned": {"placement": "even"},
        "the paper's steps, trust learned": {"placement": "paper"},
        "drift not repaid, trust learned": {"correction": "off"},
    }  # fmt: skip


def placements(sigmas: tuple[float, ...], interval: int) -> dict[str, list[int]]:
    """Other places for as many full steps as the paper's schedule has."""
    count, curve = full_count(sigmas, interval), by_change(sigmas[:-1], mixed=True)
    return {
        "last step forecast": place(curve[:-1], count),
        "last three steps forecast": place(curve[:-3], count),
        "first three steps computed": [0, 1, *(2 + step for step in place(curve[2:], count - 2))],
        "equal distances in sigma": place([-sigma for sigma in sigmas[:-1]], count),
    }


def jobs(stage: Stage) -> Jobs:
    """All rows of a model."""
    fulls = stage.takes(SHOTS, Course())
    placed = [placements(stage.sigmas(Course()), interval) for interval in INTERVALS]
    wanted = {name: [TapSettings(interval=interval, **more) for interval in INTERVALS]
              for name, more in choices().items()}
    wanted |= {f"{name}, trust learned": [TapSettings(given_schedule=ListedSchedule(tuple(places[name])))
                                          for places in placed] for name in placed[0]}
    scores = {name: partial(scored, stage, SHOTS, fulls, settings) for name, settings in wanted.items()}
    return {
        **scores, EVERY_8TH: partial(with_fewer_channels, scores[EVERY_8TH]),
        FLOOR: partial(floor, stage, SHOTS, fulls, INTERVALS),
        **{f"fidelity, target {target}": partial(fidelity_of, stage, target) for target in ("output", "residual")},
    }


def with_fewer_channels(job: Callable[[], dict]) -> dict:
    """What a job gives where fewer channels of the probe may be left than the engine allows."""
    usual, probe_channels.FEWEST_CHANNELS = probe_channels.FEWEST_CHANNELS, FEWEST_OF_IT
    try:
        return job()
    finally:
        probe_channels.FEWEST_CHANNELS = usual


def fidelity_of(stage: Stage, target: str) -> dict[str, float]:
    """How well the probe ranks what is forecast."""
    fidelity = Fidelity()
    with watched(fidelity):
        stage.takes(SHOTS, Course(), TapSettings(interval=INTERVALS[0], target=target, trust="full",
                                                 given_pool=PoolSettings(selection="oracle")))
    return fidelity.summary()


def markdown(found: dict) -> str:
    """Two tables."""
    rows = found["rows"]
    models = [name for name in MODELS if any(row["model"] == name for row in rows)]
    cells = {(row["name"], row["model"]): row for row in rows}
    names = list(dict.fromkeys(row["name"] for row in rows))
    counts = list(next(row["calls"] for row in rows if "calls" in row))
    places = [(model, count) for model in models for count in counts]
    scores = table(("choice", *(f"{model}, {count}" for model, count in places)), (
        (name, *(shown(cells[name, model]["calls"][count] if (name, model) in cells else None)
                 for model, count in places)) for name in names if not name.startswith("fidelity")))
    fidelity = table(("model, target", "rank correlation of proxy loss and true error",
                      "true error: chosen, best fixed, oracle", "share of the oracle's gain"), (
        (f"{row['model']}, {row['name'].rpartition(' ')[2]}", f"{row['rank_correlation']:.2f}",
         f"{row['error_chosen']:.4g}, {row['error_best_fixed']:.4g}, {row['error_oracle']:.4g}",
         f"{row['realised']:.0%}") for row in rows if "realised" in row))
    return "\n".join([f"{SCORES}, over {len(SHOTS)} prompts; {AFTER_A_MODEL}.", "", *scores, "",
                      *fidelity])


# Row of the table -> how the plot calls it.
PLOTTED = {"per token": "trust not learned", "selection: one for all": "... and one choice for all tokens",
           "selection: random": "... and a random choice", "target residual, trust learned": "residual as the target",
           "drift not repaid, trust learned": "drift not repaid",
           "steps at equal distances, trust learned": "full steps at equal distances",
           "the paper's steps, trust learned": "full steps where the paper has them"}


def plot_choice(found: dict, folder: Path) -> None:
    """What each part of the defaults is worth: dB against the defaults, a dot a model and number of calls."""
    rows = {(row["name"], row["model"]): row.get("calls") for row in found["rows"]}
    models = [name for name in MODELS if (DEFAULT, name) in rows]
    with plotted(folder / "choice.png", figsize=(7, 3.2)) as axes:
        axes.axvline(0, c="#888888")
        for model, colour in zip(models, colormaps["tab10"].colors, strict=False):
            for count, marker in zip(rows[DEFAULT, model], "os", strict=True):
                apart = [rows[name, model][count]["psnr"] - rows[DEFAULT, model][count]["psnr"] for name in PLOTTED]
                axes.plot(apart, list(PLOTTED.values()), marker, c=colour, ms=5, label=f"{model}, {count} calls")
        axes.set(xlabel="PSNR against the defaults, dB")
        axes.invert_yaxis()
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


PAGE = Page("choice", markdown, plot_choice)


def run(arguments: Sequence[str]) -> None:
    """The command."""
    measure_models(PAGE, __doc__, arguments, jobs)
