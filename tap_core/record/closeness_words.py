"""How close the picture of a run is, in words, and what to change where that is less than was asked for."""

from ..closeness import FIXED, QUALITIES, UNKNOWN
from .record import TapRecord

PART = " in this part of the run"
# Without a quality the line says what to change below so many dB.
CLOSE_ENOUGH = 32.0
# A quality is met from so many dB below what it asks for on.
MET = 3.0
# Runs of so few steps: forecasts reach far, and the same number of plain steps may be as close.
FEW_STEPS = 8
FEW = ("With so few steps, sampling {computed} steps without TAP may give a picture that is as close. Set quality to "
       "close or good: TAP then forecasts a step only where it expects that to pay.")


def closeness_words(record: TapRecord) -> str:
    """How close the picture is to the one with every step computed, and what to change where that is far off.

    Such as "no difference to be seen (about 47 dB, mostly 41 to 67)". Why it is not known, where it is not. Empty for a
    run that was stopped, or in which nothing was skipped.
    """
    if not record.complete or not record.forecast_steps:
        return ""
    if record.closeness is None:
        return ". ".join(filter(None, [UNKNOWN, record.why_unknown]))
    return f"{record.closeness.in_words}{PART if record.part_of_run else ''}{_advice(record)}"


def close_in_full(record: TapRecord) -> str:
    """Such as "no difference to be seen, about 47 dB, mostly 41 to 67 (PSNR against ..., estimated)"."""
    close = record.closeness
    if close is None:
        unknown = f"not known. {record.why_unknown}".rstrip()
        return unknown if record.forecast_steps else "every step was computed"
    return (f"{close.words}{PART if record.part_of_run else ''}, {close.figure} (PSNR against the picture with every "
            "step computed, estimated)")


def few_steps_words(record: TapRecord) -> str:
    """What to know of a fixed number of computed steps in a short run; empty for all others."""
    short = record.forecast_steps and record.steps <= FEW_STEPS and record.complete
    if not short or record.settings.get("quality") != FIXED:
        return ""
    return FEW.format(computed=len(record.full_steps))


def _advice(record: TapRecord) -> str:
    """What was missed and what to change, for the figure as it is shown."""
    shown, quality = round(record.closeness.decibels), record.settings.get("quality")
    wish = QUALITIES.get(quality, 0.0)
    if wish:
        missed = shown < wish - MET
        return f", less close than quality {quality} asks ({wish:.0f} dB). {_closer(record)}" if missed else ""
    if shown >= CLOSE_ENOUGH:
        return ""
    return ". Set quality to close, or lower interval." if quality == FIXED else (
        ". Take out the node at schedule, or change its settings.")


def _closer(record: TapRecord) -> str:
    """What brings a run that keeps to a quality closer."""
    most = record.settings.get("most_computed", 0)
    if most and len(record.full_steps) >= most:
        return "Set most_computed higher, or to 0."
    if record.settings["quality"] == max(QUALITIES, key=QUALITIES.get):
        return "Set interval to 1, which computes every step."
    return "Set quality higher."
