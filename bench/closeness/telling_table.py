"""The table of `closeness telling` as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean, pstdev

from tap_pack.tap_core.closeness import LEAST

from closeness.telling_terms import terms_table
from figures.table import table
from models.stage import MODELS

DEFAULTS, TAP, TAYLORSEER, CALIBRATED = "defaults", "the paper's TAP", "TaylorSeer", "calibrated"
NOTHING = "nothing told"
WAYS = (DEFAULTS, TAP, TAYLORSEER, CALIBRATED)
# Aimed at: the mean off by so many dB, and the scatter; under euler, and under others.
AIMS, AIMS_OF_OTHERS = (1.5, 4.0), (2.0, 5.0)
Pair = tuple[float, float]  # told and measured


def markdown(found: dict) -> str:
    """By model and sampler: told minus measured for each way to skip steps."""
    rows = found["rows"]
    lines = table(("told minus measured, dB", *WAYS, "all", "in the span that was told"), (
        (f"{model}, {sampler}", *(shown(pairs_of(rows, model, sampler, way)) for way in WAYS),
         shown(pairs_of(rows, model, sampler)), share_within(group_of(rows, model, sampler)))
        for model, sampler in groups_of(rows)))
    return "\n".join([in_short(rows), "", *lines, "", *by_setting(rows), "", *terms_table(rows)])


def by_setting(rows: Sequence[dict]) -> list[str]:
    """What the difference goes by, model by model; without lcm, of which little is told."""
    told = [row for row in rows if row["sampler"] != "lcm"]
    kinds = [(name, value, [row for row in told if row[name] == value])
             for name in ("steps", "cfg") for value in sorted({row[name] for row in told})]
    models = models_of(rows)
    return table(("told minus measured, dB; without lcm", *models), (
        (f"{value} steps" if name == "steps" else f"CFG {value:g}",
         *(shown([(told, found) for (_, told, _), found in runs_of(row for row in some if row["model"] == model)])
           for model in models)) for name, value, some in kinds))


def in_short(rows: Sequence[dict]) -> str:
    """How many groups are as close as was aimed at, and how many runs are in the span that they told."""
    groups = [(pairs, aims(sampler)) for model, sampler in groups_of(rows) for way in WAYS
              if (pairs := pairs_of(rows, model, sampler, way))]
    near = sum(abs(bias(pairs)) <= most and scatter(pairs) <= widest for pairs, (most, widest) in groups)
    steady = sum(scatter(pairs) <= widest for pairs, (_, widest) in groups)
    models = models_of(rows)
    shares = ", ".join(share_within([row for row in rows if row["model"] == model]) for model in models)
    aimed = "{:g} and {:g} dB under euler, {:g} and {:g} elsewhere".format(*AIMS, *AIMS_OF_OTHERS)
    return (f"Mean (scatter) [runs]. In {near} of {len(groups)} groups mean and scatter are as aimed at ({aimed}), in "
            f"{steady} the scatter is. In the span that was told lie {shares} of the runs of {', '.join(models)}.")


def models_of(rows: Sequence[dict]) -> list[str]:
    """The models that were measured, in their order."""
    return [model for model in MODELS if any(row["model"] == model for row in rows)]


def groups_of(rows: Sequence[dict]) -> list[tuple[str, str]]:
    """Model and sampler, in the order of the table."""
    return list(dict.fromkeys((model, row["sampler"]) for model in MODELS for row in rows if row["model"] == model))


def group_of(rows: Iterable[dict], model: str, sampler: str, way: str = "") -> list[dict]:
    """The rows of a group."""
    return [row for row in rows if (row["model"], row["sampler"]) == (model, sampler) and way in ("", row["way"])]


def runs_of(rows: Iterable[dict]) -> list[tuple[Sequence[float], float]]:
    """Of all runs that said something and skipped steps: low, told and high; and measured."""
    return [(told, found) for row in rows
            for told, found, calls in zip(row["told"], row["psnr"], row["calls"], strict=True)
            if told is not None and calls < row["steps"]]


def pairs_of(rows: Iterable[dict], model: str, sampler: str, way: str = "") -> list[Pair]:
    """Told and measured of a group."""
    return [(told, found) for (_, told, _), found in runs_of(group_of(rows, model, sampler, way))]


def share_within(rows: Iterable[dict]) -> str:
    """How many runs have their picture in the span that was told; where the least is told, nothing lies below."""
    spans = [(low if told > LEAST else 0.0, high, found) for (low, told, high), found in runs_of(rows)]
    return f"{100 * mean(low <= found <= high for low, high, found in spans):.0f} %" if spans else NOTHING


def shown(pairs: Sequence[Pair]) -> str:
    """A cell."""
    return f"{bias(pairs):+.1f} ({scatter(pairs):.1f}) [{len(pairs)}]" if pairs else NOTHING


def bias(pairs: Sequence[Pair]) -> float:
    """Told minus measured, in the mean."""
    return mean(told - found for told, found in pairs)


def scatter(pairs: Sequence[Pair]) -> float:
    """Its standard deviation."""
    return pstdev(told - found for told, found in pairs)


def aims(sampler: str) -> tuple[float, float]:
    """What was aimed at, of mean and scatter."""
    return AIMS if sampler == "euler" else AIMS_OF_OTHERS
