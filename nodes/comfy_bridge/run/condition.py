"""What tells the conditions of one model call from all others: each is forecast from its own past alone."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping

from torch import nn

from .waiting_control import control_state

Key = tuple[Hashable, ...]


class ConditionKeys:
    """Makes the keys of one model evaluation.

    A key is (id, number of the prompt as the guider has it, such as 0 for the positive one, frames, make-up, where,
    number). Guidance that runs the model a second time reuses ids: its calls are told apart by their make-up, then by
    their number.
    """

    def __init__(self) -> None:
        self._calls: Counter[Key] = Counter()

    def clear(self) -> None:
        """A model evaluation starts."""
        self._calls.clear()

    def of(self, options: dict, base: nn.Module, control: object, where: Hashable) -> list[Key]:
        """One key for each condition in this call. base: ComfyUI's model; where: what runs the call, on which part."""
        shared = (window_frames(options), _makeup(options, base, control), where)
        keys = []
        for uuid, condition in zip(options["uuids"], options["cond_or_uncond"], strict=True):
            key = (uuid, condition, *shared)
            self._calls[key] += 1
            keys.append((*key, self._calls[key]))
        return keys


def window_frames(options: dict) -> tuple[int, ...]:
    """The frames that this call gets of a video which is made in windows; none for a whole one."""
    window = options.get("context_window")
    if window is None:
        return ()
    anchor = getattr(window, "causal_anchor_index", None)
    return (*([] if anchor is None or anchor < 0 else [anchor]), *window.index_list)


def _makeup(options: dict, base: nn.Module, control: object) -> Key:
    """What other nodes have put into the model for this call, by place and name; weights that hooks have changed."""
    replaced = ((name, key, _name(call)) for name, calls in options.get("patches_replace", {}).items()
                for key, call in calls.items())
    patched = ((name, _names(calls)) for name, calls in options.get("patches", {}).items())
    override = options.get("optimized_attention_override")
    return (frozenset(replaced), frozenset(patched), override and _name(override), _hooked(base),
            control_state(control))


def _hooked(base: nn.Module) -> Key:
    """The hooks at work on the weights, and how strongly."""
    hooks = getattr(getattr(base, "current_patcher", None), "current_hooks", None)
    return () if hooks is None else tuple((id(hook.hook_ref), hook.strength) for hook in hooks.hooks)


def _names(calls: object) -> Key:
    if isinstance(calls, Mapping):
        return tuple((key, _names(value)) for key, value in calls.items())
    return tuple(map(_name, calls)) if isinstance(calls, Iterable) else (_name(calls),)


def _name(call: object) -> str:
    """What a patch is called: some nodes make it anew at each step."""
    kind = call if hasattr(call, "__qualname__") else type(call)
    return f"{kind.__module__}.{kind.__qualname__}"
