"""The prompt that ComfyUI's server runs or ran."""

from dataclasses import dataclass

from comfy_execution.utils import get_executing_context

from .makings import makings_of


@dataclass(frozen=True)
class Prompt:
    """nodes: as they were queued. workflow: the browser's id of its workflow, "" if it has none. id: the server's."""

    nodes: dict
    workflow: str = ""
    id: str = ""

    def made_by(self) -> str:
        """What the result of the node that runs now is made from; "" if that is not known."""
        context = get_executing_context()
        return makings_of(self.nodes).get(str(getattr(context, "node_id", "")), "")


def prompt_now() -> str:
    """The id of the prompt that runs in this thread; "" if that is not known."""
    return str(getattr(get_executing_context(), "prompt_id", None) or "")


def prompt_of(server: object, prompt_id: str | None) -> Prompt:
    """The prompt of this id; an empty one if the server does not know it."""
    queue = getattr(server, "prompt_queue", None)
    known = list(getattr(queue, "currently_running", {}).values())
    past = getattr(queue, "history", {}).get(prompt_id)
    for _, found, nodes, extra, *_ in [*known, *([past["prompt"]] if past else [])]:
        if found == prompt_id:
            workflow = (extra.get("extra_pnginfo") or {}).get("workflow") or {}
            name = str(workflow.get("id") or "")
            return Prompt(nodes, name if name.strip("0-") else "", found)  # all zeros: it has no id yet
    return Prompt({})
