"""The progress bar of a node that works for a while; it also ends the work if the user cancels."""

from collections.abc import Callable

import comfy.model_management
import comfy.utils

PARTS = 100


def progress_bar() -> Callable[[float], None]:
    """A function to call with the share that is done, from 0 to 1."""
    bar = comfy.utils.ProgressBar(PARTS)

    def report(share: float) -> None:
        comfy.model_management.throw_exception_if_processing_interrupted()
        bar.update_absolute(round(PARTS * share), PARTS)

    return report
