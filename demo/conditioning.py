"""What a demo scene can show, and its code for the demo FLUX: one context token for each attribute.

T attributes, D code channels. A choice is one-hot; a slider is shared by its two nearest bins, so it moves smoothly.
"""

from collections.abc import Mapping

import torch

CHOICES: dict[str, tuple[str, ...]] = {
    "time": ("dawn", "day", "sunset", "night"),
    "season": ("spring", "summer", "autumn", "winter"),
    "land": ("mountains", "hills", "mesas", "city"),
    "ground": ("meadow", "lake"),
    "landmark": ("none", "cabin", "lighthouse", "windmill", "castle", "balloon"),
    "trees": ("none", "pines", "round"),
    "weather": ("clear", "clouds", "mist"),
}
SLIDERS: dict[str, int] = {"sun_position": 5, "landmark_position": 5, "tree_amount": 3}
DEFAULT_SCENE: dict[str, str | float] = {
    "time": "dawn",
    "season": "autumn",
    "land": "mountains",
    "ground": "lake",
    "landmark": "castle",
    "trees": "pines",
    "weather": "clear",
    "sun_position": 0.3,
    "landmark_position": 0.7,
    "tree_amount": 0.6,
}
CODE_WIDTH = 48
TOKENS = len(CHOICES) + len(SLIDERS)

Scene = Mapping[str, str | float]
Conditioning = tuple[torch.Tensor, torch.Tensor]


def encode_scene(scene: Scene) -> Conditioning:
    """Context [1, T, D] and pooled vector [1, D] of a scene; the scene names every attribute."""
    context = torch.zeros(1, TOKENS, CODE_WIDTH)
    first = 0
    for token, weights in enumerate(attribute_weights(scene).values()):
        context[0, token, first : first + len(weights)] = torch.tensor(weights)
        first += len(weights)
    return context, context.sum(1)


def encode_empty() -> Conditioning:
    """The code of no scene, for guidance: context [1, T, D] and pooled vector [1, D], both zero."""
    return torch.zeros(1, TOKENS, CODE_WIDTH), torch.zeros(1, CODE_WIDTH)


def attribute_weights(scene: Scene) -> dict[str, list[float]]:
    """The weights of every attribute's options, in the order of the tokens."""
    weights = {name: one_hot(options, str(scene[name])) for name, options in CHOICES.items()}
    return weights | {name: bin_weights(bins, float(scene[name])) for name, bins in SLIDERS.items()}


def one_hot(options: tuple[str, ...], chosen: str) -> list[float]:
    """1 at the chosen option, 0 elsewhere."""
    if chosen not in options:
        raise ValueError(f"A demo scene has no '{chosen}'; choose one of {', '.join(options)}.")
    return [float(option == chosen) for option in options]


def bin_weights(bins: int, value: float) -> list[float]:
    """A value in 0..1 shared between its two nearest bins, by distance."""
    if not 0 <= value <= 1:
        raise ValueError(f"A demo scene's slider is {value}; it goes from 0 to 1.")
    return [max(0.0, 1 - abs(value * (bins - 1) - index)) for index in range(bins)]
