"""What repaying did at another version of the pack: `python3 bench/samplers/before.py CHECKOUT --model demo`.

CHECKOUT: a working tree of the version of 2026-11-27, commit 73a12a6, with ComfyUI in it as `.comfyui`; that version
repaid under samplers of one step alone. It runs in the Python that has ComfyUI's packages, and carries on where it was
stopped. Rows go to bench/results/samplers_before_MODEL.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from statistics import mean

from cells import SHOTS, Cell, cells

HERE = Path(__file__).resolve().parents[1]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--steps", type=int, action="append", help="only runs of so many steps; may be given again")
    options = parser.parse_args()
    sys.path[0] = str(options.checkout.resolve() / "bench")
    measure(options.model, options.steps)


def measure(model: str, steps: list[int] | None) -> None:
    """Measures the rows that are not kept yet."""
    from demo_stage import load_pack

    load_pack()
    from placement_stage import open_stage
    from results_file import circumstances
    from tqdm import tqdm

    stage, file = open_stage(model), HERE / "results" / f"samplers_before_{model}.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    rows = kept["rows"] if kept.get("weights") == stage.weights else []
    done = {tuple(row[name] for name in Cell.__dataclass_fields__) for row in rows}
    fulls: dict[tuple, list] = {}
    for cell in tqdm(list(cells(steps=steps)), desc=model, unit="row"):
        if tuple(asdict(cell).values()) not in done:
            rows.append({"model": model, **asdict(cell), "on": score(stage, cell, fulls)})
            command = f"python3 bench/samplers/before.py 73a12a6 --model {model}"
            found = {**circumstances("samplers", []), "command": command, "weights": stage.weights, "rows": rows}
            file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def score(stage: object, cell: Cell, fulls: dict[tuple, list]) -> dict[str, float]:
    """Mean and worst PSNR with the drift repaid as that version did. fulls: of the latest course."""
    from metrics import psnr
    from placement_stage import Course
    from tap_pack.tap_core.settings import TapSettings

    course = Course(steps=cell.steps, sampler=cell.sampler, cfg=cell.cfg)

    def sampled(settings: TapSettings | None = None) -> list:
        return [take for shots in SHOTS for take in stage.takes(shots, course, settings)]

    place = (cell.steps, cell.sampler, cell.cfg)
    if place not in fulls:
        fulls.clear()
        fulls[place] = sampled()
    takes = sampled(TapSettings(interval=cell.interval, warmup_steps=cell.warmup))
    scores = [psnr(take.frames, full.frames) for take, full in zip(takes, fulls[place], strict=True)]
    return {"psnr": mean(scores), "worst": min(scores)}


if __name__ == "__main__":
    main()
