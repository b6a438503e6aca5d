"""One model on one course: methods with their dials turned to so many model calls, solvers with so few steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import mean

import torch
from metrics import psnr, ssim
from placement_rivals import SCHEDULERS, StockCache
from placement_stage import Course, Stage, Take

# The pictures by which dials are turned and schedulers chosen; none of them is scored.
DIAL_SHOTS = (900, 901)
TURNS = 7


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
    counts: dict[tuple[str, float], float] = field(default_factory=dict)

    def full(self, shot: int) -> Take:
        """The picture with every step computed."""
        if shot not in self.fulls:
            self.fulls[shot] = self.stage.take(shot, self.course)
        return self.fulls[shot]

    def has(self, name: str, budget: int) -> bool:
        """Whether the row was found earlier."""
        asked = {"model": self.stage.name, "course": label(self.course), "name": name, "budget": budget}
        return any(row.items() >= asked.items() for row in self.rows)

    def score(self, name: str, budget: int, takes: list[Take], **more: object) -> None:
        """Add a row."""
        pairs = [(take, self.full(shot)) for shot, take in zip(self.shots, takes, strict=True)]
        decibels = [psnr(take.frames, full.frames) for take, full in pairs]
        likeness = [ssim(take.frames, full.frames) for take, full in pairs]
        row = {
            "model": self.stage.name, "course": label(self.course), "name": name, "budget": budget,
            "calls": mean(take.calls for take in takes),
            "psnr": mean(decibels), "psnr_worst": min(decibels), "ssim": mean(likeness), "ssim_worst": min(likeness),
            "latent_psnr": mean(latent_psnr(take.latents, full.latents) for take, full in pairs),
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
        value = self.turned(contender, budget)
        takes = [self.take(contender, value, shot) for shot in self.shots]
        self.score(contender.name, budget, takes, dial=value)

    def measure_solver(self, sampler: str, budget: int) -> None:
        """So many steps of a sampler, on the scheduler that suits it best."""
        name = f"{sampler}, fewer steps"
        if self.has(name, budget):
            return
        courses = [replace(self.course, sampler=sampler, steps=budget, scheduler=s) for s in SCHEDULERS]
        best = max(courses, key=lambda course: mean(
            psnr(self.stage.take(shot, course).frames, self.full(shot).frames) for shot in DIAL_SHOTS))
        takes = [self.stage.take(shot, best) for shot in self.shots]
        self.score(name, budget, takes, scheduler=best.scheduler)

    def measure_floor(self) -> None:
        """What another seed's picture scores."""
        if not self.has("another seed (floor)", 0):
            self.score("another seed (floor)", 0, [self.stage.take(s, self.course, seed=s + 500) for s in self.shots])

    def take(self, contender: object, value: float, shot: int) -> Take:
        """A picture by a contender with its dial at a value."""
        if isinstance(contender, StockCache):
            return self.stage.take(shot, replace(self.course, patch=contender.patch(value)))
        return self.stage.take(shot, self.course, contender.settings(value))

    def turned(self, contender: object, budget: int) -> float:
        """The dial's value that computes nearest to so many steps; of two as near, the one that computes less."""
        if not contender.span:
            return min(contender.values, key=lambda value: abs(self.count(contender, value) - budget))
        known = {value: count for (name, value), count in self.counts.items() if name == contender.name}
        for _ in range(TURNS):
            if any(abs(count - budget) < 0.3 for count in known.values()):
                break
            low = max([v for v, count in known.items() if count > budget], default=contender.span[0])
            high = min([v for v, count in known.items() if count < budget and v > low], default=contender.span[1])
            value = (low * high) ** 0.5
            known[value] = self.count(contender, value)
        return min(known, key=lambda value: (abs(known[value] - budget), value))

    def count(self, contender: object, value: float) -> float:
        """How many steps it computes at this value of the dial."""
        key = (contender.name, value)
        if key not in self.counts:
            self.counts[key] = mean(self.take(contender, value, shot).calls for shot in DIAL_SHOTS)
        return self.counts[key]


def label(course: Course) -> str:
    """A course in words."""
    return f"{course.steps} steps, {course.sampler}, {course.scheduler}, CFG {course.cfg:g}"


def latent_psnr(latents: torch.Tensor, truth: torch.Tensor) -> float:
    """PSNR of latents, the peak being the range of the true ones."""
    span = float(truth.max() - truth.min())
    return psnr(latents.float() / span, truth.float() / span)
