"""Reaches into one forward of a diffusion model: block 0, the other blocks, and the final layer.

Nothing of a model's forward is copied here. All replacements end with the call.
"""

from collections.abc import Callable, Mapping, Set
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol

import torch
from torch import Tensor, nn

from .adapter import Adapter, Entry
from .blocks import Arguments, Original
from .cut import Cut
from .hooks import Look, input_hook, output_hook
from .self_check import watched_attention
from .shadow import shadowed
from .targets import Caught, Target

# What an adapter raises if a fork, or another ComfyUI version, has other names, arguments or shapes.
MOVED = (AttributeError, LookupError, TypeError, ValueError, RuntimeError)

Forward = Callable[[dict], Tensor]
Predict = Callable[[Tensor], Tensor | None]
Decide = Callable[[Caught], Tensor | None]
SeeEntry = Callable[[Caught], None]


class Seam(Protocol):
    """One model call: computed and captured, or forecast."""

    caught: Caught

    def compute(self, forward: Forward, options: dict) -> Tensor:
        """Run the forward in full and capture its probe and target."""
        ...

    def forecast(self, forward: Forward, options: dict, predict: Predict) -> Tensor:
        """What the forward would give if its target were `predict(probe)` [B, N, C]."""
        ...

    def attempt(self, forward: Forward, options: dict, decide: Decide, verify: Tensor | None = None) -> Tensor:
        """As `forecast` with the target that `decide` gives at block 0; as `compute`, bit for bit, if it gives None.

        verify: a forecast of the last block's input [B, M, D], for which a skipped call runs that block.
        """
        ...


class BlockSeam:
    """The seam of a model whose blocks are known.

    cut: how the call's latent is cut into tokens. watch: capture what enters block 0's attention. keeps: what else to
    capture, see Caught. on_entry: called with what was captured at block 0, before that runs.
    """

    def __init__(self, adapter: Adapter, model: nn.Module, target: Target, cut: Cut, conditions: Mapping[str, object],
                 watch: bool = False, keeps: Set[str] = frozenset(), on_entry: SeeEntry | None = None) -> None:
        self.adapter, self.model, self.target, self.watch, self.keeps = adapter, model, target, watch, keeps
        self.cut, self.conditions, self.on_entry = cut, conditions, on_entry
        self.blocks = adapter.blocks(model)
        self.caught = Caught(picture=target.at_output and adapter.output_is_picture)

    def compute(self, forward: Forward, options: dict) -> Tensor:
        """Run the forward in full and capture its probe and target."""

        def first_block(args: Arguments, original: Original) -> object:
            self._enter(args)
            return self._run_first(args, original)

        with ExitStack() as stack:
            stack.callback(self._free)
            if self.watch:
                stack.enter_context(watched_attention(self.adapter, self.model, self.caught))
            stack.enter_context(self._hook_after_blocks(self._read))
            last = self._run_last if "last_output" in self.keeps else None
            return forward(stack.enter_context(self.blocks.taken_over(options, first_block, last=last)))

    def forecast(self, forward: Forward, options: dict, predict: Predict) -> Tensor:
        """Run the forward with every block skipped and `predict(probe)` [B, N, C] as the target."""

        def first_block(args: Arguments, original: Original) -> object:
            self._enter(args)
            self.caught.target = None if self.caught.probe is None else predict(self.caught.probe)
            self.caught.skipped = True
            return self.blocks.skipped(args)

        def skip(args: Arguments, original: Original) -> object:
            return self.blocks.skipped(args)

        with ExitStack() as stack:
            stack.callback(self._free)
            stack.enter_context(shadowed(self.adapter.extras(self.model)))
            stack.enter_context(self._hook_after_blocks(self._write))
            return forward(stack.enter_context(self.blocks.taken_over(_without_patches(options), first_block, skip)))

    def capture_probe(self, forward: Forward, options: dict) -> None:
        """Capture only the probe: every block is skipped, and no target is put back."""
        self.forecast(forward, options, lambda probe: None)
        self.caught.skipped, self.caught.complete = False, self.caught.probe is not None

    def attempt(self, forward: Forward, options: dict, decide: Decide, verify: Tensor | None = None) -> Tensor:
        """Run the forward, and decide at block 0 whether to skip the blocks. See Seam."""
        caught = self.caught

        def first_block(args: Arguments, original: Original) -> object:
            self._enter(args)
            run = self._run_first(args, original) if "block" in self.keeps else None
            caught.target = None if caught.probe is None else decide(caught)
            if caught.target is None:
                return original(args) if run is None else run
            caught.skipped = True
            # Not before: a call that is computed needs what runs between the blocks.
            stack.enter_context(shadowed(self.adapter.extras(self.model)))
            return self.blocks.skipped(args)

        def other(args: Arguments, original: Original) -> object:
            return self.blocks.skipped(args) if caught.skipped else original(args)

        def last(args: Arguments, original: Original) -> object:
            if not caught.skipped:
                return self._run_last(args, original) if "last_output" in self.keeps else original(args)
            name = self._name(args)
            if verify is not None and verify.shape == self.adapter.tokens(args[name], caught.entry).shape:
                self._run_last({**args, name: self.adapter.like(verify, args[name], caught.entry)}, original)
            return self.blocks.skipped(args)

        def after_blocks(whole: Tensor) -> Tensor | None:
            return self._write(whole) if caught.skipped else self._read(whole)

        with ExitStack() as stack:
            stack.callback(self._free)
            stack.enter_context(self._hook_after_blocks(after_blocks))
            return forward(stack.enter_context(self.blocks.taken_over(options, first_block, other, last)))

    def _free(self) -> None:
        """Free block 0's arguments: their options refer to this seam, a cycle that only the collector would end."""
        if self.caught.entry is not None:
            self.caught.entry.args = {}

    def _enter(self, args: Arguments) -> None:
        """Block 0 is called. Blocks change the stream in place, so what is needed later is copied."""
        caught = self.caught
        try:
            self._take_probe(args)
        except torch.OutOfMemoryError:
            raise
        except MOVED:
            caught.probe = None
        if caught.probe is None:
            caught.strange = True
            return
        caught.start = None if self.target.at_output else caught.entry.tokens.clone()
        if "stream" in self.keeps:
            caught.stream = caught.entry.tokens.clone() if caught.start is None else caught.start
        if self.on_entry is not None:
            self.on_entry(caught)

    def _run_first(self, args: Arguments, original: Original) -> object:
        result = original(args)
        if "block" in self.keeps and not self.caught.strange:
            stream = self._stream_in(args, result)
            self.caught.block = self.adapter.tokens(stream, self.caught.entry)[:, self.caught.entry.image].clone()
        return result

    def _run_last(self, args: Arguments, original: Original) -> object:
        caught, stream = self.caught, self._name(args)
        if caught.strange:
            return original(args)
        caught.last_input = self.adapter.tokens(args[stream], caught.entry).clone()
        if caught.skipped:
            args = {**args, stream: self.adapter.like(caught.last_input.clone(), args[stream], caught.entry)}
        result = original(args)
        caught.last_output = self.adapter.tokens(self._stream_in(args, result), caught.entry).clone()
        return result

    def _stream_in(self, args: Arguments, result: object) -> Tensor:
        """The stream in a block's result: it has the same place there as in the result of a skipped block."""
        name, skipped = self._name(args), self.blocks.skipped(args)
        if isinstance(skipped, Mapping):
            return result[name]
        return result if skipped is args[name] else result[[part is args[name] for part in skipped].index(True)]

    def _name(self, args: Arguments) -> str:
        """The name of the stream among a block's arguments."""
        return self.adapter.stream if self.adapter.stream in args else self.adapter.last_stream

    def _read(self, whole: Tensor) -> None:
        caught = self.caught
        if caught.probe is not None:
            caught.target, caught.complete = self.target.read(caught, whole), True

    def _write(self, whole: Tensor) -> Tensor | None:
        if self.caught.target is None:
            return None
        self.caught.complete = True
        return self.target.write(self.caught, whole)

    def _take_probe(self, args: Arguments) -> None:
        entry = Entry(self.adapter, self.model, args, self.conditions, self.cut)
        entry.stream = self.adapter.tokens(args[self.adapter.stream], entry)
        entry.image = self.adapter.image_tokens(entry)
        self.caught.entry = entry
        # An adapter does not know a stream without all tokens of the picture.
        if entry.tokens.shape[1] == entry.count:
            self.caught.probe = self.adapter.probe(self.blocks.first, entry)

    def _hook_after_blocks(self, look: Look) -> AbstractContextManager[None]:
        if self.target.at_output:
            return output_hook(self.adapter.output_layer(self.model), look)
        return input_hook(self.adapter.final_layer(self.model), look)


def _without_patches(options: dict) -> dict:
    """The options without the patches that run after each block: the forecast holds their effect."""
    patches = {name: calls for name, calls in options.get("patches", {}).items() if name != "double_block"}
    return {**options, "patches": patches} if "patches" in options else options
