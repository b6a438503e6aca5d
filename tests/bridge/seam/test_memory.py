"""A model call leaves nothing for Python's garbage collector: on a graphics card that would take memory."""

from __future__ import annotations

import gc
import weakref

import pytest
from tap_pack.nodes.comfy_bridge.seam.block_seam import BlockSeam

from tiny_flux import Accelerated, tiny_flux


@pytest.mark.parametrize("target", ["residual", "output", "auto"])
def test_a_seam_is_freed_when_its_call_ends(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref] = []
    stock = BlockSeam.__init__

    def counted(self: BlockSeam, *args: object, **kwargs: object) -> None:
        stock(self, *args, **kwargs)
        made.append(weakref.ref(self))

    monkeypatch.setattr(BlockSeam, "__init__", counted)
    gc.disable()
    try:
        Accelerated(tiny_flux(), target=target).sample(steps=6)
        assert len(made) >= 4
        assert [seam() for seam in made] == [None] * len(made)
    finally:
        gc.enable()
