"""What a step asks of a graphics card beyond the blocks: operators launched, and how long launching takes.

Operators are counted on the meta device, where TAP works in pieces as large as on a card. Seconds are those that one
processor takes for as many of them at a size at which nothing but Python and launching takes time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

import torch
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from tqdm import tqdm

from models.full_size import FullSize
from models.whole_run import WholeRun

CPU, META = torch.device("cpu"), torch.device("meta")
NARROW = {"hidden_size": 128, "num_heads": 1, "context_in_dim": 48, "vec_in_dim": 64}
FEW = {"latent": (16, 8, 8), "words": (7,), "context": 48, "pooled": 64}
INTERVAL, RUNS = 5, 40


@dataclass(frozen=True)
class Launches:
    """Beyond the same step without blocks and without TAP. full, skipped: operators; seconds: to launch the latter."""

    full: int
    skipped: int
    seconds: float


@contextmanager
def hollow(model: nn.Module) -> Iterator[None]:
    """The model's blocks hand their input on."""
    double, single = model.double_blocks, model.single_blocks
    for block in double:
        block.forward = lambda img, txt, **other: (img, txt)
    for block in single:
        block.forward = lambda x, **other: x
    try:
        yield
    finally:
        for block in (*double, *single):
            del block.forward


def beyond_stock(size: FullSize, settings: TapSettings) -> Launches:
    """What TAP adds to a step of this model."""
    stock, tap = TapSettings(interval=1), replace(settings, interval=INTERVAL)
    tiny = replace(size, config={**size.config, **NARROW}, **FEW)
    bare, counts = operators_of(size, stock)[True], operators_of(size, tap)
    skipped, in_one_piece = counts[False] - bare, operators_of(tiny, tap)[False] - operators_of(tiny, stock)[True]
    without, seconds = launching(tiny, (stock, tap))
    return Launches(counts[True] - bare, skipped, (seconds[False] - without[True]) * skipped / in_one_piece)


def operators_of(size: FullSize, settings: TapSettings) -> dict[bool, int]:
    """Operators of a full (True) and a skipped (False) evaluation of a run without blocks, at the median."""
    counts: list[int] = []

    def count(step: Callable[[], bool]) -> bool:
        with LaunchCounter() as counter:
            full = step()
        counts.append(counter.launches)
        return full

    with torch.no_grad():
        kinds = _walk(size, META, settings, count)
    return _medians(kinds, counts)


def launching(size: FullSize, ways: Sequence[TapSettings]) -> list[dict[bool, float]]:
    """Seconds of such evaluations of a tiny model, of each way the least of many runs, at the median.

    The ways take turns, so that other work on the machine disturbs all of them equally.
    """
    found: list[tuple[list[bool], list[list[float]]]] = [([], []) for _ in ways]
    with torch.inference_mode():
        for _ in tqdm(range(RUNS), desc="launching"):
            for settings, (kinds, runs) in zip(ways, found, strict=True):
                seconds: list[float] = []
                kinds[:] = _walk(size, CPU, settings, partial(_clocked, seconds))
                runs.append(seconds)
    return [_medians(kinds, [min(times) for times in zip(*runs, strict=True)]) for kinds, runs in found]


def _clocked(seconds: list[float], step: Callable[[], bool]) -> bool:
    start = time.process_time()
    full = step()
    seconds.append(time.process_time() - start)
    return full


def _walk(size: FullSize, device: torch.device, settings: TapSettings, watch: Callable[[Callable[[], bool]], bool]
          ) -> list[bool]:
    """A whole run without blocks; `watch` takes each evaluation. Whether each was full."""
    base = size.build(device, depth=1, depth_single_blocks=1)
    if device.type != "meta":
        for weights in base.diffusion_model.parameters():
            weights.data = torch.full_like(weights, 0.01)
    with hollow(base.diffusion_model):
        evaluations = WholeRun(size, base, device, settings).evaluations()
        return [watch(lambda: next(evaluations)) for _ in range(size.steps)]


def _medians(kinds: list[bool], values: list[float]) -> dict[bool, float]:
    return {full: median(value for kind, value in zip(kinds, values, strict=True) if kind == full)
            for full in set(kinds)}


class LaunchCounter(TorchDispatchMode):
    """Counts the operators that make or change values; views and empty tensors are not launched."""

    def __init__(self) -> None:
        super().__init__()
        self.launches = 0

    def __torch_dispatch__(self, operator: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None
                           ) -> object:
        """Run the operator, and count it."""
        result = operator(*args, **(kwargs or {}))
        given = {id(leaf.untyped_storage()) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        made = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        is_view = bool(made) and all(id(leaf.untyped_storage()) in given for leaf in made)
        if operator._schema.is_mutable or not (is_view or operator.__name__.startswith(("empty", "new_empty"))):
            self.launches += 1
        return result
