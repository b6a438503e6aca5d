"""What is sampled: the courses, the wishes, and how many pictures of each model."""

from __future__ import annotations

from tap_pack.tap_core.sampling.settings import FIXED, QUALITIES

from closeness.templates import of_two_models
from models.stage import Course

TWO_MODELS = of_two_models("euler")
# Steps, sampler and guidance of what people run, as in ComfyUI's own templates and others.
COURSES = ((20, "euler", 1.0), (20, "euler", 4.0), (20, "uni_pc", 5.0), (30, "uni_pc", 6.0), (25, "res_multistep", 4.0),
           (8, "res_multistep", 1.0), (4, "euler", 1.0), (28, "euler", 3.5), (50, "euler", 4.0), (20, "heun", 1.0),
           (28, "lcm", 1.0), (30, "er_sde", 4.0), (20, "euler_ancestral", 2.0),
           (30, "res_multistep", 4.0), (50, "uni_pc", 5.0), (16, "lcm", 1.0), (20, TWO_MODELS, 3.5))
WISHES = {name: decibels for name, decibels in QUALITIES.items() if name != FIXED}
DEFAULT = "close"
# No constant of the estimate or of the schedule was chosen on these pictures, but for what is expected of a part of a
# run: on the first three of *words* and *balls*.
SHOTS = range(500, 516)
# Of these a batch would share the noise that it draws.
NOISY = ("lcm", "er_sde", "euler_ancestral")


def course_of(steps: int, sampler: str, cfg: float) -> Course:
    """One of COURSES; where noise is drawn, each picture by itself."""
    name = sampler.partition(",")[0]
    return Course(steps=steps, sampler=name, cfg=cfg, alone=name in NOISY, two_models=sampler == TWO_MODELS)


def named(row: dict) -> str:
    """Model and course of a row in words."""
    return f"{row['model']}, {row['steps']} {row['sampler']}, CFG {row['cfg']:g}"
