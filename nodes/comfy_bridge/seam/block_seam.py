"""Reaches into one forward of a diffusion model: block 0, the other blocks, and the final layer.

Nothing of a model's forward is copied here. All replacements end with the call.
"""

from collections.abc import Mapping, Set
from contextlib import AbstractContextManager, ExitStack

import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor, nn

from .adapter import Adapter, Entry
from .block_count import CountedCall
from .blocks import Arguments, Original
from .cut import Cut
from .hooks import SeeTensor, input_hook, listed, output_hook
from .leaving import Left, WayOut
from .part import Part
from .seam import Decide, Forward, Predict, SeeEntry
from .self_check import watched_attention
from .shadow import Method, shadowed
from .targets import Captured, Target, image_tokens, with_image_tokens
from .unfinished import begun_by, put_back
from .unread import Unread, named_parts

# What an adapter raises if a fork, or another ComfyUI version, has other names, arguments or shapes.
MOVED = (AttributeError, LookupError, TypeError, ValueError, RuntimeError)


class BlockSeam:
    """The seam of a model whose blocks are known.

    cut: how the call's latent is cut into tokens. watch: capture what enters block 0's attention. keeps: what else to
    capture, see Captured. on_entry: called with what was captured at block 0, before that runs. counted: counts the
    blocks that run. unread: leaves out what nobody reads in a call that is known to be skipped.
    """

    def __init__(self, adapter: Adapter, model: nn.Module, target: Target, cut: Cut, conditions: Mapping[str, object],
                 watch: bool = False, keeps: Set[str] = frozenset(), on_entry: SeeEntry | None = None,
                 counted: CountedCall | None = None, unread: Unread | None = None) -> None:
        self.adapter, self.model, self.target, self.watch, self.keeps = adapter, model, target, watch, keeps
        self.cut, self.conditions, self.on_entry = cut, conditions, on_entry
        self.blocks = adapter.blocks(model)
        self.counted, self.unread = counted, unread
        self.captured = Captured(picture=target.at_output and adapter.output_is_picture)

    def compute(self, forward: Forward, options: dict) -> Tensor:
        """Run the forward in full and capture its probe and target."""

        def first_block(args: Arguments, original: Original) -> object:
            self._enter(args)
            return original(args) if self.captured.entries > 1 else self._run_counted(args, original, stack)

        options = self._with_patches_seen(options)
        with ExitStack() as stack:
            stack.callback(self._free)
            if self.watch:
                stack.enter_context(watched_attention(self.adapter, self.model, self.captured))
            stack.enter_context(self._hook_after_blocks(self._read))
            last = self._run_last if "last_output" in self.keeps else None
            return forward(stack.enter_context(self.blocks.taken_over(options, first_block, last=last)))

    def forecast(self, forward: Forward, options: dict, predict: Predict, gives: Tensor | None = None
                 ) -> Tensor:
        """Run the forward with every block skipped and `predict(probe)` [B, N, C] as the target.

        gives: an empty result that looks like its own, if nobody reads that: then the forward ends at block 0.
        """
        way_out = WayOut(self.model, options)

        def first_block(args: Arguments, original: Original) -> object:
            self._enter(args)
            if self.captured.entries > 1:
                return self.blocks.skipped(args)
            self.captured.target = None if self.captured.probe is None else predict(self.captured.probe)
            self.captured.skipped = True
            if gives is not None and self.captured.target is not None and way_out.open:
                self.captured.complete = True
                raise Left
            return self.blocks.skipped(args)

        def skip(args: Arguments, original: Original) -> object:
            return self.blocks.skipped(args)

        try:
            with ExitStack() as stack:
                stack.callback(self._free)
                stack.callback(put_back, begun_by(options))
                stack.enter_context(shadowed(self.adapter.extras(self.model)))
                if self.unread is not None:  # before the hook, which is TAP's own
                    stack.enter_context(shadowed(self.unread.shadows(self._unread_parts(options), options)))
                stack.enter_context(self._hook_after_blocks(self._write))
                options = stack.enter_context(self.blocks.taken_over(_without_patches(options), first_block, skip))
                return forward(options)
        except Left:
            return gives

    def capture_probe(self, forward: Forward, options: dict) -> None:
        """Capture only the probe: every block is skipped, and no target is put back."""
        self.forecast(forward, options, lambda probe: None)
        self.captured.skipped, self.captured.complete = False, self.captured.probe is not None

    def attempt(self, forward: Forward, options: dict, decide: Decide, verify: Tensor | None = None) -> Tensor:
        """Run the forward, and decide at block 0 whether to skip the blocks. See Seam."""
        captured, begun = self.captured, begun_by(options)

        def first_block(args: Arguments, original: Original) -> object:
            self._enter(args)
            if captured.entries > 1:
                return self.blocks.skipped(args) if captured.skipped else original(args)
            run = self._run_counted(args, original, stack) if "block" in self.keeps else None
            captured.target = None if captured.probe is None else decide(captured)
            if captured.target is None:
                return self._run_counted(args, original, stack) if run is None else run
            captured.skipped = True
            # Not before: a call that is computed needs what runs between the blocks.
            stack.enter_context(shadowed(self.adapter.extras(self.model)))
            return self.blocks.skipped(args)

        def other(args: Arguments, original: Original) -> object:
            return self.blocks.skipped(args) if captured.skipped else original(args)

        def last(args: Arguments, original: Original) -> object:
            if not captured.skipped:
                return self._run_last(args, original) if "last_output" in self.keeps else original(args)
            name = self._name(args)
            if verify is not None and verify.shape == self.adapter.tokens(args[name], captured.entry).shape:
                self._run_last({**args, name: self.adapter.like(verify, args[name], captured.entry)}, original)
            return self.blocks.skipped(args)

        def after_blocks(whole: Tensor) -> Tensor | None:
            return self._write(whole) if captured.skipped else self._read(whole)

        options = self._with_patches_seen(options)
        with ExitStack() as stack:
            stack.callback(self._free)
            stack.callback(lambda: put_back(begun) if captured.skipped else None)
            stack.enter_context(self._hook_after_blocks(after_blocks))
            return forward(stack.enter_context(self.blocks.taken_over(options, first_block, other, last)))

    def compute_part(self, forward: Forward, options: dict, predict: Predict, part: Part) -> Tensor:
        """Run the blocks on a part of the tokens, with `predict(probe)` [B, N, C] as the target of the others.

        As `compute`, bit for bit, where the call does not fit the part; `captured.part` tells.
        """
        captured = self.captured

        def first_block(args: Arguments, original: Original) -> object:
            self._enter(args)
            if captured.probe is not None and part.fits(captured.entry):
                captured.target = predict(captured.probe)
            captured.part = captured.target is not None
            return part.run(args, original) if captured.part else self._run_counted(args, original, stack)

        def other(args: Arguments, original: Original) -> object:
            return part.run(args, original) if captured.part else original(args)

        def after_blocks(whole: Tensor) -> Tensor | None:
            return self._put_together(whole, part) if captured.part else self._read(whole)

        options = self._with_patches_seen(options)
        with ExitStack() as stack:
            stack.callback(self._free)
            stack.enter_context(self._hook_after_blocks(after_blocks))
            return forward(stack.enter_context(self.blocks.taken_over(options, first_block, other)))

    def _unread_parts(self, options: dict) -> list[Method]:
        """What only the blocks read; and the last layers, if a forecast replaces what they give and no wrapper sees."""
        parts = list(named_parts(self.model, self.adapter.only_for_blocks))
        if self.target.at_output and not options.get("wrappers", {}).get(WrappersMP.DIFFUSION_MODEL):
            last = [*listed(self.adapter.final_layer(self.model)), *listed(self.adapter.output_layer(self.model))]
            parts += [Method(layer, "forward") for layer in dict.fromkeys(last) if isinstance(layer, nn.Module)]
        return parts

    def _free(self) -> None:
        """Free block 0's arguments: their options refer to this seam, a cycle that only the collector would end."""
        if self.captured.entry is not None:
            self.captured.entry.args = {}

    def _enter(self, args: Arguments) -> None:
        """Block 0 is called. Blocks change the stream in place, so what is needed later is copied."""
        captured = self.captured
        captured.entries += 1
        try:
            self._take_probe(args)
        except torch.OutOfMemoryError:
            raise
        except MOVED:
            captured.probe = None
        if captured.entries > 1:  # another node runs the model several times: what is captured is of one of them
            captured.mismatch, captured.complete, captured.target = True, False, None
        if captured.probe is None:
            captured.mismatch = True
            return
        captured.start = None if self.target.at_output else captured.entry.tokens.clone()
        if "stream" in self.keeps:
            captured.stream = captured.entry.tokens.clone() if captured.start is None else captured.start
        if self.on_entry is not None:
            self.on_entry(captured)

    def _run_counted(self, args: Arguments, original: Original, stack: ExitStack) -> object:
        """Run block 0, and count from here on, until the stack closes, which blocks run."""
        if self.counted is not None:
            stack.callback(self._tell_replaced)
            self.counted.ran(0, self.blocks.first)  # it has been called already
            stack.enter_context(self.counted.counting(self.blocks.modules))
        return self._run_first(args, original)

    def _with_patches_seen(self, options: dict) -> dict:
        return options if self.counted is None else self.counted.seen(options)

    def _tell_replaced(self) -> None:
        if self.captured.complete and not self.captured.skipped:
            self.captured.replaced = self.counted.replaced()

    def _run_first(self, args: Arguments, original: Original) -> object:
        result = original(args)
        if "block" in self.keeps and not self.captured.mismatch:
            stream = self._stream_in(args, result)
            self.captured.block = self.adapter.tokens(stream, self.captured.entry)[:, self.captured.entry.image].clone()
        return result

    def _run_last(self, args: Arguments, original: Original) -> object:
        captured, stream = self.captured, self._name(args)
        if captured.mismatch:
            return original(args)
        captured.last_input = self.adapter.tokens(args[stream], captured.entry).clone()
        if captured.skipped:
            args = {**args, stream: self.adapter.like(captured.last_input.clone(), args[stream], captured.entry)}
        result = original(args)
        captured.last_output = self.adapter.tokens(self._stream_in(args, result), captured.entry).clone()
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
        captured = self.captured
        if captured.probe is not None:
            captured.target, captured.complete = self.target.read(captured, whole), True

    def _write(self, whole: Tensor) -> Tensor | None:
        if self.captured.target is None:
            return None
        self.captured.complete = True
        return self.target.write(self.captured, whole)

    def _put_together(self, whole: Tensor, part: Part) -> Tensor:
        """`whole` with the forecast tokens put in."""
        forecast = image_tokens(self.target.write(self.captured, whole), self.captured)
        self.captured.complete = True
        return with_image_tokens(whole, part.merged(image_tokens(whole, self.captured), forecast), self.captured)

    def _take_probe(self, args: Arguments) -> None:
        entry = Entry(self.adapter, self.model, args, self.conditions, self.cut)
        entry.stream = self.adapter.tokens(args[self.adapter.stream], entry)
        entry.image = self.adapter.image_tokens(entry)
        self.captured.entry = entry
        # An adapter does not know a stream without all tokens of the picture.
        self.captured.other_tokens = entry.tokens.shape[1] != entry.count
        if not self.captured.other_tokens:
            self.captured.probe = self.adapter.probe(self.blocks.first, entry)

    def _hook_after_blocks(self, see: SeeTensor) -> AbstractContextManager[None]:
        if self.target.at_output:
            return output_hook(self.adapter.output_layer(self.model), see)
        return input_hook(self.adapter.final_layer(self.model), see)


def _without_patches(options: dict) -> dict:
    """The options without the patches that run after each block: the forecast holds their effect."""
    patches = {name: calls for name, calls in options.get("patches", {}).items() if name != "double_block"}
    return {**options, "patches": patches} if "patches" in options else options
