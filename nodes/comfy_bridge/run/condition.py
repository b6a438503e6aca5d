"""Keys that tell the conditions of a model call apart: each is forecast only from its own past."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence

from torch import nn

from .waiting_control import control_state

Key = tuple[Hashable, ...]
# In place of the conditions of an evaluation without any.
NONE = ("none",)


class ConditionKeys:
    """Makes the keys of one model evaluation.

    A key is (id, the guider's number of the prompt, such as 0 for the positive one, frames, changes by other nodes,
    where, number). Guidance that runs the model a second time reuses ids: then the changes differ, or else the number.
    """

    def __init__(self) -> None:
        self._calls: Counter[Key] = Counter()
        self._conditions: set[Key] = set()  # of this evaluation, wherever in the picture
        self._met: set[frozenset[Key]] = set()
        self._before: frozenset[Key] = frozenset()  # of the evaluation before, if any

    def clear(self) -> None:
        """A model evaluation starts."""
        self._calls.clear()
        self._conditions.clear()

    def are_others(self) -> bool:
        """Whether this evaluation, which is over, had other conditions than any before it.

        Those of one that had none are always others, and so are the ones after it.
        """
        conditions, before = frozenset(self._conditions), self._before
        if not conditions:
            return False
        others = bool(before) and (NONE in conditions | before or conditions not in self._met)
        self._met.add(conditions)
        self._before = conditions
        return others

    def has_none(self) -> None:
        """This evaluation has no condition at all."""
        self._conditions.add(NONE)

    def of(self, options: dict, base: nn.Module, control: object, where: Hashable, sigma: float) -> list[Key]:
        """One key for each condition in this call. base: ComfyUI's model; where: device, model, part, latent."""
        changes = _changes(options, base, control), _in_range(options, sigma)
        shared = (window_frames(options), *changes, where)
        model = id(base) if options.get("multigpu_thread_device") is None else 0
        keys = []
        # Other nodes may have put in or taken out prompts; then nothing is forecast, see `whole_batch`.
        for uuid, condition in zip(options["uuids"], options["cond_or_uncond"], strict=False):
            key = (uuid, condition, *shared)
            self._conditions.add((uuid, condition, *changes, model))
            self._calls[key] += 1
            keys.append((*key, self._calls[key]))
        return keys


def window_frames(options: dict) -> tuple[int, ...]:
    """The frames of a video in this call if the video is made in windows; () for a whole video."""
    window = options.get("context_window")
    if window is None:
        return ()
    anchor = getattr(window, "causal_anchor_index", None)
    return (*([] if anchor is None or anchor < 0 else [anchor]), *window.index_list)


def _changes(options: dict, base: nn.Module, control: object) -> Key:
    """What other nodes change in the model for this call: patches by place and name, ControlNets, hooks on weights."""
    replaced = ((name, key, name_of(call)) for name, calls in options.get("patches_replace", {}).items()
                for key, call in calls.items())
    patched = ((name, _names(calls)) for name, calls in options.get("patches", {}).items())
    override = options.get("optimized_attention_override")
    return (frozenset(replaced), frozenset(patched), override and name_of(override), _hooked(base),
            control_state(control))


def _in_range(options: dict, sigma: float) -> Key:
    """Which patches work at this sigma, of those that have a range of their own, as some ControlNets do."""
    patches = (getattr(patch, "patch", patch) for calls in options.get("patches", {}).values()
               if isinstance(calls, Sequence) for patch in calls)
    ranges = ((getattr(patch, "sigma_end", None), getattr(patch, "sigma_start", None)) for patch in patches)
    return tuple(float(last) <= sigma <= float(first) for last, first in ranges if None not in (last, first))


def _hooked(base: nn.Module) -> Key:
    """The active hooks on the weights, and their strength."""
    hooks = getattr(getattr(base, "current_patcher", None), "current_hooks", None)
    return () if hooks is None else tuple((id(hook.hook_ref), hook.strength) for hook in hooks.hooks)


def _names(calls: object) -> Key:
    if isinstance(calls, Mapping):
        return tuple((key, _names(value)) for key, value in calls.items())
    return tuple(map(name_of, calls)) if isinstance(calls, Iterable) else (name_of(calls),)


def name_of(call: object) -> str:
    """The name of a patch: some nodes make a new object at each step. ComfyUI's own may hold the one that counts."""
    call = getattr(call, "container_function", None) or call
    kind = call if hasattr(call, "__qualname__") else type(call)
    return f"{kind.__module__}.{kind.__qualname__}"
