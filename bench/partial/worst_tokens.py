"""At steps of a full run: the tokens that a forecast gets worst, computed without the others, and their errors.

d = (x - denoised) / sigma, token by token: what is compared. Errors are |d - true| / |true| over those tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from tap_pack.nodes.comfy_bridge.adapters.find_adapter import find_adapter
from tap_pack.nodes.comfy_bridge.seam.block_seam import BlockSeam
from tap_pack.nodes.comfy_bridge.seam.call_target import CallTarget, NoTarget
from tap_pack.nodes.comfy_bridge.seam.cut import cut_of
from tap_pack.nodes.comfy_bridge.seam.part import Part
from tap_pack.tap_core.token_grid import Grid
from torch import Tensor

from models.stage import Course, Stage

SHARES = (0.75, 0.5, 0.25)
STEPS, LOOKED_AT, BACK = 50, (12, 20, 28, 36, 44), 4
CELL = 2


class WorstTokens:
    """Watches the calls of one full run. rows: for each step that is looked at and each share, the three errors."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self._true: list[Tensor] = []

    def watch(self, model: object) -> object:
        """The model, watched."""
        from comfy.patcher_extension import WrappersMP

        model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "bench part", self._look)
        return model

    def _look(self, executor: Callable[..., Tensor], x: Tensor, t: Tensor, *args: object, **kwargs: object) -> Tensor:
        denoised = executor(x, t, *args, **kwargs)
        call = _Call(executor, x, t, args, kwargs)
        self._true.append(call.tokens(denoised))
        if len(self._true) - 1 in LOOKED_AT:
            newest, older, true = (self._true[-1 - steps] for steps in (BACK, 2 * BACK, 0))
            self.rows += [call.compared(share, 2 * newest - older, true) for share in SHARES]
        return denoised


class _Call:
    def __init__(self, executor: Callable[..., Tensor], x: Tensor, t: Tensor, args: tuple, kwargs: dict) -> None:
        self.model, self.options = executor.class_obj.diffusion_model, args[3]
        self.adapter = find_adapter(self.model)
        self.cut = cut_of(x, self.adapter.grid(self.model, x), None, self.adapter.side_patch)
        self.tokens = CallTarget("slope", x, t.reshape(-1, *[1] * (x.ndim - 1)), self.cut).read
        self.forward = lambda options: executor(x, t, *args[:3], options, *args[4:], **kwargs)

    def compared(self, share: float, forecast: Tensor, true: Tensor) -> dict[str, float]:
        """Of the share of the tokens that the forecast gets worst: its error there, and those of computing them."""
        worst = (forecast - true).square().sum((0, 2)).topk(round(share * self.cut.count)).indices
        kept = torch.zeros(self.cut.count, dtype=torch.bool).index_fill_(0, worst, True)
        counts = stand_ins(kept, self.cut.grids[0])
        errors = [_error(each[:, kept], true[:, kept]) for each in
                  (forecast, self.computed(kept, None), self.computed(kept | (counts > 0), counts))]
        return {"share": share, "with_grid": float((kept | (counts > 0)).float().mean()),
                **dict(zip(("forecast", "computed", "grid"), errors, strict=True))}

    def computed(self, kept: Tensor, counts: Tensor | None) -> Tensor:
        """The slopes, right at the kept tokens only. counts: [N] how many tokens a stand-in's key is worth."""
        options = self.options
        if counts is not None:
            bias = torch.where(counts > 0, counts.float().log(), 0.0)[kept]
            options = {**options, "optimized_attention_override": weighted(bias)}
        seam = BlockSeam(self.adapter, self.model, NoTarget(), self.cut, {})
        return self.tokens(seam.compute_part(self.forward, options, lambda probe: probe, Part(kept, self.adapter)))


def stand_ins(kept: Tensor, grid: Grid) -> Tensor:
    """[N] for one left-out token in each cell of CELL x CELL how many were left out there; 0 for all other tokens."""
    frames, rows, columns = torch.meshgrid(*map(torch.arange, grid), indexing="ij")
    cell = ((frames * rows.max().add(1) + rows // CELL) * columns.max().add(1) + columns // CELL).flatten()
    left_out = (~kept).nonzero().flatten()
    counts = torch.zeros(len(kept), dtype=torch.long)
    for number in cell[left_out].unique():
        alike = left_out[cell[left_out] == number]
        counts[alike[len(alike) // 2]] = len(alike)
    return counts


def weighted(bias: Tensor) -> Callable[..., Tensor]:
    """An attention that adds a bias [K] to the keys of the picture, which are the last."""

    def attention(original: Callable[..., Tensor], q: Tensor, k: Tensor, v: Tensor, heads: int,
                  mask: Tensor | None = None, **options: object) -> Tensor:
        keys = k.shape[2 if options.get("skip_reshape") else 1]
        if keys >= len(bias) and keys == q.shape[2 if options.get("skip_reshape") else 1]:
            added = torch.zeros(1, 1, 1, keys, dtype=q.dtype)
            added[..., keys - len(bias):] = bias
            mask = added if mask is None else added + mask.reshape(-1, 1, *mask.shape[-2:])
        return original(q, k, v, heads, mask=mask, **options)

    return attention


def rows_of(stage: Stage, pictures: int) -> Iterator[dict[str, float]]:
    """The rows of so many pictures' full runs."""
    for number in range(pictures):
        watching = WorstTokens()
        stage.take(number, Course(STEPS, patch=watching.watch))
        yield from watching.rows


def _error(tokens: Tensor, true: Tensor) -> float:
    return math.sqrt(float((tokens - true).square().sum() / true.square().sum()))
