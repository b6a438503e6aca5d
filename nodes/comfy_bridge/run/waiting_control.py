"""A ControlNet that waits: it does not run before blocks need its residuals, so a skipped call does not run it."""

from collections.abc import Callable, Hashable, Iterator, MutableMapping

import torch
from torch import Tensor

Residuals = dict[str, list]


class WaitingResiduals(MutableMapping):
    """Residuals that are computed when they are first read. state: which of the chained ControlNets are active."""

    def __init__(self, compute: Callable[[], Residuals | None], state: Hashable) -> None:
        self._compute, self.state = compute, state
        self._residuals: Residuals | None = None
        self._done = False

    def computed(self) -> Residuals | None:
        """The residuals; None if no ControlNet is active at this step."""
        if not self._done:
            self._residuals, self._done = self._compute(), True
        return self._residuals

    def __getitem__(self, name: str) -> list:
        return (self.computed() or {})[name]

    def __setitem__(self, name: str, values: list) -> None:
        (self.computed() or {})[name] = values

    def __delitem__(self, name: str) -> None:
        del (self.computed() or {})[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.computed() or {})

    def __len__(self) -> int:
        return len(self.computed() or {})

    def copy(self) -> "WaitingResiduals":
        """As a dict's: other nodes copy the residuals before they change them."""
        return WaitingResiduals(lambda: dict(self), self.state)


class WaitingControl:
    """Takes the place of a ControlNet in the conditions of one model evaluation."""

    def __init__(self, control: object) -> None:
        self._control = control

    def get_control(self, x: Tensor, t: Tensor, *rest: object) -> WaitingResiduals:
        """ComfyUI's call for the residuals of x [B, C, ...] at sigmas t [B]."""
        return WaitingResiduals(lambda: self._control.get_control(x, t, *rest), _active(self._control, t))

    def get_instance_for_device(self, device: torch.device) -> "WaitingControl":
        """The same on another device."""
        return WaitingControl(self._control.get_instance_for_device(device))

    def __getattr__(self, name: str) -> object:
        return getattr(self._control, name)


def residuals(control: object) -> object:
    """The residuals for the model, computed now if they were waiting."""
    return control.computed() if isinstance(control, WaitingResiduals) else control


def control_state(control: object) -> Hashable:
    """Which ControlNets are active in a call."""
    if control is None or isinstance(control, WaitingResiduals):
        return () if control is None else control.state
    return (type(control).__name__,)


def _rounded(sigma: float, t: Tensor) -> float:
    """As ComfyUI compares it with t: a range that ends at a step ends there in t's dtype."""
    return torch.tensor(float(sigma), dtype=t.dtype).item()


def _active(control: object, t: Tensor) -> tuple[bool, ...]:
    """For each of the chained ControlNets, whether t is in its range of steps."""
    states, sigma = [], None
    while control is not None:
        steps = getattr(control, "timestep_range", None)
        if steps is not None and sigma is None:
            sigma = float(t.flatten()[0])
        states.append(steps is None or _rounded(steps[1], t) <= sigma <= _rounded(steps[0], t))
        control = getattr(control, "previous_controlnet", None)
    return tuple(states)
