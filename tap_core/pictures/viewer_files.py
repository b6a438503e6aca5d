"""The viewer's files: index images as PNG, the pictures below them as WebP, and the document that names them all."""

import json
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin
from torch import Tensor

from ..token_grid import Grid
from .frame_parts import picture_of
from .index_maps import picture_number
from .viewer_data import ViewerData

# The longer side of a picture in the viewer.
MOST_PIXELS = 1024
QUALITY = 90


def write_viewer_files(data: ViewerData, folder: Path, pictures: Tensor | None = None) -> str:
    """Write everything into `folder`; the name of the document. pictures: [P, H, W, C], values 0 to 1."""
    folder.mkdir(parents=True, exist_ok=True)
    run, document = str(data.document["run"]), dict(data.document)
    for layer in document.get("layers", []):
        layer["image"] = f"{run}_{layer['name']}.png"
        _write_index(data.images[layer["name"]], folder / layer["image"], run)
    if pictures is not None and len(pictures) and "grid" in document:
        document["pictures"] = _write_pictures(pictures, document["grid"], document["batch"], folder, run)
        document["size"] = [int(pictures.shape[2]), int(pictures.shape[1])]
    name = f"{run}.json"
    (folder / name).write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
    return name


def _write_index(image: Tensor, path: Path, run: str) -> None:
    """Grey levels are classes: 8 bits, or 16 if there are more than 256 classes."""
    values = image.numpy()
    picture = Image.fromarray(values if values.dtype == np.uint8 else values.astype(np.uint16))
    note = PngImagePlugin.PngInfo()
    note.add_text("tap-run", run)
    picture.save(path, pnginfo=note)


def _write_pictures(pictures: Tensor, grid: Grid, batch: int, folder: Path, run: str) -> list[list[str]]:
    """For each picture of the batch the file names of its frames: one, or one for each frame of a video's tokens."""
    height, width = pictures.shape[1], pictures.shape[2]
    scale = min(MOST_PIXELS / max(height, width), 1)
    size = max(round(height * scale), 1), max(round(width * scale), 1)
    written, names = {}, []
    for number in range(batch):
        sources = [picture_number(len(pictures), grid, batch, number, frame) for frame in range(grid[0])]
        for source in sources:
            if source not in written:
                written[source] = f"{run}_picture{source}.webp"
                picture_of(pictures, source, *size).save(folder / written[source], quality=QUALITY, method=1)
        names.append([written[source] for source in sources])
    return names
