"""Models that torch.compile has wrapped as a whole: computed compiled, looked into uncompiled.

A compiled graph is traced once and then ignores the patches and hooks of later calls, so none of TAP's goes there.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from .block_seam import BlockSeam
from .call_target import CallSeam
from .plain_module import plain_module
from .seam import Decide, Forward, Predict
from .shadow import Shadow, shadowed


def is_compiled(model: nn.Module) -> bool:
    """Whether torch.compile has wrapped the whole model."""
    return plain_module(model) is not model or getattr(model, "_compiled_call_impl", None) is not None


@contextmanager
def uncompiled(base: nn.Module) -> Iterator[None]:
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
    """A seam around a call of a compiled model. inner: the seam around the uncompiled model.

    A computed call runs compiled. Its probe comes from `probe_forward`, which runs with all blocks skipped, at the cost
    of a skipped step. If that is None, more of the inside is needed, and computed calls run uncompiled.
    """

    def __init__(self, inner: BlockSeam | CallSeam, base: nn.Module, probe_forward: Forward | None) -> None:
        self.inner, self.base, self.probe_forward, self.captured = inner, base, probe_forward, inner.captured

    def compute(self, forward: Forward, options: dict) -> Tensor:
        """See Seam."""
        with uncompiled(self.base):
            if self.probe_forward is None:
                return self.inner.compute(forward, options)
            self.inner.capture_probe(self.probe_forward, options)
        return self.inner.read(forward(options))

    def forecast(self, forward: Forward, options: dict, predict: Predict) -> Tensor:
        """See Seam."""
        with uncompiled(self.base):
            return self.inner.forecast(forward, options, predict)

    def attempt(self, forward: Forward, options: dict, decide: Decide, verify: Tensor | None = None) -> Tensor:
        """See Seam."""
        with uncompiled(self.base):
            return self.inner.attempt(forward, options, decide, verify)
