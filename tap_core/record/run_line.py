"""A finished run in a few words, for the face of a node."""

from .record import TapRecord
from .summary import closeness_words, gain_words, why_nothing_skipped


def run_line(record: TapRecord) -> str:
    """Such as "12 of 50 steps computed, about 3.9x faster; no difference to be seen (about 47 dB)".

    Or why nothing was skipped.
    """
    if not record.skipped_steps:
        return why_nothing_skipped(record)
    full = len(record.full_steps)
    words = f"{full} of {full + len(record.skipped_steps)} steps computed"
    gain, close = gain_words(record), closeness_words(record)
    return "; ".join(filter(None, [f"{words}, {gain}" if gain else words, close]))
