"""What the views say where the node had no run: never an older one, never the wrong reason."""

from __future__ import annotations

from pathlib import Path

import folder_paths
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy_execution.utils import CurrentNodeContext
from tap_pack.nodes.accelerate import TapAccelerate
from tap_pack.nodes.inputs.schedules import schedule_options
from tap_pack.nodes.inputs.trace import trace_of
from tap_pack.nodes.measure_run import TapMeasureRun
from tap_pack.nodes.report import TapReport
from tap_pack.nodes.schedule import TapSchedule
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.record.holder import OLDER, RecordHolder
from tap_pack.tap_core.schedules.listed import ListedSchedule
from torch import Tensor

from tiny_flux import sample, tiny_flux

FITS_NO_RUN = ListedSchedule(tuple(range(21)))


@pytest.fixture(autouse=True)
def temporary_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where previews go."""
    monkeypatch.setattr(folder_paths, "temp_directory", str(tmp_path))


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


def accelerated(model: ModelPatcher, **inputs: object) -> tuple[ModelPatcher, RecordHolder]:
    """A TAP Accelerate node behind a model."""
    return TapAccelerate.execute(model, quality="fixed", interval=3, **inputs).args


def report(holder: RecordHolder) -> str:
    """The first line of the report on it."""
    return TapReport.execute(holder, None).args[0].splitlines()[0]


def test_a_node_behind_another_one_is_named_in_place_of_an_older_run(model: ModelPatcher) -> None:
    first, holder = accelerated(model)
    with CurrentNodeContext("prompt 1", "1"):
        sample(first, 6)
    assert "of 6 steps" in report(holder)
    with CurrentNodeContext("prompt 2", "2"):
        second, last = accelerated(first)
        sample(second, 8)
    assert OLDER in TapReport.execute(holder, None).args[0], "it may be the run of a branch that has not changed"
    assert "of 8 steps" in report(last)
    with CurrentNodeContext("prompt 3", "1"):
        sample(first, 6)
    assert OLDER not in TapReport.execute(holder, None).args[0], "without the second one it has runs again"


def test_a_branch_with_another_node_leaves_the_run_of_this_prompt(model: ModelPatcher) -> None:
    with CurrentNodeContext("prompt 1", "1"):
        first, holder = accelerated(model)
        sample(first, 6)
        accelerated(first)
    text = TapReport.execute(holder, None).args[0]
    assert "of 6 steps" in text and OLDER not in text


def test_a_node_that_never_had_a_run_names_the_one_behind_it(model: ModelPatcher) -> None:
    first, holder = accelerated(model)
    sample(accelerated(first)[0], 6)
    assert report(holder).startswith("No run was recorded. Another TAP node behind this one takes its place")


def test_a_schedule_that_does_not_fit_is_the_reason_and_not_the_wiring(model: ModelPatcher) -> None:
    unfit, holder = accelerated(model, schedule=FITS_NO_RUN)
    sample(unfit, 6)
    text = TapReport.execute(holder, None).args[0]
    assert "The list of steps goes up to 20" in text and "Connect" not in text.splitlines()[0]
    assert text.splitlines()[0].endswith("sample more steps."), "no seconds of a run that there was not"


def test_nothing_measured_has_its_reason_too(model: ModelPatcher) -> None:
    measured, trace = TapMeasureRun.execute(model, "auto", schedule=FITS_NO_RUN).args
    sample(measured, 6)
    with pytest.raises(TapError, match=r"No run was measured\. The list of steps goes up to 20"):
        trace_of(trace)
    measured, trace = TapMeasureRun.execute(model, "auto").args
    sample(measured, 6)
    accelerated(measured)
    assert trace_of(trace).steps == 6, "a branch takes no trace away"
    measured, trace = TapMeasureRun.execute(model, "auto").args
    sample(accelerated(measured)[0], 6)
    with pytest.raises(TapError, match=r"No run was measured\. Another TAP node behind this one takes its place"):
        trace_of(trace)


@pytest.mark.parametrize(("name", "knobs", "steps", "says"), [
    ("EasyCache", {}, 4, "computes each of them in any case (warm-up)"),
    ("list of steps", {"steps": "0-5"}, 6, "The list has all of the run's 6 steps; leave some out."),
    ("list of steps", {"steps": "0"}, 1, "too few steps (1)"),
    ("DiCache", {"retention": 1.0}, 8, "retention, last step). Sample more steps, or set retention lower."),
    ("interval", {"warmup": 20}, 12, "lower the warm-up"),
])
def test_a_schedule_that_skips_nothing_says_what_can_be_changed(
    model: ModelPatcher, name: str, knobs: dict[str, object], steps: int, says: str
) -> None:
    defaults = next({knob.id: knob.default for knob in option.inputs} for option in schedule_options()
                    if option.key == name)
    (schedule,) = TapSchedule.execute({"schedule": name, **defaults, **knobs}).args
    made, holder = accelerated(model, schedule=schedule)
    sample(made, steps)
    assert says in report(holder)


@pytest.mark.parametrize("at", [1, 5])
@pytest.mark.parametrize("quality", ["close", "fixed"])
def test_values_that_are_no_numbers_are_the_reason_where_steps_are_computed(
    model: ModelPatcher, quality: str, at: int
) -> None:
    calls = []

    def fails(_module: object, _inputs: object, output: Tensor) -> Tensor | None:
        calls.append(True)
        return torch.full_like(output, torch.nan) if len(calls) >= at else None

    hook = model.model.diffusion_model.single_blocks[-1].register_forward_hook(fails)
    try:
        made, holder = TapAccelerate.execute(model, quality=quality, interval=3).args
        sample(made, 20)
    finally:
        hook.remove()
    text = TapReport.execute(holder, None).args[0]
    assert "values that are not numbers" in text
    assert "go the same way twice" not in text and "Set quality lower" not in text
