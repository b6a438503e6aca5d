"""What is forecast, and how it is read and put back at the final layer.

Each target attaches one hook to the final layer of one forward and gives its handle.
"""

from typing import Protocol

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


class Caught:
    """What a forward has shown so far. stream: [B, N, D] before block 0; target: [B, N, C]; complete: final layer seen."""

    def __init__(self, image: slice) -> None:
        self.image = image
        self.stream: Tensor | None = None
        self.probe: Tensor | None = None
        self.target: Tensor | None = None
        self.complete = False

    def put_back(self, whole: Tensor, part: Tensor) -> Tensor:
        """`whole` [B, M, C] with its image tokens replaced by `part` [B, N, C]; neither is written into."""
        self.complete = True
        if part.shape == whole.shape:
            return part
        whole = whole.clone()
        whole[:, self.image] = part
        return whole


class Target(Protocol):
    """One kind of target. keeps_stream: whether the stream before block 0 has to be kept through the forward."""

    keeps_stream: bool

    def read(self, layer: nn.Module, caught: Caught) -> RemovableHandle:
        """On a full step: take the target when the final layer runs."""
        ...

    def write(self, layer: nn.Module, caught: Caught) -> RemovableHandle:
        """On a skipped step: put `caught.target` in its place."""
        ...


class ResidualTarget:
    """The stream after the last block minus the stream before block 0, TAP Eq. (6)."""

    keeps_stream = True

    def read(self, layer: nn.Module, caught: Caught) -> RemovableHandle:
        """Subtract at the final layer's input."""

        def before(module: nn.Module, args: tuple, kwargs: dict) -> None:
            if caught.stream is not None:
                caught.target = args[0][:, caught.image] - caught.stream
                caught.complete = True

        return layer.register_forward_pre_hook(before, with_kwargs=True)

    def write(self, layer: nn.Module, caught: Caught) -> RemovableHandle:
        """Add at the final layer's input, whatever the skipped blocks handed on."""

        def before(module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict] | None:
            if caught.target is None:
                return None
            return (caught.put_back(args[0], caught.stream + caught.target), *args[1:]), kwargs

        return layer.register_forward_pre_hook(before, with_kwargs=True)


class OutputTarget:
    """The final layer's output tokens: a flow model's velocity, patch by patch."""

    keeps_stream = False

    def read(self, layer: nn.Module, caught: Caught) -> RemovableHandle:
        """Copy the final layer's output."""

        def after(module: nn.Module, args: tuple, output: Tensor) -> None:
            caught.target = output[:, caught.image].clone()
            caught.complete = True

        return layer.register_forward_hook(after)

    def write(self, layer: nn.Module, caught: Caught) -> RemovableHandle:
        """Replace the final layer's output."""

        def after(module: nn.Module, args: tuple, output: Tensor) -> Tensor | None:
            return None if caught.target is None else caught.put_back(output, caught.target)

        return layer.register_forward_hook(after)


TARGET_KINDS: dict[str, Target] = {"residual": ResidualTarget(), "output": OutputTarget()}
