"""Films of moving shapes, for the Wan-class model of the placement benchmark.

A film has 6 frames of 32 x 32 pixels: two shapes that fly and bounce over a plain ground.
"""

import random

import torch
from torch import Tensor

FRAMES, SIDE, SHAPES = 6, 32, 2
TINTS = torch.tensor([[0.9, 0.2, 0.2], [0.2, 0.8, 0.3], [0.25, 0.4, 0.95], [0.95, 0.8, 0.2],
                      [0.85, 0.3, 0.85], [0.2, 0.85, 0.85], [0.95, 0.95, 0.95], [0.1, 0.1, 0.15]])
FORMS = ("disc", "square", "ring")
TOKENS, WIDTH = SHAPES + 1, len(TINTS) + len(FORMS) + 8


def draw(seed: int) -> tuple[Tensor, Tensor]:
    """Film [F, 3, 32, 32] in 0..1 and its code [T, D]: a token a shape, one for the ground."""
    chance = random.Random(seed)
    ground = chance.randrange(len(TINTS))
    code = torch.zeros(TOKENS, WIDTH)
    code[SHAPES, ground] = code[SHAPES, -1] = 1
    film = (0.35 * TINTS[ground])[None, :, None, None].repeat(FRAMES, 1, SIDE, SIDE)
    film *= torch.linspace(1.3, 0.7, SIDE)[:, None]
    for shape in range(SHAPES):
        tint, form = chance.randrange(len(TINTS)), chance.randrange(len(FORMS))
        x, y, dx, dy, size = (chance.random() for _ in range(5))
        code[shape, tint] = code[shape, len(TINTS) + form] = code[shape, -2 - shape] = 1
        code[shape, len(TINTS) + len(FORMS) :][:5] = torch.tensor([x, y, dx, dy, size])
        for frame in range(FRAMES):
            place = bounced(x + 0.3 * (dx - 0.5) * frame), bounced(y + 0.3 * (dy - 0.5) * frame)
            cover = coverage(FORMS[form], place, 3 + 4 * size)
            film[frame] = torch.lerp(film[frame], TINTS[tint][:, None, None].expand_as(film[frame]), cover)
    return film.clamp(0, 1), code


def bounced(place: float) -> float:
    """A place that went beyond the wall, back inside 0.1..0.9."""
    place = (place % 2.0 + 2.0) % 2.0
    return 0.1 + 0.8 * (place if place <= 1 else 2 - place)


def coverage(form: str, place: tuple[float, float], radius: float) -> Tensor:
    """How much of each pixel the shape covers, with soft edges: [32, 32]."""
    rows, columns = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    down, across = (rows - SIDE * place[1]).abs(), (columns - SIDE * place[0]).abs()
    distance = torch.maximum(down, across) if form == "square" else torch.hypot(down, across)
    if form == "ring":
        distance = (distance - 0.75 * radius).abs() + 0.75 * radius
    return (radius + 0.5 - distance).clamp(0, 1)
