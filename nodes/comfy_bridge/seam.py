"""Takes hold of one forward of a diffusion model: block 0, the other blocks, and the final layer.

Nothing is copied from a model's forward and no module is changed: blocks are reached by ComfyUI's
`patches_replace["dit"]`, the final layer by a hook that lives as long as the call.
"""

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from .adapter import Adapter, BlockKey
from .targets import Caught, Target

Forward = Callable[[dict], Tensor]
BlockCall = Callable[[Mapping[str, object], Mapping[str, object]], Mapping[str, object]]


class Seam:
    """The seam of one model call with `tokens` image tokens."""

    def __init__(self, adapter: Adapter, model: nn.Module, target: Target, tokens: int) -> None:
        self.adapter, self.model, self.target = adapter, model, target
        self.keys = adapter.block_keys(model)
        self.caught = Caught(adapter.image_tokens(tokens))

    def compute(self, forward: Forward, transformer_options: dict) -> Tensor:
        """Run the forward in full and catch its probe and target."""
        first = self.keys[0]
        replaced = transformer_options.get("patches_replace", {}).get("dit", {}).get(first)

        def first_block(args: Mapping[str, object], extra: Mapping[str, object]) -> Mapping[str, object]:
            self._take_probe(args)
            if self.target.keeps_stream:
                self.caught.stream = self.caught.stream.clone()  # blocks add to the stream in place
            return replaced(args, extra) if replaced else extra["original_block"](args)

        hook = self.target.read(self.adapter.final_layer(self.model), self.caught)
        try:
            return forward(_with_blocks(transformer_options, {first: first_block}))
        finally:
            hook.remove()

    def forecast(self, forward: Forward, transformer_options: dict, predict: Callable[[Tensor], Tensor]) -> Tensor:
        """Run the forward with every block passed over and `predict(probe)` [B, N, C] as the target."""

        def first_block(args: Mapping[str, object], extra: Mapping[str, object]) -> Mapping[str, object]:
            self._take_probe(args)
            self.caught.target = predict(self.caught.probe)
            return args

        blocks: dict[BlockKey, BlockCall] = {key: _pass_over for key in self.keys}
        hook = self.target.write(self.adapter.final_layer(self.model), self.caught)
        try:
            return forward(_with_blocks(transformer_options, blocks | {self.keys[0]: first_block}))
        finally:
            hook.remove()

    def _take_probe(self, args: Mapping[str, object]) -> None:
        self.caught.stream = args["img"][:, self.caught.image]
        self.caught.probe = self.adapter.probe(self.model, self.caught.stream, args)


def _pass_over(args: Mapping[str, object], extra: Mapping[str, object]) -> Mapping[str, object]:
    return args


def _with_blocks(transformer_options: dict, blocks: dict[BlockKey, BlockCall]) -> dict:
    """A copy of the options with these blocks replaced; ComfyUI shares the original between calls."""
    replace = transformer_options.get("patches_replace", {})
    return {**transformer_options, "patches_replace": {**replace, "dit": {**replace.get("dit", {}), **blocks}}}
