"""What is measured on a card: a row for each kind of weights, each setting, compiled or not."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import comfy.model_management
import comfy.model_patcher
import torch
from comfy_extras.nodes_torch_compile import TorchCompileModel
from tap_pack.tap_core.sampling.settings import TapSettings
from tqdm import tqdm

from card.profile import profiled
from card.subjects import Subject
from models.timed_run import Course, timed_run

STOCK, INTERVALS, CLOSE = "stock", (5, 6, 8, 10), "quality close"
WAYS: dict[str, TapSettings | None] = {
    STOCK: None, **{f"N = {n}": TapSettings(interval=n) for n in INTERVALS}, CLOSE: TapSettings(quality="close"),
}
# Steps of the run that warms up, which is the profiled one.
WARM = 8


@dataclass(frozen=True)
class Job:
    """weights: bf16 or fp8; compiled: whether ComfyUI's TorchCompileModel is on the model."""

    weights: str
    compiled: bool
    way: str


# All settings as most people run them; compiled and in fp8 what tells whether it goes.
JOBS = (*(Job("bf16", False, way) for way in WAYS),
        *(Job(weights, compiled, way) for weights, compiled in (("fp8", False), ("bf16", True)) for way in
          (STOCK, "N = 5", CLOSE)))


def missing(rows: list[dict], bench: Bench) -> list[Job]:
    """Jobs of which there is no row."""
    done = {(row["model"], row["steps"], row["weights"], row["compiled"], row["way"]) for row in rows}
    return [job for job in JOBS if (bench.subject.name, bench.steps, *asdict(job).values()) not in done]


@dataclass
class Bench:
    """Measures jobs; a model is loaded once for all that share it."""

    subject: Subject
    steps: int
    small: bool
    _loaded: tuple[tuple[str, bool], comfy.model_patcher.ModelPatcher] | None = field(default=None, repr=False)

    def rows(self, jobs: Iterable[Job]) -> Iterator[dict[str, object]]:
        """A row for each that fits into the card's memory; of the others it is said."""
        for job in jobs:
            try:
                yield self.row(job)
            except torch.OutOfMemoryError:
                tqdm.write(f"{job.way}, {job.weights}: left out, for it the graphics memory is too small. --shape "
                           "takes a smaller model, and a file under --model is loaded in parts.")

    def row(self, job: Job) -> dict[str, object]:
        """Seconds by the clock, peak memory, launches and waits of each kind of step."""
        model, settings, size = self._model(job.weights, job.compiled), WAYS[job.way], self.subject.size
        cfg = 1.0 if len(size.words) == 1 else 4.0
        with quiet():
            launches = profiled(size, model, settings, Course(WARM, cfg), clock)
        forget_peak()
        seconds, record = timed_run(size, model, settings, Course(self.steps, cfg), clock)
        peak = peak_bytes()
        return {
            "model": self.subject.name, "size": size.size, "device": device_name(), "steps": self.steps,
            **asdict(job), "cfg": cfg, "seconds": seconds, "peak_bytes": peak,
            "full_steps": len(record.full_steps) if record else self.steps,
            "cache_bytes": record.cache_bytes if record else 0, "fallbacks": record.fallbacks if record else [],
            "launches": launches,
        }

    def _model(self, weights: str, compiled: bool) -> comfy.model_patcher.ModelPatcher:
        if self._loaded is None or self._loaded[0] != (weights, compiled):
            self._loaded = None
            comfy.model_management.unload_all_models()
            gc.collect()
            comfy.model_management.soft_empty_cache()
            model = self.subject.load(weights == "fp8")
            if compiled:
                # A processor may have no compiler; what compiling does to the calls can be tried without.
                (model,) = TorchCompileModel.execute(model, "eager" if self.small else "inductor").args
            self._loaded = (weights, compiled), model
        return self._loaded[1]


@contextmanager
def quiet() -> Iterator[None]:
    """What TAP says of a run that is too short for it is not for the reader."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def clock() -> float:
    """Seconds, when the card has done what it was told."""
    device = comfy.model_management.get_torch_device()
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()
    return time.perf_counter()


def device_name() -> str:
    """The card's name."""
    return comfy.model_management.get_torch_device_name(comfy.model_management.get_torch_device())


def forget_peak() -> None:
    """The next peak begins now."""
    memory = getattr(torch, comfy.model_management.get_torch_device().type, None)
    if hasattr(memory, "reset_peak_memory_stats"):
        memory.reset_peak_memory_stats()


def peak_bytes() -> int | None:
    """Most that tensors held since then; None where it is not counted."""
    memory = getattr(torch, comfy.model_management.get_torch_device().type, None)
    return memory.max_memory_allocated() if hasattr(memory, "max_memory_allocated") else None
