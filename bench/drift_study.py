"""What is lost between full steps: by interpolating, by the drifted x that full steps see; how models answer a drift.

`python3 bench/run.py drift`.  d = (x - denoised) / sigma: the sampler's slope.  e: a drift of x.
gamma = <sigma (d(x + e) - d(x)), e> / <e, e>: 1 where the denoised picture stands still, 0 where it moves along with x;
nu = |sigma (d(x + e) - d(x))| / |e|: how much of an answer there is, whatever its direction.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import mean

import torch
from demo_stage import load_pack
from placement_choice import likeness
from placement_stage import MODELS, Course, Stage, open_stage
from readme_blocks import put_block
from results_file import RESULTS, write_results
from torch import Tensor

SHOTS, INTERVALS = range(100, 108), (6, 8)
ANSWER_SHOTS, ANSWER_AT, GAP = (903, 904, 905), (0.12, 0.25, 0.4, 0.6, 0.8, 0.94), 5
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Path:
    """A full run. x, slopes: [T, B, C, ...]."""

    sigmas: tuple[float, ...]
    x: Tensor
    slopes: Tensor


def walked(stage: Stage, numbers: list[int], course: Course, at: Callable | None = None) -> Path:
    """The path of a batch of pictures. at: called with each step's number, a call of the model, x and slopes so far."""
    from comfy.patcher_extension import WrappersMP

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
    return Path(sigmas, torch.stack(seen), torch.stack(slopes))


def answers(stage: Stage, course: Course) -> list[dict[str, float]]:
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
    return [{"sigma": rows[0][2], "gamma": mean(row[0] for row in rows), "nu": mean(row[1] for row in rows)}
            for _, rows in sorted(found.items())]


def drift_of_a_line(slopes: list[Tensor], sigmas: tuple[float, ...], step: int) -> Tensor:
    """How far x would be off at a step, had the slopes since GAP steps been forecast by order 1, or 0 at the start."""
    start = max(step - GAP, 0)
    rise = slopes[start] - slopes[start - GAP] if start >= GAP else torch.zeros_like(slopes[0])
    return sum((sigmas[i + 1] - sigmas[i]) * (slopes[start] + rise * (i - start) / GAP - slopes[i])
               for i in range(start + 1, step))


@contextmanager
def repaying(kind: type) -> Iterator[None]:
    """Runs repay their drift with another class."""
    from tap_pack.tap_core import run

    stock, finish = run.Drift, run.TapRun.finish

    def known(tap: object, x: Tensor, denoised: Tensor) -> Tensor:
        if tap.drift is not None:
            tap.drift.run = tap
        return finish(tap, x, denoised)

    run.Drift, run.TapRun.finish = kind, known
    try:
        yield
    finally:
        run.Drift, run.TapRun.finish = stock, finish


def kinds(path: Path) -> dict[str, type]:
    """Name -> how drift is repaid."""
    from tap_pack.nodes.comfy_bridge.patches import to_patches
    from tap_pack.tap_core import drift
    from tap_pack.tap_core.noise_level import log_noise, mixes

    mixed = mixes(path.sigmas)

    class Interpolated(drift.Drift):
        """Nothing is forecast: slopes in between are those of the full run, interpolated as they are for repaying."""

        def repay(self, x: Tensor, denoised: Tensor, sigma: float, position: float, full: bool) -> Tensor:
            self._motion.plain = None
            if full:
                return denoised
            steps = [step for step in range(len(path.slopes)) if self.run.course.before(
                replace(self.run.seen, position=float(step))).full]
            after = next(i for i, step in enumerate(steps) if step > position)
            nodes = steps[max(after - drift.DEGREE, 0) : after + 1]
            places = [log_noise(path.sigmas[node], mixed) for node in nodes]
            shares = drift.interpolation(places, [(log_noise(sigma, mixed), 1.0)])
            return x - sigma * sum(share * path.slopes[node] for share, node in zip(shares, nodes, strict=True))

    class Cleaned(drift.Drift):
        """Forecasts are made from the slopes of the full run, at the full steps; drift is repaid as usual."""

        def repay(self, x: Tensor, denoised: Tensor, sigma: float, position: float, full: bool) -> Tensor:
            if full:
                off = to_patches(path.slopes[int(position)] - (x - denoised) / sigma, self.run.record.grid)
                for history in self.run.histories.values():
                    newest, width = history.snapshots[0], history.snapshots[0].target.shape[-1] // 2
                    target = torch.cat([newest.target[..., :width], newest.target[..., width:] + off], dim=-1)
                    history.snapshots[0] = replace(newest, target=target)
            return super().repay(x, denoised, sigma, position, full)

    return {"as it is": drift.Drift, "forecast from the full run's slopes": Cleaned,
            "interpolated between the full run's slopes": Interpolated}


def measure(stage: Stage, keep: Callable[[dict], None]) -> None:
    """All rows of a model."""
    from tap_pack.tap_core import drift
    from tap_pack.tap_core.settings import TapSettings

    course, numbers = Course(), list(SHOTS)
    fulls, path = stage.takes(numbers, course), walked(stage, numbers, course)

    def scores() -> dict[str, dict]:
        takes = [stage.takes(numbers, course, TapSettings(interval=interval)) for interval in INTERVALS]
        return {str(each[0].calls): likeness(each, fulls) for each in takes}

    for name, kind in kinds(path).items():
        with repaying(kind):
            keep({"model": stage.name, "name": name, "calls": scores()})
    usual = drift.STANDS_STILL
    for share in SHARES:
        drift.STANDS_STILL = share
        keep({"model": stage.name, "name": f"picture stands still by {share:g}", "calls": scores()})
    drift.STANDS_STILL = usual
    for cfg in (2.0, 4.0):
        keep({"model": stage.name, "name": f"answers, CFG {cfg:g}", "answers": answers(stage, Course(cfg=cfg))})


def markdown(found: dict) -> str:
    """Two tables."""
    rows = found["rows"]
    models = [name for name in MODELS if any(row["model"] == name for row in rows)]
    scored = {(row["name"], row["model"]): row["calls"] for row in rows if "calls" in row}
    counts = list(next(iter(scored.values())))
    lines = [f"Mean PSNR in dB (worst), over {len(SHOTS)} prompts; behind the model the calls, of 50.", "",
             "| | " + " | ".join(f"{model}, {count}" for model in models for count in counts) + " |",
             "|---" * (len(models) * len(counts) + 1) + "|"]
    for name in dict.fromkeys(name for name, _ in scored):
        cells = (scored[name, model][count] for model in models for count in counts)
        shown = " | ".join(f"{cell['psnr']:.1f} ({cell['worst']:.1f})" for cell in cells)
        lines.append(f"| {name} | {shown} |")
    lines += ["", "How a model answers a drift of x along full runs: gamma / nu at a noise level.", "",
              "| | " + " | ".join(f"after {share:.0%}" for share in ANSWER_AT) + " |",
              "|---" * (len(ANSWER_AT) + 1) + "|"]
    for row in rows:
        if "answers" in row:
            cells = (f"{each['gamma']:.1f} / {each['nu']:.1f} at {each['sigma']:.2f}" for each in row["answers"])
            lines.append(f"| {row['model']}, {row['name'].partition(', ')[2]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(models: list[str]) -> None:
    """Measure some models; rows of others are kept."""
    load_pack()
    file = RESULTS / "drift.json"
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.exists() else []
    rows = [row for row in rows if row["model"] not in models]

    def keep(row: dict) -> None:
        rows.append(row)
        print(row, flush=True)
        write_results("drift", sys.argv[1:], {"rows": rows})

    for name in models:
        measure(open_stage(name), keep)
    put_block("drift", markdown({"rows": rows}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench/run.py drift", description=__doc__)
    parser.add_argument("--model", choices=MODELS, action="append", help="instead of all; may be given again")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    main(options.model or list(MODELS))
