"""The pack in a real server, over HTTP and websocket: what an artist does, step by step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tap_pack.demo.launch.client import PromptInterrupted, PromptRefused
from tap_pack.demo.launch.prompts import SAMPLER, node, stock_prompt, tap_prompt, with_views

from served_pack import ServedPack, with_latent, with_report

STEPS = 20
# A quarter of the demo picture: the tests do not depend on its size.
SMALL = {"steps": STEPS, "size": 128}
# How far the estimate of closeness may be below and above the measured PSNR, in dB: for this model it is careful.
BELOW, ABOVE = 20, 10


@pytest.fixture(scope="module")
def stock(served: ServedPack) -> tuple[np.ndarray, torch.Tensor]:
    """Picture and latent without TAP, made before any TAP run."""
    run = served.run(with_latent(stock_prompt(seed=11, **SMALL)))
    return served.picture(run), served.latent(run)


def test_the_server_knows_the_nodes_and_their_inputs(served: ServedPack) -> None:
    known = served.server.get("/object_info")
    assert {"TapAccelerate", "TapChoiceMap", "TapReport", "TapDemoScene"} <= set(known)
    accelerate = known["TapAccelerate"]
    assert accelerate["output"] == ["MODEL", "TAP_RECORD"]
    names = [name for group in accelerate["input_order"].values() for name in group]
    assert names[:7] == ["model", "quality", "interval", "orders", "horizon_from", "horizon_to", "proxy_loss"]
    assert known["TapChoiceMap"]["output"] == ["IMAGE"]
    assert known["TapReport"]["output"] == ["STRING"]


def test_no_other_pack_is_loaded(served: ServedPack) -> None:
    packs = {found["python_module"] for found in served.server.get("/object_info").values()}
    assert {name for name in packs if name.startswith("custom_nodes.")} == {"custom_nodes.tap-accelerate"}


def test_the_demo_prompt_is_accelerated_and_seen(served: ServedPack, stock: tuple[np.ndarray, torch.Tensor]) -> None:
    run = served.run(with_views(tap_prompt(seed=11, **SMALL)))
    report = served.report(run)
    assert report["steps"] == STEPS
    assert report["settings"]["quality"] == "close" and 4 <= len(report["full_steps"]) <= STEPS - 4
    assert sorted(report["full_steps"] + report["skipped_steps"]) == list(range(STEPS))
    assert report["fallbacks"] == []
    assert sum(report["predictors"].values()) == pytest.approx(1, abs=1e-3)
    assert served.frames(run) == STEPS
    assert f"TAP: {len(report['full_steps'])} of {STEPS} steps computed" in served.server.log_text()
    difference = served.picture(run).astype(float) - stock[0].astype(float)
    # The same picture, made in another way; how close it is was known.
    psnr = 20 * np.log10(255 / np.sqrt((difference**2).mean()))
    assert 34 < psnr < 90
    assert psnr - BELOW < report["closeness_db"] < psnr + ABOVE


def test_a_second_prompt_with_a_new_seed_is_accelerated_again(served: ServedPack) -> None:
    first = served.run(with_report(tap_prompt(seed=12, **SMALL)))
    second = served.run(with_report(tap_prompt(seed=13, **SMALL)))
    assert all(4 <= len(served.report(run)["full_steps"]) <= STEPS - 4 for run in (first, second))
    assert np.abs(served.picture(first) - served.picture(second)).mean() > 2


def test_a_report_never_shows_an_older_run(served: ServedPack) -> None:
    before = served.report(served.run(with_report(tap_prompt(seed=11, **SMALL))))
    after = served.report(served.run(with_report(tap_prompt(seed=11, steps=8, size=128))))
    assert (before["steps"], after["steps"]) == (STEPS, 8)


def test_without_the_node_the_result_is_stock_again(served: ServedPack, stock: tuple[np.ndarray, torch.Tensor]) -> None:
    served.run(tap_prompt(seed=11, **SMALL))
    run = served.run(with_latent(stock_prompt(seed=11, **SMALL)))
    assert torch.equal(served.latent(run), stock[1])
    assert np.array_equal(served.picture(run), stock[0])


def test_interval_one_is_stock_bit_for_bit(served: ServedPack, stock: tuple[np.ndarray, torch.Tensor]) -> None:
    run = served.run(with_latent(tap_prompt(seed=11, **SMALL, interval=1)))
    assert torch.equal(served.latent(run), stock[1])
    assert np.array_equal(served.picture(run), stock[0])


def test_an_interrupt_during_a_run_leaves_the_server_usable(served: ServedPack) -> None:
    before = served.run(with_latent(tap_prompt(seed=14, **SMALL)))
    steps_seen = []

    def interrupt(kind: str, data: dict) -> None:
        # ComfyUI reports progress now and then, not at every step.
        if kind == "progress" and data["node"] == SAMPLER and data["value"] >= 6:
            if not steps_seen:
                served.server.post("/interrupt")
            steps_seen.append(data["value"])

    with pytest.raises(PromptInterrupted):
        served.run(tap_prompt(seed=14, steps=1000, size=128), watch=interrupt)
    assert max(steps_seen) < 1000
    after = served.run(with_latent(tap_prompt(seed=14, **SMALL)))
    assert torch.equal(served.latent(before), served.latent(after))


def test_a_horizon_the_wrong_way_round_is_refused_with_a_sentence(served: ServedPack) -> None:
    with pytest.raises(PromptRefused) as refused:
        served.run(tap_prompt(seed=15, **SMALL, horizon_from=1, horizon_to=-1))
    assert list(refused.value.node_errors) == ["tap"]
    said = " ".join(refused.value.node_errors["tap"])
    assert "horizon_from" in said and "horizon_to" in said


def test_an_order_set_that_does_not_exist_is_refused(served: ServedPack) -> None:
    with pytest.raises(PromptRefused) as refused:
        served.run(tap_prompt(seed=16, **SMALL, orders=""))
    assert "orders" in " ".join(refused.value.node_errors["tap"])


def test_a_prompt_that_is_only_partly_valid_is_refused(served: ServedPack) -> None:
    prompt = {
        "good": node("EmptyImage", width=64, height=64),
        "bad": node("EmptyImage", width="wide"),
        "save good": node("SaveImage", images=["good", 0]),
        "save bad": node("SaveImage", images=["bad", 0]),
    }
    with pytest.raises(PromptRefused) as refused:
        served.run(prompt)
    assert list(refused.value.node_errors) == ["bad"]
