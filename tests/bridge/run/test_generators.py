"""Generators of every device that torch has are put back, also of one that this machine does not have."""

from __future__ import annotations

import pytest
import torch
from tap_pack.nodes.comfy_bridge.run.generators import DrawnInside, draw_others, put_back

from other_device import backend


def two() -> list[torch.Generator]:
    """The generators of two devices of one kind."""
    return [torch.Generator().manual_seed(seed) for seed in (3, 4)]


def drawn(generators: list[torch.Generator]) -> list[int]:
    """What each draws next."""
    return [int(torch.randint(1_000_000, (), generator=each)) for each in generators]


@pytest.mark.parametrize("told_by", ["is_initialized", "is_available"])
@pytest.mark.parametrize(("every", "devices"), [(True, 2), (False, 1)])
def test_generators_of_any_backend_are_put_back(
    every: bool, devices: int, told_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, first = two()[:devices], drawn(two()[:devices])
    monkeypatch.setattr(torch, "npu", backend(made, every, told_by=told_by), raising=False)
    put = put_back()
    for _ in range(2):  # as often as the sampler goes again
        assert drawn(made) == first
        put()


def test_a_backend_that_is_not_in_use_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "mlu", backend(two(), in_use=False), raising=False)
    put_back()()


def test_graphics_cards_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    made = two()
    other, first = backend(made), drawn(two())
    for name in ("is_initialized", "get_rng_state_all", "set_rng_state_all"):
        monkeypatch.setattr(torch.cuda, name, getattr(other, name))
    put = put_back()
    assert drawn(made) == first
    put()
    assert drawn(made) == first


def test_other_numbers_are_drawn_until_the_states_are_put_back() -> None:
    put, given = put_back(), {"seed": 5}
    first = torch.randn(3)
    draw_others(given)
    assert given["seed"] != 5 and not torch.equal(torch.randn(3), first)
    put()
    assert torch.equal(torch.randn(3), first)


def test_an_evaluation_that_is_answered_from_memory_leaves_the_generators_as_if_it_were_made(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    made, inside = two(), DrawnInside()
    monkeypatch.setattr(torch, "npu", backend(made), raising=False)
    put = put_back()
    with inside.noted(0):
        pass
    with inside.noted(1):
        drawn(made)
        torch.rand(1)
    after = [torch.rand(1).item(), *drawn(made)]
    put()
    inside.skip(0)
    assert all(torch.equal(one.get_state(), other.get_state()) for one, other in zip(made, two(), strict=True))
    inside.skip(1)
    assert [torch.rand(1).item(), *drawn(made)] == after
