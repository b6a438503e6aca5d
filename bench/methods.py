"""Every method at about 12, 10, 8 and 7 full steps of 50 on the demo model, against the same seed's full run.

Run it in the Python that has ComfyUI's packages: `python bench/methods.py`. It carries on where it was stopped;
`--fresh` starts anew. Results go to bench/results/methods.json, the table in bench/README.md is made from them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean

import torch
from demo_stage import DemoStage, Shot, load_pack
from metrics import psnr, ssim

RESULTS = Path(__file__).parent / "results" / "methods.json"
BUDGETS = (10, 8, 12, 7)
SOLVERS = ("euler", "dpmpp_2m", "deis", "ipndm")
TURNS = 5


class Comparison:
    """All shots of one comparison: the scenes of (number, seed), their full pictures, and the rows found so far."""

    def __init__(self, stage: DemoStage, shots: int, fresh: bool) -> None:
        self.stage, self.shots = stage, [(9000 + i, 70 + i) for i in range(shots)]
        self.asked = {"size": stage.size, "steps": stage.steps, "cfg": stage.cfg, "sampler": stage.sampler,
                      "shots": self.shots, "model": stage.fingerprint}
        kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() and not fresh else {}
        same = kept.get("asked") == json.loads(json.dumps(self.asked))
        self.found: dict = kept if same else {"asked": self.asked, "rows": []}
        self.full = {shot: stage.shoot(*shot) for shot in self.shots}
        self.found["full"] = self._scores([stage.shoot(scene, seed + 100) for scene, seed in self.shots])
        self.found["full"]["seconds"] = mean(full.seconds for full in self.full.values())
        self._counts: dict[tuple[str, float], int] = {}

    def measure(self, contender: object, budget: int) -> None:
        """The contender's row with as near to so many full steps as its dial goes."""
        if self._is_found(contender.name, budget):
            return
        value = self._turn(contender, budget)
        shots = [self.stage.shoot(*shot, settings=contender.settings(value)) for shot in self.shots]
        records = [shot.record for shot in shots]
        self._add({
            "name": contender.name, "budget": budget, "dial": value,
            "full_steps": mean(len(record.full_steps) for record in records),
            "cache_bytes": max(record.cache_bytes for record in records),
            "fallbacks": sorted({reason for record in records for reason in record.fallbacks}),
            **self._scores(shots),
        })

    def measure_solver(self, sampler: str, steps: int) -> None:
        """What a user would do without any of this: take fewer steps, perhaps with a better solver."""
        name = f"{sampler}, fewer steps"
        if not self._is_found(name, steps):
            shots = [self.stage.shoot(*shot, steps=steps, sampler=sampler) for shot in self.shots]
            self._add({"name": name, "budget": steps, "full_steps": steps, "cache_bytes": 0, **self._scores(shots)})

    def _is_found(self, name: str, budget: int) -> bool:
        return any(row["name"] == name and row["budget"] == budget for row in self.found["rows"])

    def _scores(self, shots: list[Shot]) -> dict[str, object]:
        pairs = [(shot.picture, self.full[at].picture) for shot, at in zip(shots, self.shots, strict=True)]
        decibels = [psnr(*pair) for pair in pairs]
        return {"psnr": mean(decibels), "psnr_least": min(decibels), "ssim": mean(ssim(*pair) for pair in pairs),
                "seconds": mean(shot.seconds for shot in shots)}

    def _turn(self, contender: object, budget: int) -> float:
        """The value of the dial that computes nearest to so many steps in the first shot; the less of two as near."""
        if not contender.span:
            return min(contender.values, key=lambda value: abs(self._count(contender, value) - budget))
        # What earlier budgets tried is known, and narrows the search.
        known = {value: count for (name, value), count in self._counts.items() if name == contender.name}
        for _ in range(TURNS):
            if budget in known.values():
                break
            low = max([v for v, count in known.items() if count > budget], default=contender.span[0])
            high = min([v for v, count in known.items() if count < budget and v > low], default=contender.span[1])
            value = (low * high) ** 0.5
            known[value] = self._count(contender, value)
        return min(known, key=lambda value: (abs(known[value] - budget), value))

    def _count(self, contender: object, value: float) -> int:
        key = (contender.name, value)
        if key not in self._counts:
            from tap_pack.tap_core.schedule import FixedCourse, Seen, start
            from tap_pack.tap_core.timeline import Timeline

            settings, steps = contender.settings(value), self.stage.steps
            course = start(settings.schedule(), Timeline(tuple(1 - i / steps for i in range(steps + 1))))
            if isinstance(course, FixedCourse):
                self._counts[key] = sum(course.before(Seen(float(step), 0.0)).full for step in range(steps))
            else:
                shot = self.stage.shoot(*self.shots[0], settings=settings, decode=False)
                self._counts[key] = len(shot.record.full_steps)
        return self._counts[key]

    def _add(self, row: dict[str, object]) -> None:
        print(f"{row['name']:34} {row['full_steps']:5.1f} full  {row['psnr']:6.2f} dB  {row['ssim']:.4f}  "
              f"{row['seconds']:6.2f} s  {row['cache_bytes'] / 1e6:6.2f} MB", flush=True)
        self.found["rows"].append(row)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(self.found, indent=1) + "\n", encoding="utf-8")


def measure_model(stage: DemoStage, scene: int, seed: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """TeaCache's polynomial and MagCache's ratios of the demo model, from a full run of another scene."""
    from tap_pack.tap_core.calibration import Changes, MeasuringSchedule, fit_polynomial, magnitude_ratios
    from tap_pack.tap_core.settings import TapSettings

    changes = Changes()
    stage.shoot(scene, seed, TapSettings(given_schedule=MeasuringSchedule(changes), target="residual"), decode=False)
    return fit_polynomial(changes), magnitude_ratios(changes, stage.steps)


def compare(size: int, shots: int, fresh: bool) -> None:
    """The whole comparison, and the table."""
    load_pack()
    from contenders import adaptive_contenders, fixed_contenders, our_contenders
    from methods_table import write_table

    stage = DemoStage(size)
    comparison = Comparison(stage, shots, fresh)
    contenders = [*our_contenders(), *fixed_contenders(), *adaptive_contenders(*measure_model(stage, 8000, 60))]
    # Column by column, so that what is stopped early compares all methods at some of the budgets.
    for budget in BUDGETS:
        for contender in contenders:
            comparison.measure(contender, budget)
        for sampler in SOLVERS:
            comparison.measure_solver(sampler, budget)
        write_table(comparison.found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256, help="pixels of a side, a multiple of 16")
    parser.add_argument("--shots", type=int, default=4, help="scenes, each from another seed")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    compare(options.size, options.shots, options.fresh)
