"""The layers of the choice map: which class each token belongs to, and every class's name and colour."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import TapError
from ..record.record import TapRecord, TokenChoices
from .class_words import COMPUTED_WORDS, UNKNOWN, aim_words, ease_words, member_words, order_words
from .palette import COMPUTED, NOT_FINITE, REUSE, RGB, candidate_colours, order_colour, ramp_colours

LOSS_LEVELS = 64
# Enough for the quantiles.
MOST_LOSSES = 1_000_000
ORDER_NAMES = {0: "reuse", 1: "line", 2: "curve", 3: "bend"}
# The lightest colours of the ramp look like the colour of reuse.
HIGHEST_HORIZON = 0.85


@dataclass(frozen=True)
class MapClass:
    """What a colour of the map means. label: its technical name; words: the same for an artist."""

    label: str
    colour: RGB
    words: str

    @property
    def technical(self) -> str:
        """The name that stands behind the words, such as "k-2"."""
        return self.label.partition(":")[0]


@dataclass(frozen=True)
class Layer:
    """One way to colour the tokens.

    classify: choices of a step -> class of each token, [B, N] int64. ramp: the values at both ends if the first
    `levels` classes are levels of a number ("not finite" comes after them); None if they are kinds.
    """

    title: str
    classes: Sequence[MapClass]
    classify: Callable[[TokenChoices], Tensor]
    ramp: tuple[float, float] | None = None
    levels: int = 0

    @property
    def colours(self) -> Tensor:
        """Every class's colour, [classes, 3] uint8."""
        return torch.tensor([c.colour for c in self.classes], dtype=torch.uint8)


def predictor_layer(record: TapRecord) -> Layer:
    """The pool member that each token took."""
    names = record.candidates
    groups = [(name.family, name.order) for name in names]
    order = sorted(range(len(names)), key=lambda i: (groups.index(groups[i]), -names[i].horizon))
    words = [member_words(name.order, name.horizon) for name in names]
    return _member_layer("Predictor per token", [str(name) for name in names], candidate_colours(names), words, order)


def order_layer(record: TapRecord) -> Layer:
    """The order that each token's forecast had."""
    highest = max((int(c.order.max()) for e in record.evaluations for c in e.choices if c.order.numel()), default=0)
    highest = max([highest, *(name.order for name in record.candidates)])
    labels = [f"order {i}" + (f": {ORDER_NAMES[i]}" if i in ORDER_NAMES else "") for i in range(highest + 1)]
    classes = [MapClass(label, order_colour(i), order_words(i)) for i, label in enumerate(labels)]
    return Layer("Order per token", classes, lambda choices: choices.order.long())


def horizon_layer(record: TapRecord) -> Layer:
    """How far ahead each token's predictor looked; reuse does not look ahead."""
    horizons = sorted({name.horizon for name in record.candidates if name.order > 0})
    colour = dict(zip(horizons, ramp_colours(len(horizons), HIGHEST_HORIZON), strict=True))
    labels = [_horizon_words(c.horizon) if c.order > 0 else "reuse: looks at none" for c in record.candidates]
    colours = [colour[c.horizon] if c.order > 0 else REUSE for c in record.candidates]
    words = [aim_words(c.horizon) if c.order > 0 else order_words(0) for c in record.candidates]
    order = sorted(range(len(labels)), key=lambda i: (record.candidates[i].order > 0, -record.candidates[i].horizon))
    return _member_layer("Horizon per token", labels, colours, words, order)


def loss_layer(record: TapRecord) -> Layer:
    """The proxy loss of each token's choice, on a logarithmic scale that is the same for all steps."""
    low, high = _loss_range(record)
    values = [low * (high / low) ** (i / (LOSS_LEVELS - 1)) for i in range(LOSS_LEVELS)]
    drawn = zip(values, ramp_colours(LOSS_LEVELS), ease_words(LOSS_LEVELS), strict=True)
    classes = [MapClass(f"{value:.1e}", colour, words) for value, colour, words in drawn]
    span = math.log(high / low)

    def classify(choices: TokenChoices) -> Tensor:
        loss = choices.loss.float()
        share = (loss.clamp(min=low, max=high) / low).log() / span
        level = (share * (LOSS_LEVELS - 1)).round().nan_to_num(0).long()
        return torch.where(loss.isfinite(), level, LOSS_LEVELS)

    classes.append(MapClass("not finite", NOT_FINITE, UNKNOWN))
    return Layer("Proxy loss per token", classes, classify, (low, high), LOSS_LEVELS)


LAYERS: dict[str, Callable[[TapRecord], Layer]] = {
    "predictor": predictor_layer,
    "order": order_layer,
    "horizon": horizon_layer,
    "loss": loss_layer,
}


def build_layer(name: str, record: TapRecord) -> Layer:
    """The layer with this name. Raises TapError if there is none."""
    if name not in LAYERS:
        raise TapError(f"layer is {name!r}; choose one of {', '.join(LAYERS)}.")
    layer = LAYERS[name](record)
    parts = any(c.computed is not None for e in record.evaluations for c in e.choices)
    return _with_computed(layer) if parts else layer


def _with_computed(layer: Layer) -> Layer:
    """The layer with one class more, for tokens that were computed in a step that was computed in part."""
    last = len(layer.classes)

    def classify(choices: TokenChoices) -> Tensor:
        classes = layer.classify(choices)
        return classes if choices.computed is None else classes.masked_fill(choices.computed, last)

    return replace(layer, classes=[*layer.classes, MapClass("computed", COMPUTED, COMPUTED_WORDS)], classify=classify)


def _member_layer(title: str, labels: list[str], colours: list[RGB], words: list[str], order: list[int]) -> Layer:
    """A layer on which pool members with the same label are one class; order: members as the legend lists them."""
    colour, said = (dict(zip(reversed(labels), reversed(found), strict=True)) for found in (colours, words))
    names = list(dict.fromkeys(labels[i] for i in order))
    table = torch.tensor([names.index(label) for label in labels], dtype=torch.int64)
    return Layer(title, [MapClass(n, colour[n], said[n]) for n in names], lambda choices: table[choices.member.long()])


def _horizon_words(horizon: float) -> str:
    if horizon == 0:
        return "k: the step itself"
    steps = "1 step" if abs(horizon) == 1 else f"{abs(horizon):g} steps"
    return f"k{horizon:+g}: {steps} {'short' if horizon < 0 else 'beyond'}"


def _loss_range(record: TapRecord) -> tuple[float, float]:
    """The 1st and the 99th percentile of the losses of all tokens."""
    losses = [c.loss.flatten().float() for e in record.evaluations for c in e.choices]
    every = torch.cat(losses) if losses else torch.empty(0)
    every = every[every.isfinite() & (every > 0)]
    if not every.numel():
        return 1e-9, 1.0
    every = every[:: -(-every.numel() // MOST_LOSSES)]
    low, high = torch.quantile(every, torch.tensor([0.01, 0.99])).tolist()
    return low, max(high, low * 1.01)
