"""The text in the legend of a map."""

from collections.abc import Sequence

from ..record.record import TapRecord
from ..record.summary import counted_words, gain_words
from .legend import ROWS, ColourBar, Legend, LegendEntry
from .map_layers import Layer
from .step_view import PROMPTS, StepView

Shares = Sequence[float]

# Classes that do not fit into three columns of the legend are added up in one entry.
MOST_ENTRIES = 3 * ROWS


def map_legend(
    record: TapRecord, layer: Layer, view: StepView, shares: Sequence[Shares | None], number: int, condition: int
) -> Legend:
    """The legend of one step. shares: of every class at every step, None where nothing was forecast."""
    lines = [f"Step {view.step + 1} of {record.steps}", view.status, f"sigma {view.sigma:.4f}"]
    if condition:
        lines.append(f"{PROMPTS[condition]} prompt")
    foot = [counted_words(record)]
    foot += [gain] if (gain := gain_words(record)) else []
    foot += ["fallbacks: see TAP Report"] if record.fallbacks else []
    return Legend(layer.title, lines, _entries(layer, shares, number), foot, _bar(layer))


def _entries(layer: Layer, shares: Sequence[Shares | None], number: int) -> list[LegendEntry]:
    """The classes that any step of the run used, in the same order at every step, with their shares at this step."""
    totals = [sum(column) for column in zip(*[s for s in shares if s is not None], strict=True)]
    used = [i for i, total in enumerate(totals) if total > 0 and (layer.ramp is None or i >= layer.levels)]
    often = sorted(used, key=lambda i: -totals[i])[: MOST_ENTRIES - 1] if len(used) > MOST_ENTRIES else used
    now = shares[number]
    entries = [LegendEntry(layer.classes[i].label, layer.classes[i].colour, now and now[i]) for i in sorted(often)]
    rest = [i for i in used if i not in often]
    if rest:
        share = now and sum(now[i] for i in rest)
        entries.append(LegendEntry(f"{len(rest)} others", layer.classes[rest[0]].colour, share))
    return entries


def _bar(layer: Layer) -> ColourBar | None:
    if layer.ramp is None:
        return None
    low, high = layer.ramp
    ticks = (f"{low:.0e}", f"{(low * high) ** 0.5:.0e}", f"{high:.0e}")
    return ColourBar([c.colour for c in layer.classes[: layer.levels]], ticks)
