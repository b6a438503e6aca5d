"""What TAP needs to know of an architecture: a page that names its parts. README.md says how to write one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Protocol

from torch import Tensor, nn

from .blocks import Blocks
from .cut import SIDE_PATCH, Cut
from .layout import Whole, as_tokens, like
from .patches import Grid, patch_grid
from .shadow import Method, Shadow


@dataclass
class Entry:
    """One call of block 0.

    args: the block's arguments by name. conditions: what the sampler gave the model besides the latent.
    cut: how the latent is cut into tokens. stream: [B, M, D] all tokens of the stream. image: where in the stream the
    tokens of the picture are, and those of what is made with it, such as sound; a slice or indices.
    """

    adapter: Adapter
    model: nn.Module
    args: Mapping[str, object]
    conditions: Mapping[str, object]
    cut: Cut
    stream: Tensor | None = None
    image: slice | Tensor = field(default_factory=lambda: slice(None))

    @property
    def grid(self) -> Grid:
        """Frames, rows and columns of the picture's tokens."""
        return self.cut.grids[0]

    @property
    def batch(self) -> int:
        """Number of pictures in the call."""
        return self.cut.batch

    @property
    def count(self) -> int:
        """Number of tokens that the model makes."""
        return self.cut.count

    @property
    def tokens(self) -> Tensor:
        """The picture's tokens [B, N, D]."""
        return self.stream[:, self.image]


class Adapter(Protocol):
    """The parts of one architecture by name, such as "attn.to_q". A part that a name cannot say has a method below.

    D: channels of the stream. M: all of its tokens. N: image or video tokens; reference tokens are not among them.
    """

    name: str
    stream = "img"  # what block 0 calls the stream
    last_stream = ""  # what the last block calls it, if it has no argument of that name
    attention: str  # in block 0: the module whose first argument is the modulated input
    final: str  # in the model: the module after the last block; its first argument is the stream
    output = ""  # in the model: the module that gives the output tokens, if `final` does not
    output_is_picture = False  # whether that gives [B, C, (T,) H, W] instead of tokens
    patch_size: Sequence[int] | None = None  # frames, rows and columns of the latent in a token, if not the model's own
    side_patch = SIDE_PATCH  # how sound that is packed with a video is cut into tokens
    # Block arguments, besides the stream, with something for each token, and in which dimensions; ranges of tokens have
    # none. The text stands before the picture. None: TAP cannot compute some tokens without the others. A subclass
    # gives its own, or has none.
    cuts: Mapping[str, Sequence[int]] | None = None
    # In the model: modules and methods whose results only the blocks read, such as rotary tables and the text.
    only_for_blocks: Sequence[str] = ()
    image_is_last = False  # whether the picture's tokens are the last of the stream, else they are the first

    def name_of(self, model: nn.Module) -> str:
        """The name by which methods know the model; what was measured on others of its class may not fit it."""
        return self.name

    def blocks(self, model: nn.Module) -> Blocks:
        """All blocks, and how they are reached."""
        ...

    def first_block(self, model: nn.Module) -> nn.Module:
        """Block 0."""
        return self.blocks(model).first

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """Block 0's modulated input [B, N, D] (TAP Eq. 5), bit for bit as the block computes it."""
        ...

    def attention_input(self, block: nn.Module) -> nn.Module | Method | list[nn.Module | Method]:
        """The probe is compared once with the first argument of this layer; one for each stream, if there are two."""
        return attrgetter(self.attention)(block)

    def final_layer(self, model: nn.Module) -> nn.Module | Method | list[nn.Module | Method]:
        """What runs after the last block and is given the stream; several if each of them is, or one of them."""
        return attrgetter(self.final)(model)

    def output_layer(self, model: nn.Module) -> nn.Module | Method | list[nn.Module | Method]:
        """What gives the output tokens."""
        return attrgetter(self.output)(model) if self.output else self.final_layer(model)

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Frames, rows and columns of the latent in one token."""
        size = self.patch_size or model.patch_size
        return (1, size, size) if isinstance(size, int) else size

    def grid(self, model: nn.Module, latent: Tensor) -> Grid:
        """Frames, rows and columns of tokens that the latent [B, C, (T,) H, W] is cut into."""
        return patch_grid(latent, self.patch(model))

    def image_tokens(self, entry: Entry) -> slice | Tensor:
        """Where the picture's tokens stand in the stream; most models put references after them."""
        return slice(-entry.count, None) if self.image_is_last else slice(0, entry.count)

    def tokens(self, whole: Whole, entry: Entry) -> Tensor:
        """[B, M, D] of a stream as the model gives it to block 0, to its attention or to the final layer."""
        return as_tokens(whole, entry.batch)

    def like(self, tokens: Tensor, whole: Whole, entry: Entry) -> Whole:
        """Tokens [B, M, D] in the shape of `whole`: the way back."""
        return like(tokens, whole)

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """What else runs between the blocks, and what takes its place in a skipped call."""
        return ()
