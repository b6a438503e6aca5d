"""What a run did, in words: one line for the log, a text for the report. Only ASCII, for all consoles."""

from collections.abc import Iterable, Sequence

import torch

from .closeness_words import close_in_full, closeness_words, few_steps_words
from .record import Evaluation, TapRecord
from .size_words import cache_words

# Smaller gains would be written as 1.0x.
LEAST_GAIN = 1.05
# Why steps are computed whatever a schedule sees.
FORCED = ("warm-up", "last step", "retention", "too few steps yet", "outside the range")
NOT_REACHED = ("TAP had no effect: the guider, or another node, calls the model in its own way, and no call came to "
               "TAP. Use another guider, or remove that node.")


def summary_line(record: TapRecord) -> str:
    """The run in one line.

    Such as "12 of 50 steps computed (4.2x fewer), about 3.9x faster: 3.4 s; no difference to be seen (about 47 dB,
    mostly 41 to 67); cache 0.6 MB".
    """
    run = len(record.full_steps) + len(record.forecast_steps)
    if not record.forecast_steps:
        seconds = f" {record.seconds_total:.1f} s" if record.evaluations else ""
        return _ascii(why_nothing_skipped(record) + seconds)
    parts = [counted_words(record)]
    parts[0] += f" ({run / max(record.steps_computed, 1):.1f}x fewer)" if record.complete else ""
    if record.steps > run and not record.complete:
        parts[0] = f"stopped after {run} of {record.steps} steps, " + parts[0]
    gain = gain_words(record)
    parts[0] += f", {gain}" if gain else ""
    parts[0] += f": {record.seconds_total:.1f} s"
    parts += filter(None, [closeness_words(record).rstrip(".")])
    parts.append(cache_words(record.cache_bytes, record.settings))
    parts += filter(None, [notes_words(record.fallbacks)])
    return _ascii("; ".join(parts))


def notes_words(notes: Sequence[str]) -> str:
    """Such as "2 notes, see the report"; empty for none."""
    return f"{len(notes)} note{'s' if len(notes) > 1 else ''}, see the report" if notes else ""


def counted_words(record: TapRecord) -> str:
    """Such as "12 of 50 steps computed", or "12 of 50 steps computed, 5 in part"."""
    full, part = len(record.full_steps), len(record.part_steps)
    return f"{full} of {full + len(record.forecast_steps)} steps computed" + (f", {part} in part" if part else "")


def seconds_compared(record: TapRecord) -> tuple[float, float] | None:
    """Seconds of the steps with their replays, and seconds if every one were full; None if no full one was timed.

    Loading and compiling, which the first evaluation may do, count in neither: they take as long without TAP.
    """
    full = record.median_seconds(full=True)
    if full is None:
        return None
    taken = full + sum(e.seconds for e in record.evaluations[1:]) + record.seconds_replayed
    return taken, full * len(record.evaluations)


def speed_up(record: TapRecord) -> float | None:
    """Seconds if every evaluation were full, divided by the seconds taken; None if no full one was timed."""
    taken, instead = seconds_compared(record) or (0.0, 0.0)
    return instead / taken if taken > 0 else None


def gain_words(record: TapRecord) -> str:
    """How much faster the run was; empty if that is not known, or if the run was stopped."""
    gain = speed_up(record) if record.complete else None
    if gain is None:
        return ""
    return f"about {gain:.1f}x faster" if gain >= LEAST_GAIN else "not faster"


def why_nothing_skipped(record: TapRecord) -> str:
    """A sentence or two: that nothing was skipped, why, and what to change."""
    if not record.evaluations and not record.complete:
        return "Nothing was recorded: the run ended before its first step."
    if not record.sigmas and record.fallbacks:  # there was no run, and it is known why
        return "No step was forecast. " + " ".join(record.fallbacks)
    if not any(e.full or e.part or e.skipped for e in record.evaluations):
        return f"No step was forecast. {NOT_REACHED}"
    if record.fallbacks:
        return "No step was forecast. " + " ".join(record.fallbacks)
    if not record.complete:
        return f"{len(record.full_steps)} of {record.steps} steps computed, none was forecast yet."
    if record.settings.get("quality", "fixed") != "fixed":
        return (f"No step was forecast: quality {record.settings['quality']} takes every step of a run with these "
                "settings. Set quality lower, or sample more steps.")
    if record.settings.get("interval") == 1:
        return "No step was forecast: interval is 1, which computes every step. Set interval to 2 or more."
    reasons = dict.fromkeys(e.reason for e in record.evaluations)
    if set(FORCED).issuperset(reasons):
        shorter = "set retention lower" if "retention" in reasons else "set a shorter warm-up"
        return (f"No step was forecast: the schedule computes each of them in any case ({', '.join(reasons)}). "
                f"Sample more steps, or {shorter}.")
    return "No step was forecast: the schedule computed every step. Set a longer interval or a higher threshold."


def why_no_map(record: TapRecord) -> str:
    """A sentence or two: why there is no map of a run in which no token chose a predictor."""
    if record.forecast_steps:
        return "There is no map: this schedule forecasts whole pictures, so no token chose a predictor."
    return why_nothing_skipped(record)


def report_text(record: TapRecord) -> str:
    """The run as a text: some lines, then a table with one row per step."""
    settings = ", ".join(f"{name} {value}" for name, value in record.settings.items())
    notes = list(filter(None, [*record.fallbacks, few_steps_words(record)]))
    shares = ", ".join(f"{name} {share:.1%}" for name, share in record.predictor_shares.items())
    lines = [
        summary_line(record),
        "",
        f"Model:      {record.model}",
        f"Settings:   {settings}",
        f"Predictors: {shares or 'none was used'}",
        f"A step:     {_seconds(record, full=True)} computed, {_seconds(record, full=False)} forecast (medians)",
        f"Closeness:  {close_in_full(record)}",
        f"Cache:      {cache_words(record.cache_bytes, record.settings).removeprefix('cache ')}",
        *[f"Note:       {note}" for note in notes or ["none"]],
        "",
        *step_table(record),
    ]
    return _ascii("\n".join(lines))


def step_table(record: TapRecord) -> list[str]:
    """A heading, and a line for each step, counted from 1: sigma, milliseconds, and what was done."""
    lines = [f"{'step':>4}  {'sigma':>7}  {'ms':>8}  done"]
    for step in sorted({e.step for e in record.evaluations}):
        evaluations = [e for e in record.evaluations if e.step == step]
        milliseconds = 1000 * sum(e.seconds for e in evaluations)
        lines.append(f"{step + 1:>4}  {evaluations[-1].sigma:>7.4f}  {milliseconds:>8.1f}  {_done(evaluations)}")
    return lines


def _done(evaluations: list[Evaluation]) -> str:
    """What was done, such as "computed: warm-up" or "forecast: order 0 12%, 1 88%; loss 1.2e-05"."""
    reasons = dict.fromkeys(e.reason for e in evaluations if e.full)
    choices = [c for e in evaluations for c in e.choices]
    if not choices:
        return "computed: " + ", ".join(reasons) if reasons else "forecast"
    counts = torch.cat([c.of_forecast("order").int() for c in choices]).bincount().tolist()
    orders = ", ".join(f"{order} {count / sum(counts):.0%}" for order, count in enumerate(counts) if count)
    loss = torch.cat([c.of_forecast("loss").float() for c in choices]).median().item()
    return f"{_done_in_part(evaluations, reasons)}order {orders}; loss {loss:.1e}"


def _done_in_part(evaluations: list[Evaluation], reasons: Iterable[str]) -> str:
    """Such as "forecast: ", "partly computed: new condition; ", "computed in part, 38% of the tokens: not stable; "."""
    if reasons:
        return f"partly computed: {', '.join(reasons)}; "
    parts = [e for e in evaluations if e.part]
    if not parts:
        return "forecast: "
    share = sum(e.computed_share for e in parts) / len(parts)
    return f"computed in part, {share:.0%} of the tokens: {', '.join(dict.fromkeys(e.reason for e in parts))}; "


def _seconds(record: TapRecord, full: bool) -> str:
    seconds = record.median_seconds(full)
    return "not timed" if seconds is None else f"{1000 * seconds:.1f} ms"


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")
