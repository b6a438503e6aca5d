"""A ControlNet that waits: it is run when the blocks that want its residuals are, not when ComfyUI makes the batch."""

from collections.abc import Callable, Hashable, Iterator, MutableMapping

import torch
from torch import Tensor

Residuals = dict[str, list]


class WaitingResiduals(MutableMapping):
    """Residuals that are computed when someone looks at them. state: which of the chained ControlNets are at work."""

    def __init__(self, compute: Callable[[], Residuals | None], state: Hashable) -> None:
        self._compute, self.state = compute, state
        self._found: Residuals | None = None
        self._done = False

    def found(self) -> Residuals | None:
        """Themselves, or None where no ControlNet is at work at this step."""
        if not self._done:
            self._found, self._done = self._compute(), True
        return self._found

    def __getitem__(self, name: str) -> list:
        return (self.found() or {})[name]

    def __setitem__(self, name: str, values: list) -> None:
        (self.found() or {})[name] = values

    def __delitem__(self, name: str) -> None:
        del (self.found() or {})[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.found() or {})

    def __len__(self) -> int:
        return len(self.found() or {})


class WaitingControl:
    """Stands in for a ControlNet in the conditions of one model evaluation."""

    def __init__(self, control: object) -> None:
        self._control = control

    def get_control(self, x: Tensor, t: Tensor, *rest: object) -> WaitingResiduals:
        """ComfyUI's call for the residuals of x [B, C, ...] at sigmas t [B]."""
        return WaitingResiduals(lambda: self._control.get_control(x, t, *rest), _at_work(self._control, t))

    def get_instance_for_device(self, device: torch.device) -> "WaitingControl":
        """The same on another device."""
        return WaitingControl(self._control.get_instance_for_device(device))

    def __getattr__(self, name: str) -> object:
        return getattr(self._control, name)


def residuals(control: object) -> object:
    """What the model is to be given, computed now if it was waiting."""
    return control.found() if isinstance(control, WaitingResiduals) else control


def control_state(control: object) -> Hashable:
    """Which ControlNets are at work in a call."""
    if control is None or isinstance(control, WaitingResiduals):
        return () if control is None else control.state
    return (type(control).__name__,)


def _at_work(control: object, t: Tensor) -> tuple[bool, ...]:
    """For each of the chained ControlNets whether its range of steps holds t."""
    states, sigma = [], None
    while control is not None:
        steps = getattr(control, "timestep_range", None)
        if steps is not None and sigma is None:
            sigma = float(t.flatten()[0])
        states.append(steps is None or steps[1] <= sigma <= steps[0])
        control = getattr(control, "previous_controlnet", None)
    return tuple(states)
