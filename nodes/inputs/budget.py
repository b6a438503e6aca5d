"""How much may be computed, as calibration's nodes ask for it."""

from comfy_api.latest import io

from ...tap_core.calibrate.budget import Budget, parsed_budget
from ...tap_core.calibrate.text import Calibration
from ...tap_core.errors import TapError


def budget_input() -> io.Input:
    """A number of model calls, or how many times fewer than all."""
    return io.String.Input(
        "budget", default="10",
        tooltip="Fewer calls are faster and stray further from the full picture. 10 computes ten steps; 5x computes "
        "five times fewer than all.",
    )


def why_not(budget: str | None) -> bool | str:
    """True, or a sentence that says what is wrong; None is a linked value, not known yet."""
    try:
        return budget is None or bool(parsed_budget(budget))
    except TapError as error:
        return str(error)


def expectation(calibration: Calibration, asked: Budget) -> str:
    """How near the picture of a run like the measured one will be."""
    calls = asked.calls_of(calibration.steps)
    line = calibration.line(calls)
    changed = "" if line.calls == calls else f" The text has no line for {calls} calls; this is its nearest."
    return (f"{line.calls} of {calibration.steps} steps are computed; the picture is expected about "
            f"{line.decibels:.0f} dB from the full one ({_in_words(line.decibels)}), give or take 12; TAP Compare "
            f"measures it.{changed}")


def _in_words(decibels: float) -> str:
    words = {45: "no difference to be seen", 38: "fine detail differs", 30: "details differ"}
    return next((words[least] for least in words if decibels >= least), "another picture in places")
