"""A row of the compatibility matrix: what is plugged in together with TAP Accelerate, and the expected result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle

import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.accelerate import TapAccelerate
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from torch import Tensor

from matrix_stage import Stage

Sample = Callable[[ModelPatcher], Tensor]
PLENTY, NONE = 1e13, 0.0
# In the report where drift stays in the picture, and in the table.
# The layout of a batch must not change what TAP loses, beyond rounding.
LAYOUT_TOLERANCE = 0.02
# Rounding is what the pictures without TAP differ by between the layouts, on this processor; at most this share of the
# error, because some nodes make another picture in each layout.
ROUNDING_AT_MOST = 0.1


@dataclass(frozen=True)
class Plugged:
    """A model as TAP gets it, and the sampling that follows, with everything that comes after TAP."""

    model: ModelPatcher
    sample: Sample


@dataclass(frozen=True)
class Exact:
    """The picture without TAP, bit for bit; says: what the report has to say."""

    says: str = ""

    def __str__(self) -> str:
        return "computed in full, and says why" if self.says else "the same picture, bit for bit"

    def check(self, row: Row, stage: Stage) -> str:
        """Raises AssertionError, or returns what was found."""
        plugged = row.plug(stage)
        full, (picture, record) = plugged.sample(plugged.model), accelerated(plugged, row.inputs)
        assert torch.equal(picture, full)
        assert not record.skipped_steps
        assert not self.says or any(self.says in reason for reason in record.fallbacks), record.fallbacks
        return f"in full: “{record.fallbacks[0]}”" if self.says else "exact"


# A UNet with random weights drifts nearly as far as its steps go. Of so much little is repaid: 0.164, where without
# repaying it is 0.180. Before anything was held back, it was 0.15, and trained models swung by up to 20 dB.
WIDER = {"Stable Diffusion 1.5": 1.75}


@dataclass(frozen=True)
class Close:
    """At most this error against the picture without TAP, and the same with prompts in one batch or one call each.

    Repaying the drift, which the default does, changes no model call. The sampler goes again above all that a model is,
    so that a row's first model shows it.

    within: share of the picture's length. says: what the report may say besides. layouts: share by which the errors in
    both layouts may differ; more than rounding where a prompt comes during the run, because everything in its
    batch is then computed with it. None for samplers and sigmas, which come after all calls of an evaluation: they are
    tried in one layout, and tests/bridge/run/test_replay.py counts the calls of every sampler. repaid: whether the
    picture is another one than without repaying; False where nothing can be repaid.
    """

    within: float
    says: str | None = None
    layouts: float | None = LAYOUT_TOLERANCE
    repaid: bool = True

    def __str__(self) -> str:
        came = self.says and "came" in self.says
        return f"forecast; what {self.says} during the run is computed when it comes" if came else "forecast"

    def check(self, row: Row, stage: Stage) -> str:
        """Raises AssertionError, or returns what was found."""
        errors, stock, plugged = [], [], row.plug(stage)
        for memory in (PLENTY,) if self.layouts is None else (PLENTY, NONE):
            with free_memory(memory):
                full, (picture, record) = plugged.sample(plugged.model), accelerated(plugged, row.inputs)
                if memory and stage.name == row.models[0]:
                    self._see_repaid(picture, record, *accelerated(plugged, {**row.inputs, "correction": "off"}))
            assert picture.isfinite().all()
            assert record.skipped_steps, "nothing was forecast"
            strange = [r for r in record.fallbacks if self.says is None or self.says not in r]
            assert not strange, strange
            errors.append(relative_error(picture, full))
            stock.append(full)
        assert max(errors) <= self.within * WIDER.get(stage.name, 1.0), errors
        if self.layouts is not None:
            rounding = min(relative_error(*stock), ROUNDING_AT_MOST * max(errors))
            assert abs(errors[1] - errors[0]) <= self.layouts * max(errors) + rounding + 1e-4, (errors, rounding)
        return f"{max(errors):.3f}"


    def _see_repaid(self, picture: Tensor, record: TapRecord, unpaid: Tensor, without: TapRecord) -> None:
        """Raises AssertionError where repaying changes a call, or no picture, against those without it."""
        assert calls_of(record) == calls_of(without), "repaying the drift changes the calls"
        assert torch.equal(picture, unpaid) != self.repaid, "the drift is not repaid" if self.repaid else "it is"


@dataclass(frozen=True)
class Holds:
    """The row has its own check. words: what is true if it passes."""

    words: str
    check_row: Callable[[Stage], str | None]

    def __str__(self) -> str:
        return self.words

    def check(self, row: Row, stage: Stage) -> str:
        """Raises AssertionError, or returns what was found."""
        return self.check_row(stage) or self.words


@dataclass(frozen=True)
class Row:
    """One line of the matrix. models: names of stages. inputs: those of TAP Accelerate that are not the defaults."""

    group: str
    plugged_in: str
    expected: Exact | Close | Holds
    plug: Callable[[Stage], Plugged] | None = None
    models: tuple[str, ...] = ("FLUX", "Wan")
    inputs: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.group}: {self.plugged_in}"

    def check(self, stage: Stage) -> str:
        """Raises AssertionError, or returns what was found, for the matrix."""
        with torch.inference_mode():
            return self.expected.check(self, stage)


def accelerate(model: ModelPatcher, **inputs: object) -> tuple[ModelPatcher, RecordHolder]:
    """The model after a TAP Accelerate node; inputs that are not given have their defaults.

    But for quality: how many steps are computed must not depend on what is plugged in.
    """
    defaults = {i.id: getattr(i, "default", None) for i in TapAccelerate.GET_SCHEMA().inputs if i.id != "model"}
    given = {name: value for name, value in {**defaults, "quality": "fixed", **inputs}.items() if value is not None}
    return TapAccelerate.execute(model, **given).args


def accelerated(plugged: Plugged, inputs: Mapping[str, object]) -> tuple[Tensor, TapRecord]:
    """The picture with TAP, and the record."""
    model, holder = accelerate(plugged.model, **inputs)
    picture, record = plugged.sample(model), holder.latest
    assert record is not None and record.complete
    return picture, record


def calls_of(record: TapRecord) -> list[tuple]:
    """Each evaluation's place in the run, and its model calls."""
    return [(e.position, e.full_calls, e.skipped_calls) for e in record.evaluations]


@contextmanager
def free_memory(*amounts: float) -> Iterator[None]:
    """ComfyUI finds these amounts of free memory before its calls, in turn: with none, it batches no conditions."""
    turns, known = cycle(amounts), ModelPatcher.get_free_memory
    ModelPatcher.get_free_memory = lambda self, device: next(turns)
    try:
        yield
    finally:
        ModelPatcher.get_free_memory = known


def relative_error(one: Tensor, other: Tensor) -> float:
    """Relative error of `one` against `other`."""
    return float((one - other).norm() / other.norm())
