"""What TAP's wrappers share during one run."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn

from ....tap_core.record.record import TapRecord
from ....tap_core.sampling.run import TapRun
from ..adapters.find_adapter import find_adapter, why_in_full
from ..live.live_run import LiveRun
from ..seam.adapter import Adapter
from ..seam.block_count import BlockCount
from ..seam.cut import Shape
from ..seam.in_out_seam import InOutAdapter
from ..seam.plain_module import plain_module
from ..seam.shadow import Shadow, shadowed
from ..seam.unread import Unread
from .condition import ConditionKeys
from .recorded_allocations import no_recorded_allocations

# The name of the run's state in ComfyUI's transformer options.
RUN_KEY = "tap_sampling"


class RunState:
    """One run, and how it reaches its models. A class, because ComfyUI copies the dicts in its options.

    adapter: of the guider's model. shapes: of the latent, or of those packed in it. checked: ids of models that passed
    the self-check. parts: shapes of the parts of the latent, one for each condition of the first evaluation. wrapped:
    whether another node's wrapper makes the calls of this evaluation, maybe with other parts of the picture. windowed:
    whether a video is made in windows. needed, told: bytes that ComfyUI was asked for, for the model's own work and for
    what TAP keeps. followers: TAP nodes of other models in the guider, which get this run's record, too, when it has
    ended. awaited: begins the evaluation that the sampler has asked for, if a model call comes before it has begun.
    conditions: what the evaluation asked ComfyUI to batch, and at which sigmas; None before that.
    asked: the picture [B, C, ...] that the sampler has asked for. sampled: whether its sampler has begun.
    deciding_device: of several devices, the one whose call decides for all. decided: set when that call has decided.
    """

    def __init__(self, run: TapRun, adapter: Adapter | InOutAdapter, model: nn.Module) -> None:
        self.run, self.adapter, self.model = run, adapter, model
        self._others: dict[int, Adapter | InOutAdapter] = {}
        self._counts: dict[int, BlockCount] = {}
        self.shapes: Sequence[Shape] = ()
        self.checked: set[int] = set()
        self.keys, self.unread = ConditionKeys(), Unread()
        self.live: LiveRun | None = None
        self.parts: list[Shape] = []
        self.wrapped = self.windowed = False
        self.needed, self.told = 0.0, 0
        self.followers: list[Callable[[TapRecord, LiveRun], None]] = []
        self.deciding_device: torch.device | None = None
        self.decided = threading.Event()
        self.awaited: Callable[[], None] | None = None
        self.asked: Tensor | None = None
        self.conditions: tuple[list, Tensor] | None = None
        self.sampled = False

    def __deepcopy__(self, memo: dict) -> "RunState":
        """The same run: some nodes copy the options deeply at every step."""
        return self

    def adapter_of(self, base: nn.Module) -> Adapter | InOutAdapter:
        """The adapter of the model that a call runs: a guider may have a second model, and each device has its own."""
        model = plain_module(base.diffusion_model)
        if model is self.model:
            return self.adapter
        if id(model) not in self._others:
            adapter = self._others[id(model)] = find_adapter(model)
            reason = why_in_full(adapter, model, type(base).__name__)
            if reason:
                self.run.notes.fall_back(reason)
        return self._others[id(model)]

    def runs(self, patcher: object) -> bool:
        """Whether a ModelPatcher, or None, is of a model that this run calls."""
        inner = getattr(getattr(patcher, "model", None), "diffusion_model", None)
        return inner is not None and id(plain_module(inner)) in {id(self.model), *self._others}

    @property
    def reaches_blocks(self) -> bool:
        """Whether the run looks into blocks, or passes them over."""
        run = self.run
        return run.decider.skips_any and not run.notes.fell_back and not isinstance(self.adapter, InOutAdapter)

    def blocks_of(self, model: nn.Module, adapter: Adapter | InOutAdapter) -> BlockCount:
        """The blocks of a model as they were when the run began: a cache may put others in their place in a call."""
        if id(model) not in self._counts:
            if isinstance(adapter, InOutAdapter):
                self._counts[id(model)] = BlockCount.of_unknown(model)
            else:
                blocks = adapter.blocks(model)
                self._counts[id(model)] = BlockCount(blocks.modules, blocks.keys)
        return self._counts[id(model)]

    def call_comes(self) -> None:
        """A model call is about to be made; the guider may have begun no evaluation for it."""
        awaited, self.awaited = self.awaited, None
        if awaited is not None:
            awaited()

    def begin(self, sigma: float, x: Tensor, deciding_device: torch.device | None = None) -> None:
        """A model evaluation of x [B, C, ...] starts."""
        self.keys.clear()
        self.decided.clear()
        self.conditions = None
        self.deciding_device = deciding_device
        self.run.begin(sigma, x.device, x)


def state_of(options: dict, base: nn.Module | None = None) -> RunState | None:
    """The state of the run that these transformer options belong to; None if TAP is not in use.

    base: the model that is called. Options that a node copied when sampling started have TAP's wrappers, and not yet
    the run; then the model knows it.
    """
    if RUN_KEY in options or base is None:
        return options.get(RUN_KEY)
    return vars(base).get(RUN_KEY)


@contextmanager
def running(base: nn.Module, state: RunState | None) -> Iterator[None]:
    """The model knows its run for a while, or that it has none."""
    quiet = no_recorded_allocations() if state is not None and state.reaches_blocks else nullcontext()
    with quiet, shadowed([Shadow(base, RUN_KEY, state)]):
        yield
