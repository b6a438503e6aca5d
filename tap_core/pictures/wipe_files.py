"""Pairs of pictures for a wipe in the browser, pixel by pixel as they are: lossy files would hide small differences."""

from pathlib import Path

from torch import Tensor

from .frame_parts import picture_of

# A video's frames are spread over its length: each pair takes a browser's memory and the disk's time.
MOST_PAIRS = 16
FAST = 1  # PNG compression


def write_pairs(picture: Tensor, reference: Tensor, folder: Path, run: str) -> list[tuple[str, str]]:
    """Write PNG files into `folder`; the names of each pair. Pictures: [P, H, W, C], 0 to 1; one goes with many.

    run: a name that all files share.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = max(len(picture), len(reference))
    shown = min(count, MOST_PAIRS)
    numbers = [round(i * (count - 1) / max(shown - 1, 1)) for i in range(shown)]
    written: set[str] = set()

    def write(batch: Tensor, kind: str, number: int) -> str:
        number = min(number, len(batch) - 1)
        name = f"{run}_{kind}{number}.png"
        if name not in written:
            picture_of(batch, number, *batch.shape[1:3]).save(folder / name, compress_level=FAST)
            written.add(name)
        return name

    return [(write(picture, "picture", number), write(reference, "reference", number)) for number in numbers]
