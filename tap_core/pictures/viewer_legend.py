"""The legend of the viewer: few enough entries to read, each with a mark and a pattern next to its colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from string import ascii_uppercase

from torch import Tensor

from .class_words import COMPUTED_WORDS
from .map_layers import Layer
from .palette import RGB

# More classes than this are added up in one entry: nobody can tell so many marks apart.
MOST_ENTRIES = 20
COMPUTED_MARK = "+"


@dataclass(frozen=True)
class ViewerEntry:
    """One line of the legend. classes: the layer's classes that it stands for; mark: the letters on a token.

    label: in an artist's words; technical: the name behind it.
    """

    label: str
    technical: str
    colour: RGB
    mark: str
    classes: Sequence[int]


def viewer_entries(layer: Layer, name: str, totals: Sequence[int]) -> list[ViewerEntry]:
    """The classes that the run used, in the layer's order; levels of a number as the bands that have one word.

    totals: how many tokens of the run each class has.
    """
    if layer.ramp is not None:
        return _bands(layer, totals)
    used = [i for i, total in enumerate(totals) if total]
    often = sorted(used, key=lambda i: -totals[i])[: MOST_ENTRIES - 1] if len(used) > MOST_ENTRIES else used
    entries = []
    for number, i in enumerate(sorted(often)):
        found = layer.classes[i]
        if found.words == COMPUTED_WORDS:
            entries.append(_computed(layer, i))
            continue
        mark = str(i) if name == "order" else ascii_uppercase[number]
        entries.append(ViewerEntry(found.words, found.technical, found.colour, mark, [i]))
    rest = [i for i in used if i not in often]
    if rest:
        entries.append(ViewerEntry(f"{len(rest)} others", "", layer.classes[rest[0]].colour, "*", rest))
    return entries


def shares_of_entries(counts: Tensor, entries: Sequence[ViewerEntry]) -> list[float]:
    """Each entry's share of the tokens. counts: [classes] how many tokens each class has."""
    total = max(int(counts.sum()), 1)
    return [round(sum(int(counts[i]) for i in entry.classes) / total, 4) for entry in entries]


def percents_of_entries(counts: Tensor, entries: Sequence[ViewerEntry]) -> list[int]:
    """The same in whole percent, by largest remainder: together they are 100. counts: [classes]."""
    tokens = [sum(int(counts[i]) for i in entry.classes) for entry in entries]
    total = sum(tokens)
    if not total:
        return [0] * len(tokens)
    percents = [100 * count // total for count in tokens]
    most_left = sorted(range(len(tokens)), key=lambda i: -(100 * tokens[i] % total))
    for i in most_left[: 100 - sum(percents)]:
        percents[i] += 1
    return percents


def _bands(layer: Layer, totals: Sequence[int]) -> list[ViewerEntry]:
    """The levels with the same words, on the layer's own scale; then "not finite" and "computed" if any token is."""
    levels = layer.levels
    entries = []
    for words, part in groupby(range(levels), key=lambda i: layer.classes[i].words):
        classes = list(part)
        technical = f"loss {layer.classes[classes[0]].label} to {layer.classes[classes[-1]].label}"
        colour = layer.classes[classes[len(classes) // 2]].colour
        entries.append(ViewerEntry(words, technical, colour, str(len(entries) + 1), classes))
    if totals[levels]:
        unknown = layer.classes[levels]
        entries.append(ViewerEntry(unknown.words, f"loss {unknown.label}", unknown.colour, "!", [levels]))
    entries += [_computed(layer, i) for i in range(levels + 1, len(totals)) if totals[i]]
    return entries


def _computed(layer: Layer, number: int) -> ViewerEntry:
    """The tokens that were computed in a step computed in part."""
    return ViewerEntry(COMPUTED_WORDS, "", layer.classes[number].colour, COMPUTED_MARK, [number])
