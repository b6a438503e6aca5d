"""Text and colours that the drawings share. The font is Pillow's own, which has only ASCII."""

from functools import lru_cache

from PIL import ImageFont

from .palette import COMPUTED, RGB

BACKGROUND: RGB = (20, 23, 28)
TEXT: RGB = (236, 238, 241)
FAINT_TEXT: RGB = (158, 165, 174)
OUTLINE: RGB = (96, 103, 112)
FULL_STEP: RGB = COMPUTED
HATCH: RGB = (86, 94, 104)

Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


@lru_cache(maxsize=16)  # loading takes longer than drawing
def font_of(size: int) -> Font:
    """The font at this height in pixels."""
    return ImageFont.load_default(size)


def letters_for(height: float, width: float) -> int:
    """Height of the letters that suits a picture of this size."""
    return min(max(round((height + width) / 72), 13), 48)


def even(size: float) -> int:
    """The next even number: video encoders need one."""
    return -(-round(size) // 2) * 2


def wrap_text(text: str, font: Font, width: float) -> list[str]:
    """The text in lines no wider than `width`; a word that is wider is broken."""
    lines, most = [""], max(int(width // font.getlength("W")), 1)
    for word in [part for whole in plain(text).split() for part in _parts(whole, font, width, most)]:
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line]


def _parts(word: str, font: Font, width: float, most: int) -> list[str]:
    """The word, in parts of `most` letters if it is wider than `width`."""
    if font.getlength(word) <= width:
        return [word]
    return [word[start : start + most] for start in range(0, len(word), most)]


def plain(text: str) -> str:
    """The text with a question mark for every character that the font does not have."""
    return text.encode("ascii", "replace").decode("ascii")
