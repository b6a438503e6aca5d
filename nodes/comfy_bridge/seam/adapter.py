"""What has to be known of an architecture: a page that names its parts. README.md says how to write one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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

    args: what the block was called with, by name; conditions: what the sampler gave the model besides the latent.
    cut: how the latent is cut into tokens. stream: [B, M, D] all tokens of the stream; image: where the tokens of the
    picture, and of what is made with it, stand in it, a slice or places.
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
        """Number of tokens that are made."""
        return self.cut.count

    @property
    def tokens(self) -> Tensor:
        """The picture's tokens [B, N, D]."""
        return self.stream[:, self.image]


class Adapter(Protocol):
    """Where one architecture keeps its blocks, its probe and its final layer.

    D: channels of the stream. M: all of its tokens. N: image or video tokens; reference tokens are not among them.
    """

    name: str
    stream = "img"  # what block 0 calls the stream
    last_stream = ""  # what the last block calls it, if it has no argument of that name
    output_is_picture = False  # whether the output layer gives [B, C, (T,) H, W] instead of tokens
    side_patch = SIDE_PATCH  # how sound that is packed with a video is cut into tokens

    def blocks(self, model: nn.Module) -> Blocks:
        """All blocks, and how they are reached."""
        ...

    def first_block(self, model: nn.Module) -> nn.Module:
        """Block 0."""
        ...

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """Block 0's modulated input [B, N, D] (TAP Eq. 5), bit for bit as the block computes it."""
        ...

    def attention_input(self, block: nn.Module) -> nn.Module | Sequence[nn.Module]:
        """The module of block 0 whose first argument is its modulated input; the probe is compared with it once.

        One for each stream, if there are two.
        """
        ...

    def final_layer(self, model: nn.Module) -> nn.Module | Method | list[nn.Module | Method]:
        """What runs behind the last block and is given the stream; several if each of them is, or one of them."""
        ...

    def output_layer(self, model: nn.Module) -> nn.Module | Method | list[nn.Module | Method]:
        """What gives the output tokens."""
        return self.final_layer(model)

    def patch(self, model: nn.Module) -> Sequence[int]:
        """Frames, rows and columns of the latent in one token."""
        return (1, model.patch_size, model.patch_size)

    def grid(self, model: nn.Module, latent: Tensor) -> Grid:
        """Frames, rows and columns of tokens that the latent [B, C, (T,) H, W] is cut into."""
        return patch_grid(latent, self.patch(model))

    def image_tokens(self, entry: Entry) -> slice | Tensor:
        """Where the picture's tokens stand in the stream; most models put them first, references behind."""
        return slice(0, entry.count)

    def tokens(self, whole: Whole, entry: Entry) -> Tensor:
        """[B, M, D] of a stream as the model hands it on: what enters block 0, its attention or the final layer."""
        return as_tokens(whole, entry.batch)

    def like(self, tokens: Tensor, whole: Whole, entry: Entry) -> Whole:
        """Tokens [B, M, D] in the shape of `whole`: the way back."""
        return like(tokens, whole)

    def extras(self, model: nn.Module) -> Sequence[Shadow]:
        """What else runs between the blocks, and what takes its place in a skipped call."""
        return ()
