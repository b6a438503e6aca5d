"""Generators of every device that torch has are put back, also of one that this machine does not have."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from tap_pack.nodes.comfy_bridge.run.generators import draw_others, put_back


def backend(states: list[int], every: bool, in_use: bool = True, told_by: str = "is_initialized") -> ModuleType:
    """A backend as torch has them, with numbers for states. every: it gives those of all devices at once."""
    module = ModuleType("torch.other")

    def get_all() -> list[int]:
        assert in_use, "asking would start it"
        return list(states)

    def set_all(new: list[int]) -> None:
        states[:] = new

    setattr(module, told_by, lambda: in_use)
    module.get_rng_state = lambda: get_all()[0]
    module.set_rng_state = lambda state: set_all([state, *states[1:]])
    if every:
        module.get_rng_state_all, module.set_rng_state_all = get_all, set_all
    return module


@pytest.mark.parametrize("told_by", ["is_initialized", "is_available"])
@pytest.mark.parametrize(("every", "after"), [(True, [3, 4]), (False, [3, 0])])
def test_generators_of_any_backend_are_put_back(
    every: bool, after: list[int], told_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [3, 4]
    monkeypatch.setattr(torch, "npu", backend(states, every, told_by=told_by), raising=False)
    put = put_back()
    for _ in range(2):  # as often as the sampler goes again
        states[:] = [0, 0]
        put()
        assert states == after


def test_a_backend_that_is_not_in_use_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [3, 4]
    monkeypatch.setattr(torch, "mlu", backend(states, True, in_use=False), raising=False)
    put_back()()
    assert states == [3, 4]


def test_a_graphics_card_is_put_back_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [b"3"]
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: list(states))
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", lambda new: states.__setitem__(slice(None), new))
    put = put_back()
    states[:] = [b"0"]
    put()
    assert states == [b"3"]


def test_other_numbers_are_drawn_until_the_states_are_put_back() -> None:
    put, given = put_back(), {"seed": 5}
    first = torch.randn(3)
    draw_others(given)
    assert given["seed"] != 5 and not torch.equal(torch.randn(3), first)
    put()
    assert torch.equal(torch.randn(3), first)
