"""What the demo measured: seconds in the sampler, speed-up, and how near the two pictures are."""

from __future__ import annotations

import argparse
import io
import json
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .client import PromptRun


@dataclass
class Comparison:
    """Stock and TAP side by side."""

    options: argparse.Namespace
    seconds: dict[str, list[float]]
    last: dict[str, PromptRun]
    report: dict[str, list]
    stock: bytes = b""
    tap: bytes = b""

    def tap_report(self) -> dict:
        """What TapReport says about the last TAP run."""
        return json.loads(self.report["tap_report"][0])

    def report_text(self) -> str:
        """The same, for people."""
        return self.report["text"][0]

    def as_json(self) -> dict:
        """Everything that was measured, with what was asked for."""
        best = {name: min(seconds) for name, seconds in self.seconds.items()}
        return {
            "asked": {name: getattr(self.options, name) for name in ("steps", "interval", "seed", "runs")},
            "sampler_seconds": self.seconds,
            "best_sampler_seconds": best,
            "speed_up": best["stock"] / best["TAP"],
            "psnr_db": psnr(read_picture(self.stock), read_picture(self.tap)),
            "tap_report": self.tap_report(),
        }

    def summary(self) -> str:
        """The figures in a few lines."""
        found = self.as_json()
        (stock, tap), full = found["best_sampler_seconds"].values(), len(self.tap_report()["full_steps"])
        lines = [
            f"full steps    TAP ran the model in full on {full} of {self.options.steps} steps",
            f"seconds       stock {stock:.2f}, TAP {tap:.2f} in the sampler (best of {self.options.runs})",
            f"speed-up      {found['speed_up']:.2f} times",
            f"PSNR          {found['psnr_db']:.1f} dB between the two decoded pictures, same seed",
        ]
        return "\n".join(lines)


def read_picture(data: bytes) -> np.ndarray:
    """A PNG as floats from 0 to 1, [H, W, 3]."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=np.float64) / 255


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of two pictures from 0 to 1; infinite when they are equal."""
    error = float(np.mean((first - second) ** 2))
    return math.inf if error == 0 else -10 * math.log10(error)
