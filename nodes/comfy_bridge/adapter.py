"""What has to be known of an architecture: a page that names its parts."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor, nn

BlockKey = tuple[str, int]
Grid = tuple[int, int, int]


class Adapter(Protocol):
    """Where one architecture keeps its first block, its blocks and its final layer.

    D: channels of the stream. N: image or video tokens; reference tokens are not among them.
    """

    name: str

    def block_keys(self, model: nn.Module) -> list[BlockKey]:
        """Keys of all blocks in `patches_replace["dit"]`, the first block's first."""
        ...

    def probe(self, model: nn.Module, stream: Tensor, args: Mapping[str, object]) -> Tensor:
        """Block 0's modulated input [B, N, D] (TAP Eq. 5). stream: [B, N, D]; args: what the block was called with."""
        ...

    def final_layer(self, model: nn.Module) -> nn.Module:
        """The module behind the last block; its first argument is the stream."""
        ...

    def grid(self, model: nn.Module, latent: Tensor) -> Grid:
        """Frames, rows and columns of tokens that the latent [B, C, (T,) H, W] is cut into."""
        ...

    def image_tokens(self, count: int) -> slice:
        """Where the `count` image tokens stand in the stream."""
        ...
