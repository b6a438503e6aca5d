"""Models that torch.compile has wrapped as a whole: computed compiled, looked into as they were written.

A compiled graph is traced once and then run whatever patches and hooks a later call brings: none of TAP's goes there.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from .block_seam import BlockSeam, Decide, Forward, Predict
from .call_target import CallSeam
from .plain_module import plain_module
from .shadow import Shadow, shadowed


def is_compiled(model: nn.Module) -> bool:
    """Whether torch.compile stands before the whole model."""
    return plain_module(model) is not model or getattr(model, "_compiled_call_impl", None) is not None


@contextmanager
def as_written(base: nn.Module) -> Iterator[None]:
    """`base.diffusion_model` runs without torch.compile for a while."""
    compiled = base.diffusion_model
    plain = plain_module(compiled)
    base.diffusion_model = plain
    try:
        with shadowed([Shadow(plain, "_compiled_call_impl", None)]):
            yield
    finally:
        base.diffusion_model = compiled


class CompiledSeam:
    """A seam around a call of a compiled model. inner: around the model as it was written.

    A computed call runs compiled; its probe comes from a glance, a forward that passes over the blocks, at the price of
    a skipped step. glance: None if more of the inside is wanted; computed calls then run uncompiled.
    """

    def __init__(self, inner: BlockSeam | CallSeam, base: nn.Module, glance: Forward | None) -> None:
        self.inner, self.base, self.glance, self.caught = inner, base, glance, inner.caught

    def compute(self, forward: Forward, options: dict) -> Tensor:
        """See Seam."""
        with as_written(self.base):
            if self.glance is None:
                return self.inner.compute(forward, options)
            self.inner.look(self.glance, options)
        return self.inner.read(forward(options))

    def forecast(self, forward: Forward, options: dict, predict: Predict) -> Tensor:
        """See Seam."""
        with as_written(self.base):
            return self.inner.forecast(forward, options, predict)

    def attempt(self, forward: Forward, options: dict, decide: Decide, verify: Tensor | None = None) -> Tensor:
        """See Seam."""
        with as_written(self.base):
            return self.inner.attempt(forward, options, decide, verify)
