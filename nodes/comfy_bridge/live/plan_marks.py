"""The letters that tell the browser what each step was."""

from collections.abc import Sequence

from ....tap_core.record.record import Evaluation

FULL, SKIPPED, UNPLANNED_FULL, PART, TO_COME = "f", "s", "r", "p", "."
# If a step has several evaluations, the mark that is last here is shown.
PRECEDENCE = (TO_COME, SKIPPED, PART, FULL, UNPLANNED_FULL)


def mark_of(evaluation: Evaluation, planned_full: bool) -> str:
    """What an evaluation was: computed as planned, in part, or although a forecast was planned; forecast; not known."""
    if evaluation.part:
        return PART
    if not evaluation.full:
        return SKIPPED if evaluation.skipped else TO_COME
    return FULL if planned_full else UNPLANNED_FULL


def put_mark(marks: list[str], step: int, mark: str) -> None:
    """Put the mark of one evaluation; a step may have several."""
    if step < len(marks):
        marks[step] = max(marks[step], mark, key=PRECEDENCE.index)


def spent_words(marks: Sequence[str]) -> str:
    """What the steps so far took, such as "18 of 50 steps, 8 computed"; those computed in part are told apart."""
    done = len(marks) - marks.count(TO_COME)
    words = f"{done} of {len(marks)} steps, {marks.count(FULL) + marks.count(UNPLANNED_FULL)} computed"
    return f"{words} and {marks.count(PART)} in part" if PART in marks else words
