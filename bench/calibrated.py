"""Calibrated placements against the default one and the paper's TAP, on prompts and seeds that no calibration saw.

`python3 bench/run.py calibrated`. Each calibration reads two full runs of the demo model. Rows go to
bench/results/calibrated.json as they are found.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict, dataclass
from statistics import mean

import torch
from demo_stage import DemoStage, load_pack, scene_conditioning
from metrics import psnr
from results_file import write_results

MEASURED = ((8000, 60), (8001, 61))
COURSES = ((50, 2.0, (12, 10, 8, 7)), (50, 1.0, (12, 10, 8, 7)), (28, 2.0, (8, 6)), (20, 2.0, (7, 5)))


@dataclass(frozen=True)
class Row:
    """One placement at one number of calls. expected: the calibration's own estimate in dB, else None."""

    name: str
    steps: int
    cfg: float
    calls: int
    full: tuple[int, ...]
    psnr: float
    worst: float
    expected: float | None = None


def trace_of(stage: DemoStage, scene: int, seed: int) -> object:
    """The holder of the trace of one full run."""
    import comfy.sample
    from tap_pack.nodes.measure_run import TapMeasureRun

    model, holder = TapMeasureRun.execute(stage.model, "auto").args
    latent = torch.zeros(1, 16, stage.size // 8, stage.size // 8)
    with torch.inference_mode():
        comfy.sample.sample(model, comfy.sample.prepare_noise(latent, seed), stage.steps, stage.cfg, stage.sampler,
                            stage.scheduler, *scene_conditioning(scene), latent, disable_pbar=True, seed=seed)
    return holder.latest


def calibration_of(stage: DemoStage) -> object:
    """The calibration of this stage's steps and cfg; says how long it took."""
    from tap_pack.tap_core.calibrate.calibrate import Wanted, calibrate
    from tap_pack.tap_core.pool_settings import PoolSettings

    traces, started = [trace_of(stage, *shot) for shot in MEASURED], time.process_time()
    found = calibrate(traces, Wanted(PoolSettings()))
    print(f"calibrated {stage.steps} steps, cfg {stage.cfg}: {time.process_time() - started:.1f} s of one processor, "
          f"traces of {sum(trace.nbytes for trace in traces) / 1e6:.1f} MB", flush=True)
    return found


def course_rows(stage: DemoStage, counts: tuple[int, ...], shots: int, keep: object) -> None:
    """All rows of one number of steps and one cfg."""
    from tap_pack.tap_core.schedules.interval import IntervalSchedule, full_steps
    from tap_pack.tap_core.schedules.listed import ListedSchedule
    from tap_pack.tap_core.schedules.placed import by_change, place
    from tap_pack.tap_core.settings import TapSettings
    from tap_pack.tap_core.timeline import Timeline

    found, scenes = calibration_of(stage), [(9000 + i, 70 + i) for i in range(shots)]
    timeline, truths = Timeline(found.sigmas), [stage.shoot(*shot).picture for shot in scenes]
    paper = {"target": "residual", "correction": "off", "trust": "full"}
    for calls in counts:
        papers = [full_steps(IntervalSchedule(n, 3), timeline) for n in range(1, stage.steps)]
        line = found.line(calls)
        rows = {
            "TAP as in the paper": (min(papers, key=lambda full: abs(len(full) - calls)), paper, None),
            "default, placement change": (place(by_change(found.sigmas[:-1]), calls), {}, None),
            "calibrated": (line.full, {}, line.decibels),
        }
        for name, (full, more, expected) in rows.items():
            settings = TapSettings(given_schedule=ListedSchedule(tuple(full)), **more)
            scores = [psnr(stage.shoot(*shot, settings=settings).picture, truth)
                      for shot, truth in zip(scenes, truths, strict=True)]
            keep(Row(name, stage.steps, stage.cfg, len(full), tuple(full), mean(scores), min(scores), expected))


def main(size: int, shots: int) -> None:
    """All courses, one after the other."""
    load_pack()
    rows: list[Row] = []

    def keep(row: Row) -> None:
        rows.append(row)
        expected = "" if row.expected is None else f", expected {row.expected:.1f}"
        print(f"{row.steps} steps, cfg {row.cfg:g}, {row.calls:2} calls  {row.name:26} {row.psnr:5.1f} dB, "
              f"worst {row.worst:5.1f}{expected}", flush=True)
        found = {"size": size, "shots": shots, "rows": [asdict(each) for each in rows]}
        write_results("calibrated", sys.argv[1:], found)

    for steps, cfg, counts in COURSES:
        course_rows(DemoStage(size, steps, cfg), counts, shots, keep)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench/run.py calibrated", description=__doc__)
    parser.add_argument("--size", type=int, default=128, help="pixels of a side, a multiple of 16")
    parser.add_argument("--shots", type=int, default=6, help="scenes, each from another seed")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    main(options.size, options.shots)
