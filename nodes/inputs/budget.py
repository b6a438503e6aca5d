"""The budget of the calibration nodes, and the closeness to expect with it."""

import torch
from comfy_api.latest import io
from torch import Tensor

from ...tap_core.calibrate.budget import Budget, parsed_budget
from ...tap_core.calibrate.text import Calibration, CalibrationLine
from ...tap_core.closeness import Closeness, words_of
from ...tap_core.errors import TapError
from ...tap_core.sampling.pool_settings import PoolSettings

ONE_OF_TWO = " The weights are for the measured noise levels, not for SIGMAS: use one of the two."
AFTER = "After the run TAP Accelerate says how close the picture came, and TAP Compare measures it."


def budget_input() -> io.Input:
    """A number of model calls, or how many times fewer than all."""
    return io.String.Input(
        "budget", default="10",
        tooltip="Fewer computed steps are faster, and the picture is less close to the full one. 10 computes ten "
        "steps; 5x computes one fifth of all steps.",
    )


def why_not(budget: str | None) -> bool | str:
    """True, or a sentence that says what is wrong; None is a linked value, not known yet."""
    try:
        return budget is None or bool(parsed_budget(budget))
    except TapError as error:
        return str(error)


def expectation(calibration: Calibration, asked: Budget) -> str:
    """How close the picture of a run like the measured one is expected to be."""
    calls = asked.calls_of(calibration.steps)
    line = calibration.line(calls)
    changed = "" if line.calls == calls else f" The text has no line for {calls} calls; this is the closest one."
    return (f"{line.calls} of {calibration.steps} steps are computed. {_closeness(calibration, line)}{changed}"
            f"{' TAP_POOL has learned weights.' if line.weights else ''}"
            f"{' SIGMAS has moved sigmas.' if line.sigmas else ''}"
            f"{ONE_OF_TWO if line.weights and line.sigmas else ''}")


def _closeness(calibration: Calibration, line: CalibrationLine) -> str:
    if line.calls == calibration.steps:
        return "These are all, so the picture is the full one."
    if line.span is None:
        return (f"This text of an older version expects {line.decibels:.0f} dB ({words_of(round(line.decibels))}), "
                f"which may be far off; calibrate again for a careful figure. {AFTER}")
    return (f"To expect: {Closeness(line.decibels, *line.span).in_words}, as PSNR against the picture with every step "
            f"computed. {AFTER}")


def learned_values(calibration: Calibration, asked: Budget) -> tuple[PoolSettings | None, Tensor]:
    """Values of `learned_outputs`: a pool of the learned weights, None without any, and sigmas [T + 1]."""
    calls = asked.calls_of(calibration.steps)
    learned = calibration.learned(calls)
    return PoolSettings(learned=learned) if learned else None, torch.tensor(calibration.sigmas_for(calls))

