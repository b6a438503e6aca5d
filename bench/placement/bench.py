"""One model on one course: methods with their dials turned to so many model calls, solvers with so few steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import mean

from figures.metrics import psnr, ssim
from methods.dials import DialTurner, known_count
from models.model_rows import closeness
from models.stage import SCHEDULERS, Course, Stage, Take

# The pictures by which dials are turned and schedulers chosen; none of them is scored.
DIAL_SHOTS = (900, 901)


@dataclass
class Bench:
    """One model on one course.

    shots: numbers of the pictures that are scored; rows: found so far; keep: writes them down.
    """

    stage: Stage
    course: Course
    shots: range
    rows: list[dict]
    keep: Callable[[], None]
    fulls: dict[int, Take] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.turner = DialTurner(self.count, len(DIAL_SHOTS))

    def full(self, shot: int) -> Take:
        """The picture with every step computed."""
        if shot not in self.fulls:
            wanted = [other for other in (*self.shots, *DIAL_SHOTS) if other not in self.fulls]
            self.fulls.update(zip(wanted, self.stage.takes(wanted, self.course), strict=True))
        return self.fulls[shot]

    def has(self, name: str, budget: int) -> bool:
        """Whether the row was found earlier."""
        asked = {"model": self.stage.name, "course": label(self.course), "name": name, "budget": budget}
        return any(row.items() >= asked.items() for row in self.rows)

    def score(self, name: str, budget: int, takes: list[Take], **more: object) -> None:
        """Add a row."""
        fulls = [self.full(shot) for shot in self.shots]
        found = closeness(takes, fulls)
        similarity = [ssim(take.frames, full.frames) for take, full in zip(takes, fulls, strict=True)]
        row = {
            "model": self.stage.name, "course": label(self.course), "name": name, "budget": budget,
            "calls": mean(take.calls for take in takes),
            "psnr": found["psnr"], "psnr_worst": found["worst"],
            "ssim": mean(similarity), "ssim_worst": min(similarity), "latent_psnr": found["latent_psnr"],
            "seconds": mean(take.seconds for take in takes), **more,
        }  # fmt: skip
        self.rows.append(row)
        self.keep()
        print(f"{row['model']:6} {row['course']:28} {name:36} {row['calls']:5.1f} calls  {row['psnr']:6.2f} dB, worst "
              f"{row['psnr_worst']:6.2f}  SSIM {row['ssim']:.4f}", flush=True)

    def measure(self, contender: object, budget: int) -> None:
        """A method with its dial turned to so many calls."""
        if self.has(contender.name, budget):
            return
        dial, value = self.turner.turn(contender, budget)
        takes = self.takes(contender.settings(value, dial))
        self.score(contender.name, budget, takes, dial=value, says=contender.dials[dial].says)

    def measure_solver(self, sampler: str, budget: int) -> None:
        """So many steps of a sampler, on the scheduler that suits it best."""
        name = f"{sampler}, fewer steps"
        if self.has(name, budget):
            return
        courses = [replace(self.course, sampler=sampler, steps=budget, scheduler=s) for s in SCHEDULERS]
        best = max(courses, key=lambda course: mean(
            psnr(take.frames, self.full(shot).frames)
            for shot, take in zip(DIAL_SHOTS, self.stage.takes(DIAL_SHOTS, course), strict=True)))
        takes = self.stage.takes(self.shots, best)
        self.score(name, budget, takes, scheduler=best.scheduler)

    def measure_floor(self) -> None:
        """What another seed's picture scores."""
        if not self.has("another seed (floor)", 0):
            others = [shot + 500 for shot in self.shots]
            self.score("another seed (floor)", 0, self.stage.takes(self.shots, self.course, seeds=others))

    def takes(self, settings: object) -> list[Take]:
        """All pictures that are scored; as one batch where the full steps are known beforehand."""
        if self.fixed_count(settings) is None:
            return [self.take(settings, shot) for shot in self.shots]
        return self.stage.takes(self.shots, self.course, settings)

    def take(self, settings: object, shot: int) -> Take:
        """A picture with these settings of TAP, or with what a stock cache puts on the model."""
        if callable(settings):
            return self.stage.take(shot, replace(self.course, patch=settings))
        return self.stage.take(shot, self.course, settings)

    def count(self, settings: object, dial_shot: int) -> int:
        """How many steps are computed for one of the pictures by which dials are turned."""
        fixed = self.fixed_count(settings)
        return self.take(settings, DIAL_SHOTS[dial_shot]).calls if fixed is None else fixed

    def fixed_count(self, settings: object) -> int | None:
        """How many steps are computed, where that does not depend on the picture."""
        return None if callable(settings) else known_count(settings, self.full(self.shots[0]).sigmas)


def label(course: Course) -> str:
    """A course in words."""
    return f"{course.steps} steps, {course.sampler}, {course.scheduler}, CFG {course.cfg:g}"
