"""What one model call is about: its conditions, its part of the latent, and how that is cut into tokens."""

from torch import Tensor, nn

from ....tap_core.sampling.still_share import still_share
from ..seam.adapter import Adapter
from ..seam.block_count import BlockCount
from ..seam.call_target import CallTarget
from ..seam.cut import cut_of, is_packed, parts_of
from ..seam.in_out_seam import InOutAdapter
from ..seam.patches import filled_share
from ..seam.plain_module import plain_module
from .others import place_in
from .run_state import RunState


class CallContext:
    """One call of the diffusion model on x [B*conditions, C, (T,) H, W] at sigmas [B*conditions].

    decides: whether this call decides for those of all devices. place: where in the sampler's latent x is: () if it is
    all of it, None if it is not in there. keys: one for each condition. grid: of the picture's tokens.
    """

    def __init__(self, state: RunState, base: nn.Module, adapter: Adapter | InOutAdapter,
                 noisy: tuple[Tensor, Tensor], options: dict, conditions: dict, control: object = None) -> None:
        self.state, self.adapter, self.tap, self.decider = state, adapter, state.run, state.run.decider
        self.base, self.model = base, plain_module(base.diffusion_model)
        (self.x, self.sigmas), self.options, self.conditions = noisy, options, conditions
        device = options.get("multigpu_thread_device")
        self.decides = device is None or device == state.deciding_device
        self.place = place_in(self.decider.seen.x, self.x) if state.wrapped else ()
        where = (device or self.x.device, id(self.model), self.place, self.tap.levels.latent)
        self.keys = state.keys.of(options, base, control, where, self.decider.seen.sigma)
        self.shapes = conditions.get("latent_shapes")
        self.grid = adapter.grid(self.model, parts_of(self.x, self.shapes)[0])
        self.cut = cut_of(self.x, self.grid, self.shapes, adapter.side_patch)

    @property
    def blocks(self) -> BlockCount:
        """The model's blocks as they were when the run began."""
        return self.state.blocks_of(self.model, self.adapter)

    @property
    def unchecked(self) -> bool:
        """Whether the model has not passed the self-check in this run."""
        return id(self.model) not in self.state.checked

    def whole_batch(self) -> bool:
        """Whether each condition of this call is ComfyUI's own and has all pictures of the batch.

        Another node's wrapper may split a batch, or put in or take out prompts.
        """
        if not len(self.keys) == len(self.options["uuids"]) == len(self.options["cond_or_uncond"]):
            return False
        whole, (each, rest) = self.decider.seen.x, divmod(len(self.x), len(self.keys))
        return not rest and each >= (1 if whole is None else len(whole))

    def show_grid(self) -> None:
        """Record the grid of the whole picture's tokens; this call may have only a part of the picture."""
        whole = self.decider.seen.x
        if whole is not None and is_packed(self.shapes) and is_packed(self.state.shapes):
            whole = parts_of(whole, self.state.shapes)[0]
        elif is_packed(self.shapes) or whole is None or whole.shape[2:] == self.x.shape[2:]:
            whole = parts_of(self.x, self.shapes)[0]
        record = self.tap.record
        record.grid = self.adapter.grid(self.model, whole)
        record.filled = filled_share(whole, self.adapter.patch(self.model), record.grid)

    def call_target(self, kind: str) -> CallTarget:
        """Reads and writes a target of this kind in the output of this call."""
        sigma, noisy = self.sigmas.reshape(-1, *[1] * (self.x.ndim - 1)), self.tap.motion.noisy
        noisy, still = None if noisy is None else noisy.to(self.x.device), still_share(self.tap.timeline.mixes)
        return CallTarget(kind, self.x, sigma, self.cut, noisy, still)
