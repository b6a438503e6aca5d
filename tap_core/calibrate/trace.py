"""What is kept of a measured run, in full or skipping: some tokens and channels of every step, and how much changed.

h: probe.  r: target.  Changes are from one step to the next, over all tokens and channels.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..closeness import Line
from .fitted_numbers import Changes

MOST_TOKENS, MOST_CHANNELS = 256, 512
# Any fixed number: every run of one size keeps the same tokens and channels.
SEED = 20


@dataclass(frozen=True)
class ConditionTrace:
    """One condition. probe: [T, N, D], target: [T, N, C] of each step, float32 on the CPU.

    share: how much of the guided picture comes from it, such as cfg for the positive and 1 - cfg for the negative.
    changes, moved: over all tokens and channels, moved being mean|r_s - r_{s-1}|. tokens: how many there are.
    """

    share: float
    probe: Tensor
    target: Tensor
    changes: Changes
    moved: tuple[float, ...]
    tokens: int = 0


@dataclass(frozen=True)
class Trace:
    """One run. target: the target that TAP Accelerate would forecast, by name. moved: mean|d_s - d_{s-1}| of the
    sampler's slope. noisy: whether the sampler added noise, see Motion. mixed: whether x is a mix of picture and noise.
    full: the full steps of a run that skipped the others, and computed them beside that only to be measured; () if all
    steps were full. picture: the mean square of the denoised latents at the last step, over the whole batch; NaN if it
    is not known. line: from such a run's drift to its closeness. starts_twice: whether the first step was evaluated
    twice within itself.
    """

    model: str
    target: str
    sigmas: tuple[float, ...]
    conditions: tuple[ConditionTrace, ...]
    moved: tuple[float, ...] = ()
    noisy: bool = False
    mixed: bool = True
    full: tuple[int, ...] = ()
    picture: float = math.nan
    line: Line = field(default_factory=Line)
    starts_twice: bool = False

    @property
    def steps(self) -> int:
        """Number of sampler steps."""
        return len(self.sigmas) - 1

    @property
    def nbytes(self) -> int:
        """Bytes of the kept probes and targets."""
        return sum(c.probe.nbytes + c.target.nbytes for c in self.conditions)


@dataclass
class Track:
    """A condition's trace while the run goes on; it never waits for the device."""

    share: float
    steps: list[int] = field(default_factory=list)
    _kept: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    _scalars: list[Tensor] = field(default_factory=list)
    _latest: tuple[Tensor, Tensor] | None = None

    def add(self, step: int, probe: Tensor, target: Tensor) -> None:
        """Keep what a step showed. probe: [B, N, D], target: [B, N, C]."""
        if self._latest is not None and self._latest[1].shape != target.shape:
            return
        self.steps.append(step)
        self._kept.append((sample_of(probe), sample_of(target)))
        if self._latest is not None:
            self._scalars.append(changes_between(self._latest, (probe, target)))
        self._latest = probe, target

    def close(self) -> ConditionTrace:
        """The trace of this condition; waits for the device."""
        probe, target = (torch.stack(list(part)).float().cpu() for part in zip(*self._kept, strict=True))
        rows = torch.stack(self._scalars).cpu().T.tolist() if self._scalars else [[]] * 4
        *changes, moved = rows
        tokens = self._latest[0].shape[:2].numel()
        return ConditionTrace(self.share, probe, target, Changes(*changes), tuple(moved), tokens)


def sample_of(tensor: Tensor) -> Tensor:
    """[B, N, D] -> at most MOST_TOKENS x MOST_CHANNELS of it, the same ones for every tensor of this size.

    The same channels are taken in both halves: target auto has picture and slope side by side.
    """
    flat = tensor.flatten(0, 1)
    if len(flat) > MOST_TOKENS:
        flat = flat.index_select(0, _some(len(flat), MOST_TOKENS).to(flat.device, non_blocking=True))
    half = flat.shape[1] // 2
    if flat.shape[1] > MOST_CHANNELS:
        picked = _some(half, MOST_CHANNELS // 2)
        flat = flat.index_select(1, torch.cat([picked, picked + half]).to(flat.device, non_blocking=True))
    return flat.clone()


def _some(size: int, most: int) -> Tensor:
    return torch.randperm(size, generator=torch.Generator().manual_seed(SEED))[:most].sort().values


def changes_between(before: tuple[Tensor, Tensor], now: tuple[Tensor, Tensor]) -> Tensor:
    """The three numbers of `Changes` and `moved`, as one tensor on the device."""
    (old_probe, old_target), (probe, target) = before, now
    moved = (target - old_target).abs().mean(dtype=torch.float32)
    ratio = target.float().norm(dim=-1) / old_target.float().norm(dim=-1)
    return torch.stack([
        (probe - old_probe).abs().mean(dtype=torch.float32) / old_probe.abs().mean(dtype=torch.float32),
        moved / old_target.abs().mean(dtype=torch.float32),
        ratio.mean(),
        moved,
    ])
