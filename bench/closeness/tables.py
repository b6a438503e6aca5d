"""The tables of closeness: what was told, what was wished and reached, course by course and in short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean, pstdev

from closeness.courses import COURSES, DEFAULT, WISHES, named
from closeness.templates import templates_of
from figures.table import table
from models.stage import MODELS

# A picture may be so many dB closer than wished, and so many farther off; farther than the last is a failure.
CLOSER, FARTHER, FAR = 8.0, 3.0, 6.0
# So much more than the least fixed number of full steps as close may a quality compute.
MOST_CALLS = 1.15
# Fixed full steps are as many as those of a quality in the mean if they are so near.
AS_MANY = 0.5


def markdown(found: dict) -> str:
    """What was told, how often wishes were met, then what was wished and reached."""
    rows = found["rows"]
    return "\n".join([*told_table(rows), "", *met_table(rows), "", *wish_table(rows)])


def told_table(rows: Sequence[dict]) -> list[str]:
    """By model and sampler: told minus measured."""
    lines = table(("told minus measured, dB", "runs", "mean", "scatter", "told no difference, was farther off"), (
        (f"{model}, {sampler}", len(pairs), f"{mean(t - m for t, m in pairs):+.1f}",
         f"{pstdev(t - m for t, m in pairs):.1f}", f"{sum(t >= 40 > m + 6 for t, m in pairs)}")
        for model in MODELS for sampler in dict.fromkeys(row["sampler"] for row in rows)
        if (pairs := told_pairs(row for row in rows if (row["model"], row["sampler"]) == (model, sampler)))))
    return lines


def told_pairs(rows: Iterable[dict]) -> list[tuple[float, float]]:
    """Told and measured, of every run that said something; of a batch its worst picture."""
    scores = [score for row in rows for score in (*row["qualities"].values(), *row["fixed"].values(), row["paper"])]
    pairs = [pair for score in scores for pair in ([(score["told"][0], min(score["psnr"]))] if score["batch"] else
                                                   zip(score["told"], score["psnr"], strict=True))]
    return [(told, found) for told, found in pairs if told is not None]


def met_table(rows: Sequence[dict]) -> list[str]:
    """By model and quality: how often the wish was met, and how a fixed number with as many calls compares."""
    head = ("", "pictures with steps skipped", "as asked", "closer than that", "farther than that",
            "of these over 6 dB too far off", "worst picture over that of a fixed number, dB, in so many courses",
            "calls as few")
    return table(head, (
        met_line(model, quality, [row for row in rows if row["model"] == model])
        for model in MODELS if any(row["model"] == model for row in rows) for quality in WISHES))


def met_line(model: str, quality: str, rows: Sequence[dict]) -> tuple[str, ...]:
    """A line of it."""
    off = misses(rows, quality)
    gaps = [gap for row in rows if (gap := over_fixed(row, quality)) is not None]
    few = [ratio <= MOST_CALLS for row in rows if (ratio := over_least(row, quality)) is not None]
    over = f"{mean(gaps):+.1f} ({min(gaps):+.1f} to {max(gaps):+.1f}) in {len(gaps)}" if gaps else "not measured"
    shares = (sum(-CLOSER <= miss <= FARTHER for miss in off), sum(miss < -CLOSER for miss in off),
              sum(miss > FARTHER for miss in off))
    return (f"{model}, {quality}, {WISHES[quality]:.0f} dB", f"{len(off)}",
            *(f"{100 * share / max(len(off), 1):.0f} %" for share in shares), f"{sum(miss > FAR for miss in off)}",
            over, f"in {sum(few)} of {len(few)}")


def misses(rows: Iterable[dict], quality: str) -> list[float]:
    """How many dB each picture is farther off than wished; of pictures with some step skipped."""
    return [WISHES[quality] - psnr for row in rows
            for psnr, calls in zip(row["qualities"][quality]["psnr"], row["qualities"][quality]["calls"], strict=True)
            if calls < row["steps"]]


def over_fixed(row: dict, quality: str) -> float | None:
    """How many dB the worst picture is above that of a fixed number of full steps, as many in the mean.

    None where all steps are computed, or where no such number was sampled.
    """
    score = row["qualities"][quality]
    calls = mean(score["calls"])
    near = min((count for count in map(int, row["fixed"]) if abs(count - calls) <= AS_MANY),
               key=lambda count: abs(count - calls), default=None)
    if calls == row["steps"] or near is None:
        return None
    return min(score["psnr"]) - min(row["fixed"][str(near)]["psnr"])


def over_least(row: dict, quality: str) -> float | None:
    """Mean calls over the least fixed number whose worst picture is as close, all steps being one; None if all are."""
    calls = mean(row["qualities"][quality]["calls"])
    if calls == row["steps"]:
        return None
    return calls / min(as_close(row, quality), default=row["steps"])


def as_close(row: dict, quality: str) -> list[int]:
    """The fixed numbers of full steps whose worst picture is as close."""
    worst = min(row["qualities"][quality]["psnr"])
    return [int(count) for count, other in row["fixed"].items() if min(other["psnr"]) >= worst]


def wish_table(rows: Sequence[dict]) -> list[str]:
    """By model and course: for each quality calls and PSNR, and the least fixed number of calls that is as close."""
    return table(("", *(f"{name}, {decibels:.0f} dB" for name, decibels in WISHES.items())), (
        (f"{named(row)}, {len(row['qualities'][DEFAULT]['psnr'])} pictures", *(wish_cell(row, name) for name in WISHES))
        for row in rows))


def wish_cell(row: dict, name: str) -> str:
    """Mean calls: mean PSNR (worst); fixed calls as close; PSNR of as many plain steps."""
    score = row["qualities"][name]
    calls, worst = mean(score["calls"]), min(score["psnr"])
    if calls == row["steps"]:
        return f"{calls:.0f}: all"
    plain = row["plain"][str(round(calls))]
    fixed = min(as_close(row, name), default="all")
    return (f"{calls:.1f}: {mean_of_skipping(row, name):.1f} ({worst:.1f}); fixed {fixed}; "
            f"plain {plain['psnr']:.1f} ({plain['worst']:.1f})")


def default_table(rows: Sequence[dict], quality: str = DEFAULT) -> list[str]:
    """For the README of the pack: the default quality by course and model."""
    templates = templates_of()
    found = {(row["model"], row["steps"], row["sampler"], row["cfg"]): row for row in rows}
    return table(("steps, sampler, guidance", "as in the template of", *MODELS), (
        (f"{steps}, {sampler}, CFG {cfg:g}", ", ".join(templates.get((steps, sampler, cfg), [])),
         *(default_cell(found.get((model, steps, sampler, cfg)), quality) for model in MODELS))
        for steps, sampler, cfg in COURSES))


def default_cell(row: dict | None, quality: str) -> str:
    """Mean calls: mean PSNR (worst)."""
    if row is None:
        return ""
    score = row["qualities"][quality]
    calls = mean(score["calls"])
    if calls == row["steps"]:
        return "all"
    return f"{calls:.1f}: {mean_of_skipping(row, quality):.1f} ({min(score['psnr']):.1f})"


def mean_of_skipping(row: dict, quality: str) -> float:
    """The mean PSNR of the pictures with some step skipped; the others are equal to the full picture."""
    score = row["qualities"][quality]
    return mean(psnr for psnr, calls in zip(score["psnr"], score["calls"], strict=True) if calls < row["steps"])


def pictures_of(rows: Iterable[dict], model: str) -> int:
    """How many pictures each row of a model has; the least of them."""
    return min(len(row["qualities"][DEFAULT]["psnr"]) for row in rows if row["model"] == model)
