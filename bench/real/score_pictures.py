"""CLIP score and ImageReward of pictures that `real` has made.

`python bench/start.py real.score_pictures`, after it the folder.
It fills in what is missing, from picture and prompt. It needs neither ComfyUI nor the model, so any Python
will do that has torch and tqdm: ImageReward 1.5 does not start beside the transformers that ComfyUI asks for.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from figures.row_file import RowFile
from real.command import COLUMNS, KEY, PICTURES, summary, tell
from real.image_metrics import METRICS, measure, usable


def picture_of(file: Path) -> Tensor:
    """[H, W, 3] in 0..1, as it was saved."""
    import numpy as np
    from PIL import Image

    return torch.from_numpy(np.asarray(Image.open(file).convert("RGB")).copy()).float() / 255


def run(arguments: Sequence[str]) -> list[dict[str, object]]:
    """What is missing, then the summary again."""
    parser = argparse.ArgumentParser(prog="bench/start.py real.score_pictures", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=PICTURES, help="the --output of real")
    options = parser.parse_args(arguments)
    if not (options.folder / "pictures.csv").is_file():
        parser.error(f"{options.folder} has no pictures.csv: give the --output of bench/run.py real")
    names = usable([metric.name for metric in METRICS if metric.of_stock])
    rows = RowFile(options.folder / "pictures.csv", COLUMNS, KEY)
    missing = [(row, wanted) for row in rows.rows if (wanted := [name for name in names if row[name] == ""])]
    for row, wanted in tqdm(missing, unit="picture"):
        picture = picture_of(options.folder / "pictures" / row["file"])
        rows.fill(row, measure(picture, None, row["prompt"], wanted))
    found, kept = summary(rows.rows), options.folder / "real.json"
    # Command, machine and date stay those of the pictures.
    kept.write_text(json.dumps({**json.loads(kept.read_text(encoding="utf-8")), "rows": found}, indent=1) + "\n",
                    encoding="utf-8")
    tell(found, options.folder)
    return found
