"""The legend of the viewer: few enough entries to read, each with a mark and a pattern next to its colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

import torch
from torch import Tensor

from .map_layers import Layer
from .palette import RGB

# More classes than this are added up in one entry: nobody can tell so many marks apart.
MOST_ENTRIES = 20
LOSS_BANDS = 5


@dataclass(frozen=True)
class ViewerEntry:
    """One line of the legend. classes: the layer's classes that it stands for; mark: the letters on a token."""

    label: str
    colour: RGB
    mark: str
    classes: Sequence[int]


def viewer_entries(layer: Layer, name: str, totals: Sequence[int]) -> list[ViewerEntry]:
    """The classes that the run used, in the layer's order; levels of a number as a few bands.

    totals: how many tokens of the run each class has.
    """
    if layer.ramp is not None:
        return _bands(layer, totals)
    used = [i for i, total in enumerate(totals) if total]
    often = sorted(used, key=lambda i: -totals[i])[: MOST_ENTRIES - 1] if len(used) > MOST_ENTRIES else used
    entries = []
    for number, i in enumerate(sorted(often)):
        mark = str(i) if name == "order" else ascii_uppercase[number]
        entries.append(ViewerEntry(layer.classes[i].label, layer.classes[i].colour, mark, [i]))
    rest = [i for i in used if i not in often]
    if rest:
        entries.append(ViewerEntry(f"{len(rest)} others", layer.classes[rest[0]].colour, "*", rest))
    return entries


def shares_of_entries(counts: Tensor, entries: Sequence[ViewerEntry]) -> list[float]:
    """Each entry's share of the tokens. counts: [classes] how many tokens each class has."""
    total = max(int(counts.sum()), 1)
    return [round(sum(int(counts[i]) for i in entry.classes) / total, 4) for entry in entries]


def _bands(layer: Layer, totals: Sequence[int]) -> list[ViewerEntry]:
    """Ranges of equal width on the layer's own scale; its last class is "not finite"."""
    levels = len(layer.classes) - 1
    entries = []
    for number, part in enumerate(torch.arange(levels).chunk(LOSS_BANDS)):
        classes = part.tolist()
        label = f"{layer.classes[classes[0]].label} to {layer.classes[classes[-1]].label}"
        entries.append(ViewerEntry(label, layer.classes[classes[len(classes) // 2]].colour, str(number + 1), classes))
    if totals[levels]:
        entries.append(ViewerEntry(layer.classes[levels].label, layer.classes[levels].colour, "!", [levels]))
    return entries
