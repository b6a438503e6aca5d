"""The landmark of a demo scene: cabin, lighthouse, windmill, castle or balloon."""

import math

from .conditioning import Scene
from .scene_canvas import Canvas
from .scene_colours import Light, blend, hazy


def paint_landmark(canvas: Canvas, scene: Scene, light: Light, foot: float) -> None:
    """The chosen landmark, which stands at row `foot`; a balloon floats."""
    painters = {
        "cabin": paint_cabin,
        "lighthouse": paint_lighthouse,
        "windmill": paint_windmill,
        "castle": paint_castle,
        "balloon": paint_balloon,
    }
    if scene["landmark"] in painters:
        x = 0.16 + 0.68 * float(scene["landmark_position"])
        painters[scene["landmark"]](canvas, light, x, foot)


def paint_cabin(canvas: Canvas, light: Light, x: float, foot: float) -> None:
    """A log cabin with a red roof, two windows and a chimney."""
    wall, roof = hazy((170, 112, 70), light, 0), hazy((178, 52, 46), light, 0)
    canvas.box(x + 0.045, foot - 0.165, x + 0.07, foot - 0.09, hazy((120, 112, 112), light, 0))
    canvas.box(x - 0.09, foot - 0.085, x + 0.09, foot, wall)
    for row in range(1, 4):
        canvas.box(x - 0.09, foot - 0.021 * row, x + 0.09, foot - 0.021 * row + 0.004, blend(wall, (40, 20, 20), 0.35))
    canvas.polygon(
        [(x - 0.115, foot - 0.08), (x - 0.07, foot - 0.15), (x + 0.07, foot - 0.15), (x + 0.115, foot - 0.08)], roof
    )
    canvas.box(x - 0.018, foot - 0.055, x + 0.018, foot, hazy((92, 54, 40), light, 0))
    for side in (-0.055, 0.055):
        canvas.box(x + side - 0.018, foot - 0.062, x + side + 0.018, foot - 0.03, light.windows)


def paint_lighthouse(canvas: Canvas, light: Light, x: float, foot: float) -> None:
    """A striped tower with a lamp; the lamp is on except by day."""
    white, red = hazy((250, 246, 240), light, 0), hazy((206, 52, 50), light, 0)
    low, high = 0.05, 0.032
    for stripe in range(5):
        a, b = low + (high - low) * stripe / 5, low + (high - low) * (stripe + 1) / 5
        y, top = foot - 0.05 * stripe, foot - 0.05 * (stripe + 1)
        canvas.polygon([(x - a, y), (x + a, y), (x + b, top), (x - b, top)], red if stripe % 2 else white)
    canvas.box(x - 0.042, foot - 0.258, x + 0.042, foot - 0.248, hazy((70, 70, 84), light, 0))
    canvas.box(x - 0.024, foot - 0.295, x + 0.024, foot - 0.258, light.windows)
    canvas.polygon([(x - 0.034, foot - 0.292), (x, foot - 0.335), (x + 0.034, foot - 0.292)], red)
    if light.brightness < 0.9:
        canvas.glow(x, foot - 0.277, 0.10, light.windows, 0.7)


def paint_windmill(canvas: Canvas, light: Light, x: float, foot: float) -> None:
    """A mill that is narrower at the top, with four sails."""
    wall, sail = hazy((236, 222, 196), light, 0), hazy((250, 250, 246), light, 0)
    canvas.polygon([(x - 0.06, foot), (x + 0.06, foot), (x + 0.036, foot - 0.17), (x - 0.036, foot - 0.17)], wall)
    canvas.polygon(
        [(x + 0.02, foot), (x + 0.06, foot), (x + 0.036, foot - 0.17), (x + 0.012, foot - 0.17)],
        blend(wall, (60, 50, 80), 0.3),
    )
    canvas.polygon(
        [(x - 0.046, foot - 0.165), (x, foot - 0.225), (x + 0.046, foot - 0.165)], hazy((120, 70, 58), light, 0)
    )
    canvas.box(x - 0.016, foot - 0.05, x + 0.016, foot, hazy((96, 62, 48), light, 0))
    canvas.box(x - 0.013, foot - 0.115, x + 0.013, foot - 0.085, light.windows)
    hub = (x, foot - 0.178)
    for quarter in range(4):
        angle = 0.45 + quarter * math.pi / 2
        c, s = 0.13 * math.cos(angle), 0.13 * math.sin(angle)
        tip, wide = (hub[0] + c, hub[1] + s), (-0.24 * s, 0.24 * c)
        start = (hub[0] + 0.25 * c, hub[1] + 0.25 * s)
        canvas.polygon(
            [start, tip, (tip[0] + wide[0], tip[1] + wide[1]), (start[0] + wide[0], start[1] + wide[1])], sail
        )
        canvas.line([hub, tip], 0.008, hazy((90, 66, 54), light, 0))


def paint_castle(canvas: Canvas, light: Light, x: float, foot: float) -> None:
    """A keep between two towers with pointed roofs."""
    stone, roof = hazy((178, 172, 178), light, 0), hazy((72, 84, 160), light, 0)
    dark = blend(stone, (40, 36, 70), 0.3)
    canvas.box(x - 0.08, foot - 0.12, x + 0.08, foot, stone)
    for notch in range(5):
        canvas.box(x - 0.08 + 0.036 * notch, foot - 0.14, x - 0.064 + 0.036 * notch, foot - 0.12, stone)
    for side, tall in ((-0.095, 0.18), (0.095, 0.21), (0.0, 0.24)):
        half = 0.03 if side else 0.036
        canvas.box(x + side - half, foot - tall, x + side + half, foot if side else foot - 0.12, stone)
        canvas.box(x + side + 0.3 * half, foot - tall, x + side + half, foot if side else foot - 0.12, dark)
        canvas.polygon(
            [
                (x + side - 1.25 * half, foot - tall),
                (x + side, foot - tall - 0.085),
                (x + side + 1.25 * half, foot - tall),
            ],
            roof,
        )
        canvas.box(x + side - 0.008, foot - tall + 0.03, x + side + 0.008, foot - tall + 0.06, light.windows)
    canvas.disc(x, foot - 0.045, 0.022, 0.022, hazy((84, 56, 46), light, 0))
    canvas.box(x - 0.022, foot - 0.045, x + 0.022, foot, hazy((84, 56, 46), light, 0))


def paint_balloon(canvas: Canvas, light: Light, x: float, foot: float) -> None:
    """A striped balloon in the sky, with its basket."""
    y, radius = 0.27, 0.095
    stripes = (((214, 62, 58), 1.0), ((250, 226, 150), 0.62), ((214, 62, 58), 0.26))
    canvas.polygon(
        [(x - 0.075, y + 0.05), (x + 0.075, y + 0.05), (x + 0.022, y + 0.135), (x - 0.022, y + 0.135)],
        hazy(stripes[0][0], light, 0.05),
    )
    canvas.polygon(
        [(x - 0.045, y + 0.05), (x + 0.045, y + 0.05), (x + 0.014, y + 0.135), (x - 0.014, y + 0.135)],
        hazy(stripes[1][0], light, 0.05),
    )
    for colour, share in stripes:
        canvas.disc(x, y, radius * share, radius, hazy(colour, light, 0.05))
    for side in (-0.018, 0.018):
        canvas.line([(x + side, y + 0.135), (x + 0.8 * side, y + 0.165)], 0.003, hazy((70, 50, 40), light, 0))
    canvas.box(x - 0.02, y + 0.163, x + 0.02, y + 0.19, hazy((140, 92, 56), light, 0))
