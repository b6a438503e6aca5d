"""How much may be computed, as calibration's nodes ask for it."""

from comfy_api.latest import io

from ..tap_core.calibrate.budget import parsed_budget
from ..tap_core.errors import TapError


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
