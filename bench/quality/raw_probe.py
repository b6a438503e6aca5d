"""TAP with the stream itself as the probe, before normalisation and modulation: the control of the paper's Table 6."""

from __future__ import annotations

from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from torch import Tensor, nn


class RawProbe:
    """An adapter that looks at block 0's input as it is, and is otherwise the one it was made from."""

    def __init__(self, adapter: object) -> None:
        self._adapter = adapter

    def __getattr__(self, name: str) -> object:
        return getattr(self._adapter, name)

    def probe(self, block: nn.Module, entry: object) -> Tensor:
        """The picture's tokens [B, N, D] of the stream; a copy, as blocks add to it in place."""
        return entry.tokens.clone()


class RawProbePatch(TapPatch):
    """Installs TAP with the raw probe."""

    def _start(self, *args: object) -> object:
        sampling = super()._start(*args)
        if sampling is not None:
            sampling.adapter = RawProbe(sampling.adapter)
            sampling.checked.add(id(sampling.model))  # the self-check compares with the modulated input
        return sampling
