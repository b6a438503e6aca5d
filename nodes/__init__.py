"""The nodes of the pack."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

NODES: list[type[io.ComfyNode]] = []


class TapExtension(ComfyExtension):
    """Lists the nodes for ComfyUI."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """The node classes, in the order of the menus."""
        return NODES
