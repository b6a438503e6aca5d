"""TAP for ComfyUI: what ComfyUI loads. Nothing heavy is imported before ComfyUI asks for the nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .nodes import TapExtension

# What the browser loads: ComfyUI serves this folder.
WEB_DIRECTORY = "./web"


async def comfy_entrypoint() -> TapExtension:
    """The extension that lists the nodes of this pack."""
    from .nodes import TapExtension

    return TapExtension()
