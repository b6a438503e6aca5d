"""The letters by which steps are told to the browser, one a step."""

from ....tap_core.record.record import Evaluation

FULL, SKIPPED, FOR_A_REASON, TO_COME = "f", "s", "r", "."
# Of several evaluations in a step the last one here shows.
RISING = (TO_COME, SKIPPED, FULL, FOR_A_REASON)


def mark_of(evaluation: Evaluation, planned_full: bool) -> str:
    """What an evaluation was: computed as planned, forecast, or computed although it should have been forecast."""
    if not evaluation.full:
        return SKIPPED
    return FULL if planned_full else FOR_A_REASON


def put_mark(marks: list[str], step: int, mark: str) -> None:
    """Note one evaluation of a step, which may have several."""
    if step < len(marks):
        marks[step] = max(marks[step], mark, key=RISING.index)
