"""Every template by its name, which is the name of its file.

ComfyUI's browser of templates shows and searches names of files only, and finds a word only if it starts within the
first 33 letters: the words people search for (fast, speed, cache, accelerate) stand in the names.
"""

from __future__ import annotations

from .edits import EDITS
from .free import FREE_TEMPLATES
from .graph import Graph
from .pictures import PICTURES, draw_picture
from .videos import VIDEOS


def every_template(known: dict[str, dict]) -> list[Graph]:
    """All workflows, by name. known: the server's answer to /object_info."""
    writers = {**FREE_TEMPLATES, **EDITS, **VIDEOS}
    graphs = []
    for name in sorted([*writers, *PICTURES]):
        graph = Graph(name, known)
        writers[name](graph) if name in writers else draw_picture(graph, PICTURES[name])
        graphs.append(graph)
    return graphs
