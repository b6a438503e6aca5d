"""Launches and waits of full and skipped steps, as PyTorch's profiler sees them."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import comfy.model_patcher
from comfy.patcher_extension import WrappersMP
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor
from torch.profiler import profile, record_function

from models.full_size import FullSize
from models.timed_run import Course, timed_run

STEP = "one evaluation of the model"
LAUNCH = ("LaunchKernel", "GraphLaunch")
WAIT = ("StreamSynchronize", "DeviceSynchronize", "EventSynchronize")
# Where there is no card: operators, and reads of single values.
OPERATOR, READ = "aten::", "aten::_local_scalar_dense"
# Until then a run gets to know its sampler.
FIRST = 3


def profiled(size: FullSize, model: comfy.model_patcher.ModelPatcher, settings: TapSettings | None, course: Course,
             clock: Callable[[], float]) -> dict[str, dict[str, float]]:
    """By kind of step, full or skipped: launches and waits at the median; evaluations from FIRST on."""
    marked = model.clone()
    marked.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, STEP, _mark)
    with profile(acc_events=True) as profiler:
        _, record = timed_run(size, marked, settings, course, clock)
    events = profiler.events()
    spans = sorted((each.time_range.start, each.time_range.end) for each in events
                   if each.name == STEP and each.device_type.name == "CPU")
    kinds = [each.full for each in record.evaluations] if record else [True] * len(spans)
    starts = [(each.time_range.start, each.name) for each in events]
    found: dict[str, list[tuple[int, int]]] = {}
    for (begin, end), full in list(zip(spans, kinds, strict=True))[FIRST:]:
        names = [name for start, name in starts if begin <= start <= end]
        found.setdefault("full" if full else "skipped", []).append(counted(names))
    return {kind: dict(zip(("launches", "waits"), map(median, zip(*counts, strict=True)), strict=True))
            for kind, counts in found.items()}


def counted(names: list[str]) -> tuple[int, int]:
    """Launches and waits among events; of a processor operators and reads, those inside of others too."""
    launches, waits = (sum(any(part in name for part in parts) for name in names) for parts in (LAUNCH, WAIT))
    if launches:
        return launches, waits
    return sum(name.startswith(OPERATOR) for name in names), sum(name == READ for name in names)


def _mark(executor: Callable[..., Tensor], *args: object, **kwargs: object) -> Tensor:
    with record_function(STEP):
        return executor(*args, **kwargs)
