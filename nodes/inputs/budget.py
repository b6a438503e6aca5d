"""The budget of the calibration nodes, and the closeness to expect with it."""

from comfy_api.latest import io

from ...tap_core.calibrate.budget import Budget, parsed_budget
from ...tap_core.calibrate.text import Calibration
from ...tap_core.errors import TapError


def budget_input() -> io.Input:
    """A number of model calls, or how many times fewer than all."""
    return io.String.Input(
        "budget", default="10",
        tooltip="Fewer calls are faster, and the picture is less close to the full one. 10 computes ten steps; 5x "
        "computes one fifth of all steps.",
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
    changed = "" if line.calls == calls else f" The text has no line for {calls} calls; this is the nearest one."
    return (f"{line.calls} of {calibration.steps} steps are computed. The expected PSNR against the full picture is "
            f"{line.decibels:.0f} dB, plus or minus 12 ({_in_words(line.decibels)}). TAP Compare measures it.{changed}")


def _in_words(decibels: float) -> str:
    words = {45: "no visible difference", 38: "fine details differ", 30: "details differ"}
    return next((words[least] for least in words if decibels >= least), "another picture in places")
