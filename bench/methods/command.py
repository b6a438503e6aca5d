"""Every method at about 12, 10, 8 and 7 full steps of 50 on the demo model, against the same seed's full run.

`python3 bench/run.py methods` carries on where it was stopped; `--fresh` starts from nothing. Results go to
bench/results/methods.json; table and plot in bench/methods/README.md are made of them. `methods few` measures 20 and 28
steps on three models, see few.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

import torch
from tap_pack.nodes.fit_tables import MAGCACHE, TEACACHE, fitted
from tqdm import tqdm

from figures.metrics import psnr, relative_error, ssim
from figures.page import Page
from figures.places import RESULTS
from figures.results_file import write_results
from methods import few
from methods.contenders import adaptive_contenders, fixed_contenders, our_contenders
from methods.dials import DialTurner, known_count
from methods.plot import pareto
from methods.table import markdown
from models.demo_stage import DemoStage, Shot

BUDGETS = (10, 8, 12, 7)
SOLVERS = ("euler", "dpmpp_2m", "deis", "ipndm")
PAGE = Page("methods", markdown, pareto)
Keep = Callable[[dict[str, object]], object]
Forget = Callable[[dict[str, object]], bool]


def solver_row(sampler: str) -> str:
    """How the row of a solver without a cache is called."""
    return f"{sampler}, fewer steps"


class Comparison:
    """All shots of one comparison: the scenes of (number, seed), their full pictures, and the rows found so far."""

    def __init__(self, stage: DemoStage, shots: int, file: Path, forget: Forget, keep: Keep) -> None:
        self._keep = keep
        self.stage, self.shots = stage, [(9000 + i, 70 + i) for i in range(shots)]
        self.asked = {"size": stage.size, "steps": stage.steps, "cfg": stage.cfg, "sampler": stage.sampler,
                      "shots": self.shots, "model": stage.fingerprint}
        self.found: dict = {"asked": self.asked, **self._kept(file, forget)}
        self.full = {shot: stage.shoot(*shot) for shot in tqdm(self.shots, desc="full runs")}
        others = [stage.shoot(scene, seed + 100) for scene, seed in tqdm(self.shots, desc="from another seed")]
        self.found["full"] = self._scores(others)
        self.found["full"]["seconds"] = mean(full.seconds for full in self.full.values())
        self._dials = DialTurner(self._count, len(self.shots))

    def _kept(self, file: Path, forget: Forget) -> dict[str, list]:
        """Rows that are there already, and the commands that found them."""
        kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        same = kept.get("asked") == json.loads(json.dumps(self.asked))
        rows = [row for row in kept["rows"] if not forget(row)] if same else []
        commands = list(dict.fromkeys([*kept.get("earlier", []), kept["command"]])) if rows else []
        return {"earlier": commands, "rows": rows}

    def measure(self, contender: object, budget: int) -> None:
        """The contender's row, its number of full steps as close to this as its dial allows."""
        if self._is_found(contender.name, budget):
            return
        dial, value = self._dials.turn(contender, budget)
        shots = [self.stage.shoot(*shot, settings=contender.settings(value, dial)) for shot in self.shots]
        records = [shot.record for shot in shots]
        self._add({
            "name": contender.name, "budget": budget, "dial": value, "says": contender.dials[dial].says,
            "full_steps": mean(len(record.full_steps) for record in records),
            "cache_bytes": max(record.cache_bytes for record in records),
            "fallbacks": sorted({reason for record in records for reason in record.fallbacks}),
            **self._scores(shots),
        })

    def measure_solver(self, sampler: str, steps: int) -> None:
        """What a user would do without any of this: take fewer steps, perhaps with a better solver."""
        name = solver_row(sampler)
        if not self._is_found(name, steps):
            shots = [self.stage.shoot(*shot, steps=steps, sampler=sampler) for shot in self.shots]
            self._add({"name": name, "budget": steps, "full_steps": steps, "cache_bytes": 0, **self._scores(shots)})

    def _is_found(self, name: str, budget: int) -> bool:
        return any(row["name"] == name and row["budget"] == budget for row in self.found["rows"])

    def _scores(self, shots: list[Shot]) -> dict[str, object]:
        truths = [self.full[at] for at in self.shots]
        pairs = [(shot.picture, truth.picture) for shot, truth in zip(shots, truths, strict=True)]
        latents = [relative_error(shot.latent, truth.latent) for shot, truth in zip(shots, truths, strict=True)]
        decibels = [psnr(*pair) for pair in pairs]
        return {"psnr": mean(decibels), "psnr_least": min(decibels), "ssim": mean(ssim(*pair) for pair in pairs),
                "latent_error": mean(latents), "seconds": mean(shot.seconds for shot in shots)}

    def _count(self, settings: object, scene: int) -> int:
        """Full steps of the shot with this index; those of a schedule that is known beforehand need no sampling."""
        steps = self.stage.steps
        # How many are full does not depend on the sigmas, only where they are.
        known = known_count(settings, tuple(1 - i / steps for i in range(steps + 1)))
        if known is not None:
            return known
        return len(self.stage.shoot(*self.shots[scene], settings=settings, decode=False).record.full_steps)

    def _add(self, row: dict[str, object]) -> None:
        tqdm.write(f"{row['name']:44} {row['full_steps']:5.2f} full  {row['psnr']:6.2f} dB  {row['ssim']:.4f}  "
                   f"{row['seconds']:6.2f} s  {row['cache_bytes'] / 1e6:6.2f} MB")
        self.found["rows"].append(row)
        self._keep(self.found)


def measure_model(stage: DemoStage, scene: int, seed: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """TeaCache's polynomial and MagCache's ratios of the demo model, from a full run of another scene."""
    trace = stage.trace(scene, seed, "residual")
    polynomial, ratios = (fitted(trace, method, threshold=0.0)[1] for method in (TEACACHE, MAGCACHE))
    return polynomial, ratios


def run(arguments: Sequence[str]) -> dict:
    """The whole comparison, and the table. In another folder the README stays as it is. few ...: the second part."""
    if arguments and arguments[0] == "few":
        few.run(arguments[1:])
        return few.PAGE.kept()
    parser = PAGE.parser(__doc__)
    parser.add_argument("--size", type=int, default=256, help="pixels of a side, a multiple of 16")
    parser.add_argument("--shots", type=int, default=3, help="scenes, each from another seed")
    parser.add_argument("--fresh", action="store_true", help="forget earlier rows of what is measured")
    parser.add_argument("--threads", type=int, default=1, help="seconds are those of all of them together")
    parser.add_argument("--methods", nargs="+", default=[""], help="only these, by their beginning")
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS, help="full steps, of 50")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the figures go")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    stage, begins = DemoStage(options.size), tuple(options.methods)
    comparison = Comparison(
        stage, options.shots, options.results / "methods.json",
        lambda row: options.fresh and row["budget"] in options.budgets and row["name"].startswith(begins),
        lambda found: write_results("methods", arguments, found, options.results),
    )
    every = [*our_contenders(), *fixed_contenders(), *adaptive_contenders(*measure_model(stage, 8000, 60))]
    contenders = [contender for contender in every if contender.name.startswith(begins)]
    solvers = [sampler for sampler in SOLVERS if solver_row(sampler).startswith(begins)]
    # Column by column, so that what is stopped early compares all methods at some of the budgets.
    with tqdm(total=len(options.budgets) * (len(contenders) + len(solvers)), unit="row", mininterval=5) as bar:
        for budget in options.budgets:
            for contender in contenders:
                comparison.measure(contender, budget)
                bar.update()
            for sampler in solvers:
                comparison.measure_solver(sampler, budget)
                bar.update()
            PAGE.show(comparison.found, options.results)
    print(markdown(comparison.found))
    return comparison.found
