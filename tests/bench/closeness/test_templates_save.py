"""Templates that are called faster are: with their quality, steps are saved at their own settings."""

from __future__ import annotations

import json
import re

import pytest
from tap_pack.tap_core.sampling.settings import TapSettings

from closeness.courses import course_of
from closeness.templates import FOLDER, templates_of
from models.stage import Stage, open_stage

# Few steps leave little to forecast, which their notes say.
COURSES = {name: course for course, names in templates_of().items() for name in names if course[0] > 8}
QUALITIES = {
    name: node["widgets_values"][0] for name in COURSES for file in FOLDER.glob("*.json")
    if re.fullmatch(rf"\d+ Faster {re.escape(name)}(?: video)?", file.stem)
    for node in json.loads(file.read_text(encoding="utf-8"))["nodes"] if node["type"] == "TapAccelerate"
}
FILMS = ("Wan", "Hunyuan", "LTX")
# Of the steps at most this share is computed.
MOST = 0.9


@pytest.fixture(scope="module")
def stages() -> dict[str, Stage]:
    """The models."""
    return {model: open_stage(model) for model in ("words", "balls")}


@pytest.mark.parametrize("name", COURSES)
def test_with_the_quality_of_a_template_steps_are_saved(stages: dict[str, Stage], name: str) -> None:
    steps, sampler, cfg = COURSES[name]
    stage = stages["balls" if name.startswith(FILMS) else "words"]
    take = stage.take(502, course_of(steps, sampler, cfg), TapSettings(quality=QUALITIES[name]))
    assert take.calls <= MOST * steps, f"{take.calls} of {steps} with {QUALITIES[name]}"
