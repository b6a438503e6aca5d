"""What the viewer in the browser shows: an index image of all steps for each layer, and a document in words.

Everything is computed here; the browser only looks up and draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import TapError
from ..record.record import Evaluation, TapRecord
from ..record.run_line import run_line
from ..record.summary import why_no_map
from ..token_grid import to_grid
from .class_words import COMPUTED_WORDS, UNKNOWN
from .map_layers import Layer, MapClass, build_layer
from .palette import RGB
from .step_view import PROMPTS, StepView, step_views
from .viewer_legend import ViewerEntry, percents_of_entries, shares_of_entries, viewer_entries

FORMAT, VERSION = "tap-choice-map", 1
# Above this a browser needs too much memory; then only the first prompt and picture are shown.
MOST_TOKENS = 40_000_000
# A picture and its grid of tokens have the same proportions, apart from padding and cropping.
MOST_DISTORTED = 1.15
# In the order of the viewer's buttons: what an artist looks for first.
TABS = {"loss": "Easy or hard", "predictor": "Predictor", "order": "Order", "horizon": "Horizon"}


@dataclass(frozen=True)
class ViewerData:
    """document: plain JSON values. images: layer name -> index image [blocks * B * T * H, W] uint8 or int32.

    A block is one step of one prompt: the maps of all B pictures, each of T frames of H x W tokens.
    """

    document: dict[str, object]
    images: dict[str, Tensor]


def viewer_data(record: TapRecord, run: str) -> ViewerData:
    """All layers of a run. run: a name that all its files share. Raises TapError if the record is not consistent."""
    if not any(e.choices for e in record.evaluations):
        return message_data(why_no_map(record), run)
    views = _views(record)
    batch = min(len(v.choices.member) for v in _forecast(views))
    size = batch * record.grid[0] * record.grid[1] * record.grid[2]
    trimmed = len(_forecast(views)) * size > MOST_TOKENS
    if trimmed:
        views, batch = dict(list(views.items())[:1]), 1
    layers, images = [], {}
    for name in TABS:
        layer, images[name] = _layer(name, record, views, batch)
        layers.append(layer)
    document = {
        **_heading(run),
        "line": run_line(record), "trimmed": trimmed,
        "grid": list(record.grid), "filled": list(record.filled),
        "batch": batch, "steps": _steps(record, next(iter(views.values()))),
        "prompts": [{"name": PROMPTS[c] if c < len(PROMPTS) else f"number {c}", "blocks": blocks}
                    for c, blocks in zip(views, _blocks(views), strict=True)],
        "layers": layers,
    }
    return ViewerData(document, images)


def message_data(message: str, run: str) -> ViewerData:
    """A sentence in place of a map."""
    return ViewerData({**_heading(run), "message": message}, {})


def shape_note(record: TapRecord, height: int, width: int) -> str:
    """A sentence if a picture of this size cannot come from this run; else empty."""
    rows, columns = record.grid[1] * record.filled[0], record.grid[2] * record.filled[1]
    distortion = (columns * height) / (rows * width)
    if 1 / MOST_DISTORTED < distortion < MOST_DISTORTED:
        return ""
    return (f"The picture at `after` has another shape ({width} x {height}) than this run's tokens ({columns:g} x "
            f"{rows:g}): connect the picture of the same sampler.")


def hexadecimal(colour: RGB) -> str:
    """A colour in CSS notation, such as "#d62728"."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _heading(run: str) -> dict[str, object]:
    return {"format": FORMAT, "version": VERSION, "run": run}


def _views(record: TapRecord) -> dict[int, list[StepView]]:
    """Condition -> what it shows of each step."""
    conditions = sorted({c.condition for e in record.evaluations for c in e.choices})
    return {condition: step_views(record, condition) for condition in conditions}


def _forecast(views: dict[int, list[StepView]]) -> list[StepView]:
    """The steps that have a map, prompt by prompt: in the order of the index images' blocks."""
    return [view for found in views.values() for view in found if view.choices is not None]


def _blocks(views: dict[int, list[StepView]]) -> list[list[int | None]]:
    """For each prompt the block of every step; None where nothing was forecast."""
    numbers = iter(range(len(_forecast(views))))
    return [[next(numbers) if view.choices is not None else None for view in found] for found in views.values()]


def _steps(record: TapRecord, views: Sequence[StepView]) -> list[dict[str, object]]:
    """Every step in words, counted from 1."""
    evaluations: dict[int, list[Evaluation]] = {}
    for evaluation in record.evaluations:
        evaluations.setdefault(evaluation.step, []).append(evaluation)
    return [
        {
            "number": view.step + 1, "sigma": round(view.sigma, 5),
            "kind": "full" if view.choices is None and any(e.full for e in evaluations[view.step])
            else "partly" if view.reason else "skipped",
            "words": view.status, "ms": round(1000 * sum(e.seconds for e in evaluations[view.step]), 1),
        }
        for view in views
    ]


def _layer(
    name: str, record: TapRecord, views: dict[int, list[StepView]], batch: int
) -> tuple[dict[str, object], Tensor]:
    """The part of the document about a layer, and its index image."""
    layer = build_layer(name, record)
    blocks = [to_grid(layer.classify(view.choices)[:batch], record.grid) for view in _forecast(views)]
    if len({block.shape for block in blocks}) > 1:
        raise TapError("The steps of this run have maps of different sizes. Run the sampler again.")
    count = len(layer.classes)
    counts = [[torch.bincount(picture.flatten(), minlength=count) for picture in block] for block in blocks]
    entries = viewer_entries(layer, name, torch.stack([c for block in counts for c in block]).sum(0).tolist())
    image = torch.stack(blocks).flatten(0, 3).to(torch.uint8 if count <= 256 else torch.int32)
    part = {
        "name": name, "tab": TABS[name], "count": count,
        "labels": [_label(c, layer) for c in layer.classes], "colours": [hexadecimal(c.colour) for c in layer.classes],
        "entries": [_entry(entry) for entry in entries],
        "shares": [[shares_of_entries(c, entries) for c in block] for block in counts],
        "percents": [[percents_of_entries(c, entries) for c in block] for block in counts],
    }
    return part, image


def _label(found: MapClass, layer: Layer) -> str:
    """A class of a token in words, such as "follows the curve (taylor 2)" or "easy to forecast (loss 1.2e-05)"."""
    if found.words == COMPUTED_WORDS:
        return found.words
    if layer.ramp is None:
        return f"{found.words} ({found.technical})"
    return f"{found.words} to forecast (loss {found.label})" if found.words != UNKNOWN else f"loss {found.label}"


def _entry(entry: ViewerEntry) -> dict[str, object]:
    return {"label": entry.label, "technical": entry.technical, "colour": hexadecimal(entry.colour), "mark": entry.mark,
            "classes": list(entry.classes)}
