"""What is lost between full steps: by interpolating, by the drifted x that full steps see; how models answer a drift.

`python3 bench/run.py drift`.  d = (x - denoised) / sigma: the sampler's slope.  e: a drift of x.
gamma = <sigma (d(x + e) - d(x)), e> / <e, e>: 1 where the denoised picture stands still, 0 where it moves along with x;
nu = |sigma (d(x + e) - d(x))| / |e|: how much of an answer there is, in any direction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean

import torch
from comfy.patcher_extension import WrappersMP
from tap_pack.nodes.comfy_bridge.run import wrappers
from tap_pack.nodes.comfy_bridge.seam.patches import to_patches
from tap_pack.tap_core.noise_level import log_noise, mixes
from tap_pack.tap_core.predictors.lagrange import lagrange
from tap_pack.tap_core.sampling import still_share
from tap_pack.tap_core.sampling.interpolation import DEGREE
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor

from figures.page import Page
from figures.plot import plotted
from figures.table import table
from models.model_rows import AFTER_A_MODEL, FLOOR, SCORES, Jobs, floor, measure_models, scored, shown
from models.stage import MODELS, Course, Stage

SHOTS, INTERVALS = range(100, 108), (6, 8)
ANSWER_SHOTS, ANSWER_AT, GAP = (903, 904, 905), (0.12, 0.25, 0.4, 0.6, 0.8, 0.94), 5
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Walk:
    """A full run. x, slopes: [T, B, C, ...]."""

    sigmas: tuple[float, ...]
    x: Tensor
    slopes: Tensor


def walked(stage: Stage, numbers: Sequence[int], course: Course, at: Callable | None = None) -> Walk:
    """The walk of a batch of pictures. at: called with each step's number, a call of the model, x and slopes so far."""
    model, sigmas, seen, slopes = stage.model.clone(), stage.sigmas(course), [], []

    def watch(executor: Callable, x: Tensor, timestep: Tensor, *args: object, **kwargs: object) -> Tensor:
        denoised = executor(x, timestep, *args, **kwargs)
        seen.append(x.clone())
        slopes.append((x - denoised) / sigmas[len(slopes)])
        if at is not None:
            at(len(slopes) - 1, lambda moved: executor(moved, timestep, *args, **kwargs), x, slopes)
        return denoised

    model.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "bench path", watch)
    stage.takes(numbers, replace(course, patch=lambda _: model))
    return Walk(sigmas, torch.stack(seen), torch.stack(slopes))


def answers(stage: Stage, course: Course) -> dict[str, list[dict[str, float]]]:
    """gamma and nu along full runs, for drifts that a line through two slopes, GAP steps apart, would leave."""
    found: dict[int, list[tuple[float, float, float]]] = {}
    sigmas = stage.sigmas(course)
    places = {round(course.steps * share) for share in ANSWER_AT}

    def nudge(step: int, model: Callable[[Tensor], Tensor], x: Tensor, slopes: list[Tensor]) -> None:
        if step not in places:
            return
        drift, sigma = drift_of_a_line(slopes, sigmas, step), sigmas[step]
        answer = (x + drift - model(x + drift)) - sigma * slopes[step]
        found.setdefault(step, []).append((float((answer * drift).sum() / drift.square().sum()),
                                           float(answer.norm() / drift.norm()), sigma))

    for shot in ANSWER_SHOTS:
        walked(stage, [shot], course, nudge)
    return {"answers": [{"sigma": rows[0][2], "gamma": mean(row[0] for row in rows),
                         "nu": mean(row[1] for row in rows)} for _, rows in sorted(found.items())]}


def drift_of_a_line(slopes: list[Tensor], sigmas: tuple[float, ...], step: int) -> Tensor:
    """How far x would be off at a step, had the slopes since GAP steps been forecast by order 1, or 0 at the start."""
    start = max(step - GAP, 0)
    rise = slopes[start] - slopes[start - GAP] if start >= GAP else torch.zeros_like(slopes[0])
    return sum((sigmas[i + 1] - sigmas[i]) * (slopes[start] + rise * (i - start) / GAP - slopes[i])
               for i in range(start + 1, step))


@contextmanager
def repaying(kind: type) -> Iterator[None]:
    """Runs are of another class."""
    usual, wrappers.TapRun = wrappers.TapRun, kind
    try:
        yield
    finally:
        wrappers.TapRun = usual


def kinds(walk: Walk) -> dict[str, type]:
    """Name -> the class of a run that forecasts and repays in this way."""
    mixed = mixes(walk.sigmas)

    class Interpolated(TapRun):
        """Nothing is forecast: slopes in between are those of the full run, interpolated as they are for repaying."""

        def begin(self, sigma: float, device: torch.device, x: Tensor | None = None) -> None:
            super().begin(sigma, device, x)
            self.replay = None
            if self.decider.decision.full:
                return
            steps = [step for step, full in enumerate(self.decider.planned) if full]
            after = next(i for i, step in enumerate(steps) if step > self.pace.position)
            nodes = steps[max(after - DEGREE, 0) : after + 1]
            shares = lagrange([log_noise(walk.sigmas[node], mixed) for node in nodes], log_noise(sigma, mixed))
            slope = sum(share * walk.slopes[node] for share, node in zip(shares, nodes, strict=True))
            self.decider.decision = replace(self.decider.decision, denoised=x - sigma * slope)

    class Cleaned(TapRun):
        """Forecasts are made from the slopes of the full run, at the full steps; drift is repaid as usual."""

        def goes_again(self, x: Tensor, denoised: Tensor) -> bool:
            if self.decider.decision.full:
                slope = (x - denoised) / self.pace.sigma
                off = to_patches(walk.slopes[int(self.pace.position)] - slope, self.record.grid)
                for history in self.memory.histories.values():
                    newest, width = history.snapshots[0], history.snapshots[0].target.shape[-1] // 2
                    target = torch.cat([newest.target[..., :width], newest.target[..., width:] + off], dim=-1)
                    history.snapshots[0] = replace(newest, target=target)
            return super().goes_again(x, denoised)

    return {"as it is": TapRun, "forecast from the full run's slopes": Cleaned,
            "interpolated between the full run's slopes": Interpolated}


@contextmanager
def standing_still(share: float) -> Iterator[None]:
    """Runs take the denoised picture to stand still by so much."""
    usual, still_share.STILL_SHARE = still_share.STILL_SHARE, share
    try:
        yield
    finally:
        still_share.STILL_SHARE = usual


def jobs(stage: Stage) -> Jobs:
    """All rows of a model."""
    fulls, walk = stage.takes(SHOTS, Course()), walked(stage, SHOTS, Course())
    score = partial(scored, stage, SHOTS, fulls, [TapSettings(interval=interval) for interval in INTERVALS])
    return {
        **{name: repaying(kind)(score) for name, kind in kinds(walk).items()},
        **{f"picture stands still by {share:g}": standing_still(share)(score) for share in SHARES},
        FLOOR: partial(floor, stage, SHOTS, fulls, INTERVALS),
        **{f"answers, CFG {cfg:g}": partial(answers, stage, Course(cfg=cfg)) for cfg in (2.0, 4.0)},
    }


def markdown(found: dict) -> str:
    """Two tables."""
    rows = found["rows"]
    models = [name for name in MODELS if any(row["model"] == name for row in rows)]
    scores = {(row["name"], row["model"]): row["calls"] for row in rows if "calls" in row}
    counts = list(next(iter(scores.values())))
    places = [(model, count) for model in models for count in counts]
    closeness = table(("", *(f"{model}, {count}" for model, count in places)), (
        (name, *(shown(scores[name, model][count]) for model, count in places))
        for name in dict.fromkeys(name for name, _ in scores)))
    answered = table(("", *(f"after {share:.0%}" for share in ANSWER_AT)), (
        (f"{row['model']}, {row['name'].partition(', ')[2]}",
         *(f"{each['gamma']:.1f} / {each['nu']:.1f} at {each['sigma']:.2f}" for each in row["answers"]))
        for row in rows if "answers" in row))
    return "\n".join([f"{SCORES}, over {len(SHOTS)} prompts; {AFTER_A_MODEL}.", "", *closeness, "",
                      "How a model answers a drift of x along full runs: gamma / nu at a noise level.", "", *answered])


def plot_drift(found: dict, folder: Path) -> None:
    """The picture as it is, and with the full run's slopes in two places: a group of bars a model and calls."""
    rows = [row for row in found["rows"] if "calls" in row]
    places = [(model, count) for model in dict.fromkeys(row["model"] for row in rows) for count in rows[0]["calls"]]
    scores = {(row["name"], row["model"]): row["calls"] for row in rows}
    with plotted(folder / "drift.png", figsize=(8, 3.5)) as axes:
        for bar, name in enumerate(list(dict.fromkeys(row["name"] for row in rows))[:3]):
            axes.bar([place + 0.27 * (bar - 1) for place in range(len(places))],
                     [scores[name, model][count]["psnr"] for model, count in places], 0.27, label=name)
        axes.set_xticks(range(len(places)), [f"{model}, {count} calls" for model, count in places])
        axes.set(ylabel="PSNR, dB", ylim=(25, None))
        axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))


PAGE = Page("drift", markdown, plot_drift)


def run(arguments: Sequence[str]) -> None:
    """The command."""
    measure_models(PAGE, __doc__, arguments, jobs)
