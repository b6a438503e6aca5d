"""Takes hold of one forward of a diffusion model: block 0, the other blocks, and the final layer.

Nothing is copied from a model's forward. Whatever is put in place lives as long as the call.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol

from torch import Tensor, nn

from .adapter import Adapter, Entry
from .blocks import Arguments, Original
from .layers import Meet, met_input, met_output
from .patches import Grid
from .self_check import watched_attention
from .shadow import shadowed
from .targets import Caught, Target, as_tokens

Forward = Callable[[dict], Tensor]
Predict = Callable[[Tensor], Tensor]


class Seam(Protocol):
    """One model call: computed and caught, or forecast."""

    caught: Caught

    def compute(self, forward: Forward, options: dict) -> Tensor:
        """Run the forward in full and catch its probe and target."""
        ...

    def forecast(self, forward: Forward, options: dict, predict: Predict) -> Tensor:
        """What the forward would give if its target were `predict(probe)` [B, N, C]."""
        ...


class BlockSeam:
    """The seam of one model call whose picture has `grid` tokens. watch: see what enters block 0's attention."""

    def __init__(self, adapter: Adapter, model: nn.Module, target: Target, grid: Grid, conditions: Mapping[str, object],
                 watch: bool = False) -> None:
        self.adapter, self.model, self.target, self.watch = adapter, model, target, watch
        self.grid, self.conditions = grid, conditions
        self.blocks = adapter.blocks(model)
        self.caught = Caught(picture=target.at_output and adapter.output_is_picture)

    def compute(self, forward: Forward, options: dict) -> Tensor:
        """Run the forward in full and catch its probe and target."""
        caught = self.caught

        def first_block(args: Arguments, original: Original) -> object:
            self._take_probe(args)
            # Blocks add to the stream in place.
            caught.start = None if self.target.at_output else caught.entry.tokens.clone()
            return original(args)

        def read(whole: Tensor) -> None:
            if caught.probe is not None:
                caught.target, caught.complete = self.target.read(caught, whole), True

        with ExitStack() as stack:
            if self.watch:
                stack.enter_context(watched_attention(self.adapter, self.model, caught))
            stack.enter_context(self._behind_the_blocks(read))
            return forward(stack.enter_context(self.blocks.taken_over(options, first_block, skip=False)))

    def forecast(self, forward: Forward, options: dict, predict: Predict) -> Tensor:
        """Run the forward with every block passed over and `predict(probe)` [B, N, C] as the target."""
        caught = self.caught

        def first_block(args: Arguments, original: Original) -> object:
            self._take_probe(args)
            caught.start = None if self.target.at_output else caught.entry.tokens.clone()
            caught.target = predict(caught.probe)
            return self.blocks.passed(args)

        def write(whole: Tensor) -> Tensor | None:
            if caught.target is None:
                return None
            caught.complete = True
            return self.target.write(caught, whole)

        with ExitStack() as stack:
            stack.enter_context(shadowed(self.adapter.extras(self.model)))
            stack.enter_context(self._behind_the_blocks(write))
            return forward(stack.enter_context(self.blocks.taken_over(_quiet(options), first_block, skip=True)))

    def _take_probe(self, args: Arguments) -> None:
        stream = as_tokens(args[self.adapter.stream])
        entry = Entry(self.model, args, self.conditions, self.grid, stream)
        entry.image = self.adapter.image_tokens(entry)
        self.caught.entry = entry
        self.caught.probe = self.adapter.probe(self.adapter.first_block(self.model), entry)

    def _behind_the_blocks(self, meet: Meet) -> AbstractContextManager[None]:
        if self.target.at_output:
            return met_output(self.adapter.output_layer(self.model), meet)
        return met_input(self.adapter.final_layer(self.model), meet)


def _quiet(options: dict) -> dict:
    """The options without the patches that run behind each block: what they add is replaced with the rest."""
    patches = {name: calls for name, calls in options.get("patches", {}).items() if name != "double_block"}
    return {**options, "patches": patches} if "patches" in options else options
