"""A finished run in a few words, for the face of a node."""

from .closeness_words import closeness_words
from .record import TapRecord
from .seconds_words import seconds_words
from .summary import LEAST_GAIN, counted_words, gain_words, notes_words, seconds_compared, why_nothing_skipped


def run_line(record: TapRecord) -> str:
    """Such as "12 of 50 steps computed, about 3.9x faster; no difference to be seen (about 47 dB, mostly 41 to 67)".

    Or why nothing was skipped. Notes that it does not tell are counted.
    """
    if not record.forecast_steps:
        return why_nothing_skipped(record)
    gain = gain_words(record)
    return _with_closeness(f"{counted_words(record)}, {gain}" if gain else counted_words(record), record)


def result_line(record: TapRecord) -> str:
    """Such as "5.1 s instead of about 14 s, 2.7x faster; no difference to be seen (about 47 dB, mostly 41 to 67)".

    Or why nothing was skipped. A run that was stopped, or in which no full step was timed, has its steps instead.
    """
    if not record.forecast_steps:
        return why_nothing_skipped(record)
    compared = seconds_compared(record) if record.complete else None
    return _with_closeness(_in_seconds(*compared) if compared else counted_words(record), record)


def _with_closeness(words: str, record: TapRecord) -> str:
    close = closeness_words(record)
    notes = notes_words([note for note in record.fallbacks if note not in close])
    line = "; ".join(filter(None, [words, close]))
    if not notes:
        return line
    return f"{line} {notes}." if line.endswith(".") else f"{line}; {notes}"


def _in_seconds(taken: float, instead: float) -> str:
    if taken <= 0 or instead / taken < LEAST_GAIN:
        return f"{seconds_words(taken)}, not faster"
    return f"{seconds_words(taken)} instead of about {seconds_words(instead)}, {instead / taken:.1f}x faster"
