"""What the demo measured: seconds in the sampler, speed-up, and how close the two pictures are."""

from __future__ import annotations

import argparse
import io
import json
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .client import PromptRun
from .prompts import REPORT, SAMPLER


@dataclass
class Comparison:
    """Stock and TAP side by side; the run with the least time in the sampler counts."""

    options: argparse.Namespace
    runs: dict[str, list[PromptRun]]
    stock: bytes = b""
    tap: bytes = b""

    def seconds(self, name: str) -> list[float]:
        """Seconds in the sampler, one number for each run."""
        return [run.seconds_in(SAMPLER) for run in self.runs[name]]

    def best(self, name: str) -> PromptRun:
        """The fastest run."""
        return min(self.runs[name], key=lambda run: run.seconds_in(SAMPLER))

    def tap_report(self) -> dict:
        """What TapReport says about the fastest TAP run."""
        return json.loads(self.best("TAP").outputs[REPORT]["tap_report"][0])

    def report_text(self) -> str:
        """The same as text."""
        return self.best("TAP").outputs[REPORT]["text"][0]

    def as_json(self) -> dict:
        """Everything that was measured, with the settings."""
        seconds = {name: self.seconds(name) for name in self.runs}
        best = {name: min(found) for name, found in seconds.items()}
        return {
            "asked": {name: getattr(self.options, name) for name in ("steps", "quality", "interval", "seed", "runs")},
            "sampler_seconds": seconds,
            "best_sampler_seconds": best,
            "speed_up": best["stock"] / best["TAP"],
            "psnr_db": psnr(read_picture(self.stock), read_picture(self.tap)),
            "tap_report": self.tap_report(),
        }

    def summary(self) -> str:
        """The figures in a few lines."""
        found = self.as_json()
        (stock, tap), full = found["best_sampler_seconds"].values(), len(self.tap_report()["full_steps"])
        closeness = "no difference" if found["psnr_db"] is None else f"{found['psnr_db']:.1f} dB"
        lines = [
            f"steps         TAP computed {full} of {self.options.steps} steps, and forecast the others",
            f"seconds       stock {stock:.2f}, TAP {tap:.2f} in the sampler (best of {self.options.runs})",
            f"speed-up      {found['speed_up']:.2f} times",
            f"PSNR          {closeness} between the two decoded pictures, same seed",
        ]
        return "\n".join(lines)


def read_picture(data: bytes) -> np.ndarray:
    """A PNG as floats from 0 to 1, [H, W, 3]."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=np.float64) / 255


def psnr(first: np.ndarray, second: np.ndarray) -> float | None:
    """Peak signal-to-noise ratio in dB of two pictures from 0 to 1; None if they are equal: it has no value then."""
    error = float(np.mean((first - second) ** 2))
    return -10 * math.log10(error) if error else None
