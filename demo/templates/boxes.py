"""Several nodes as one: a subgraph, as the file of a workflow defines it."""

from __future__ import annotations

import uuid

from .sockets import Socket

# ComfyUI's numbers for the places where links enter and leave a subgraph.
ENTRY, EXIT = -10, -20
ENDS = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


def as_subgraph(
    number: str, title: str, nodes: list[dict], links: list[list], given: dict[str, Socket]
) -> dict:
    """The definition of a subgraph without inputs; number: its id; given: outputs by name, and where they come from."""
    first = len(links) + 1
    leaving = [[first + place, socket.node, socket.output, EXIT, place, socket.kind]
               for place, socket in enumerate(given.values())]
    for link, node, output, *_ in leaving:
        nodes[node - 1]["outputs"][output]["links"].append(link)
    outputs = [{"id": str(uuid.uuid5(uuid.UUID(number), name)), "name": name, "type": socket.kind,
                "linkIds": [first + place]} for place, (name, socket) in enumerate(given.items())]
    links = [*links, *leaving]
    return {
        "id": number, "version": 1, "revision": 0, "name": title,
        "state": {"lastGroupId": 0, "lastNodeId": len(nodes), "lastLinkId": len(links), "lastRerouteId": 0},
        "inputNode": {"id": ENTRY, "bounding": [-200, 0, 120, 40]},
        "outputNode": {"id": EXIT, "bounding": [400, 0, 120, 40 + 20 * len(outputs)]},
        "inputs": [], "outputs": outputs, "widgets": [], "nodes": nodes, "groups": [],
        "links": [dict(zip(ENDS, link, strict=True)) for link in links], "config": {}, "extra": {},
    }
