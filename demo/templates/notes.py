"""The note in each template: what it is, which files it needs, what to touch."""

from __future__ import annotations

from collections.abc import Sequence

from .files import ModelFile

CHECKED = ("*Steps and files are those of ComfyUI's own template; this graph has not been run with the full-size model "
           "yet.*")
QUALITY = ("*quality*: how close the picture has to be to the full one, which has every step computed. *draft* is "
           "fastest. After the run the node says how close it is.")


def all_computed(higher: str, quality: str, computed: str) -> str:
    """Why a template has a lower quality than the default. higher: the lowest one at which nothing was saved."""
    return (f"With these settings *{higher}* computed every step on three small models, so *quality* is *{quality}* "
            f"here: it computed {computed} steps.")


def model_note(title: str, sentence: str, files: Sequence[ModelFile], touch: Sequence[str] = ()) -> str:
    """The note of a template with a model to download."""
    lines = [f"## {title}", sentence, "", "**Files**", *file_lines(files), "", "**What to touch**"]
    return "\n".join([*lines, *(f"- {line}" for line in [QUALITY, *touch]), "", CHECKED])


def file_lines(files: Sequence[ModelFile]) -> list[str]:
    """One line for each folder, with its files and the pages they come from."""
    folders = dict.fromkeys(file.folder for file in files)
    return [
        f"- `{folder}`: " + ", ".join(f"[{file.name}]({file.page})" for file in files if file.folder == folder)
        for folder in folders
    ]
