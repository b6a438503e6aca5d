"""Icon and banner of the pack, for ComfyUI's registry: both show which steps of the demo were computed."""

from __future__ import annotations

from PIL import Image, ImageDraw

from .cards import COMPUTED, DARK, FAINT, FORECAST, LIGHT, WHOSE, draw_steps, font

# A square of 400 pixels at most, and 21:9: what the registry takes.
ICON, BANNER = (400, 400), (1050, 450)
# So few that they can still be told apart where the icon is small.
SHOWN = "fsfssfsss"


def draw_icon() -> Image.Image:
    """Nine steps, tall where they are computed."""
    icon = Image.new("RGB", ICON, DARK)
    draw_steps(ImageDraw.Draw(icon), SHOWN, (40, 90, 360, 310), gap=10)
    return icon


def draw_banner(pictures: tuple[Image.Image, Image.Image], marks: str) -> Image.Image:
    """pictures: every step computed, and TAP's; marks: f (computed) or s (forecast) for each step of TAP's."""
    banner = Image.new("RGB", BANNER, DARK)
    draw = ImageDraw.Draw(banner)
    full, faster = (picture.convert("RGB") for picture in pictures)
    for left, picture, words in ((466, full, f"all {len(marks)} steps computed"),
                                 (750, faster, f"{marks.count('f')} computed, {marks.count('s')} forecast")):
        banner.paste(picture, (left, 30))
        draw.text((left, 294), words, LIGHT, font(20))
    draw.text((30, 30), "TAP Accelerate", LIGHT, font(52))
    for line, (words, colour) in enumerate((("Most steps are forecast,", FORECAST), ("the others computed:", COMPUTED),
                                            ("as many as it takes.", COMPUTED))):
        draw.text((30, 130 + 42 * line), words, colour, font(30))
    draw_steps(draw, marks, (30, 340, 1026, 410), gap=5)
    draw.text((30, 420), WHOSE, FAINT, font(16))
    return banner
