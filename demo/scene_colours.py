"""The colours of a demo scene: the light of each time of day, and the surfaces that it falls on."""

from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Light:
    """Sky from top to horizon, the sun or moon, and what sunlight and haze add to everything below."""

    sky: tuple[Colour, Colour, Colour]
    sun: Colour
    sun_height: float
    sun_radius: float
    tint: Colour
    brightness: float
    stars: int
    windows: Colour


LIGHTS = {
    "dawn": Light(
        ((96, 128, 190), (236, 172, 190), (255, 224, 186)),
        (255, 246, 214),
        0.40,
        0.052,
        (255, 206, 206),
        0.86,
        0,
        (255, 226, 150),
    ),
    "day": Light(
        ((52, 122, 208), (122, 184, 236), (216, 238, 246)),
        (255, 250, 220),
        0.16,
        0.046,
        (255, 255, 250),
        1.0,
        0,
        (70, 84, 110),
    ),
    "sunset": Light(
        ((62, 48, 116), (226, 94, 92), (255, 186, 88)),
        (255, 232, 150),
        0.42,
        0.066,
        (255, 170, 120),
        0.74,
        0,
        (255, 220, 130),
    ),
    "night": Light(
        ((10, 14, 44), (26, 42, 92), (66, 92, 144)),
        (240, 242, 226),
        0.20,
        0.050,
        (140, 164, 224),
        0.60,
        42,
        (255, 214, 110),
    ),
}
GRASS = {"spring": (126, 178, 78), "summer": (84, 146, 62), "autumn": (190, 148, 66), "winter": (232, 238, 246)}
LEAVES = {"spring": (242, 164, 190), "summer": (60, 128, 58), "autumn": (218, 106, 40), "winter": (206, 220, 236)}
PINES = {"spring": (44, 110, 72), "summer": (30, 92, 62), "autumn": (58, 92, 54), "winter": (52, 94, 92)}
LANDS = {"mountains": (98, 108, 140), "hills": (96, 138, 104), "mesas": (198, 104, 70), "city": (112, 116, 142)}
FLOWERS = {"spring": (250, 232, 120), "summer": (236, 84, 74), "autumn": (142, 82, 40), "winter": (196, 210, 232)}


def blend(a: Colour, b: Colour, share: float) -> Colour:
    """The colour `share` of the way from a to b."""
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))


def lit(colour: Colour, light: Light) -> Colour:
    """A surface's colour under this light."""
    return tuple(min(255, round(x * y / 255 * light.brightness)) for x, y in zip(colour, light.tint, strict=True))


def hazy(colour: Colour, light: Light, distance: float) -> Colour:
    """A surface's colour under this light, seen through the air: 0 is here, 1 is the horizon."""
    return blend(lit(colour, light), light.sky[2], distance)
