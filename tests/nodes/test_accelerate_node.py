"""TAP Accelerate as ComfyUI sees it: its contract, its defaults, and what it says about bad input."""

from __future__ import annotations

import asyncio
import inspect
import math
from types import SimpleNamespace

import nodes as comfy_nodes
import pytest
from comfy.patcher_extension import WrappersMP
from comfy_api.latest import io
from comfy_execution.caching import CacheKeySetInputSignature
from comfy_execution.graph import DynamicPrompt
from tap_pack import comfy_entrypoint
from tap_pack.nodes.accelerate import TapAccelerate
from tap_pack.nodes.measure_run import TapMeasureRun
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.record.holder import RecordHolder

from tiny_flux import Accelerated, tiny_flux

SCHEMA = TapAccelerate.GET_SCHEMA()
INPUTS = {i.id: i for i in SCHEMA.inputs}
GOOD = {"orders": "0,1,2", "horizon_from": -4, "horizon_to": 0, "horizon_step": 1.0}

# Artists' workflows hold these: names, order and defaults may be added to, not changed.
CONTRACT = {
    "quality": "close", "interval": 5, "orders": "0,1,2", "horizon_from": -4, "horizon_to": 0, "proxy_loss": "cosine",
    "warmup_steps": 3, "horizon_step": 1.0, "cache_device": "gpu",
    "most_computed": 0, "memory_limit": 0, "start_percent": 0.0, "end_percent": 1.0,
    "closer_than_told": 0.0,
}
RANGES = {"interval": (1, 20), "horizon_from": (-8, 4), "horizon_to": (-8, 4), "warmup_steps": (0, 20),
          "horizon_step": (0.1, 2.0)}
CHOICES = {"quality": {"same", "close", "good", "draft", "fixed"},
           "proxy_loss": {"cosine", "l2", "l1"}, "target": {"residual", "output"}, "time_axis": {"step", "sigma"},
           "cache_device": {"gpu", "cpu"}}
ADVANCED = {"warmup_steps", "horizon_step", "target", "time_axis", "cache_device", "most_computed",
            "memory_limit", "start_percent", "end_percent"}


def test_the_schemas_of_all_nodes_build() -> None:
    nodes = asyncio.run(asyncio.run(comfy_entrypoint()).get_node_list())
    assert TapAccelerate in nodes
    for node in nodes:
        info = node.GET_SCHEMA().get_v1_info(node)
        assert info.name == node.__name__
        assert len(info.output) == len(node.GET_SCHEMA().outputs)


def test_the_contract_is_kept() -> None:
    assert (SCHEMA.node_id, SCHEMA.display_name) == ("TapAccelerate", "TAP Accelerate")
    assert [o.io_type for o in SCHEMA.outputs] == ["MODEL", "TAP_RECORD"]
    names = [*INPUTS]
    assert names[:7] == ["model", "quality", "interval", "orders", "horizon_from", "horizon_to", "proxy_loss"]
    assert {name: INPUTS[name].default for name in CONTRACT} == CONTRACT
    assert {name: (INPUTS[name].min, INPUTS[name].max) for name in RANGES} == RANGES
    assert all(set(INPUTS[name].options) >= choices for name, choices in CHOICES.items())
    assert {name for name, i in INPUTS.items() if i.advanced} >= ADVANCED
    assert not any(INPUTS[name].advanced for name in names[:7])
    assert all(i.tooltip for i in SCHEMA.inputs) and all(o.tooltip for o in SCHEMA.outputs)


def test_every_subset_of_the_orders_can_be_chosen() -> None:
    subsets = INPUTS["orders"].options
    assert len(subsets) == len(set(subsets)) == 15
    assert all(TapAccelerate.validate_inputs(**{**GOOD, "orders": orders}) is True for orders in subsets)
    assert {tuple(map(int, orders.split(","))) for orders in subsets} == {
        tuple(order for order in range(4) if bits >> order & 1) for bits in range(1, 16)
    }


@pytest.mark.parametrize("bad", [
    {"horizon_from": 1},
    {"horizon_from": -1, "horizon_to": -2},
    {"horizon_from": -9},
    {"horizon_from": math.nan},
    {"horizon_to": 5},
    {"horizon_to": math.nan},
    {"horizon_to": math.inf},
    {"horizon_step": math.nan},
    {"horizon_step": math.inf},
    {"horizon_step": 0.0},
    {"horizon_step": -1.0},
    {"horizon_step": 0.05},
    {"horizon_step": 2.5},
    {"orders": ""},
    {"orders": " , "},
    {"orders": "0,4"},
    {"orders": "one"},
    {"orders": "-1"},
    {"orders": "1.5"},
    {"orders": "²"},
], ids=str)
def test_bad_input_gets_a_sentence_that_says_what_to_change(bad: dict) -> None:
    said = TapAccelerate.validate_inputs(**{**GOOD, **bad})
    assert isinstance(said, str)
    assert any(name in said for name in bad)
    assert any(advice in said for advice in ("set it", "choose", "lower", "raise", "write", "the highest"))
    assert said.endswith(".") and len(said) < 200


@pytest.mark.parametrize("good", [
    {}, {"horizon_from": -8, "horizon_to": 4}, {"horizon_from": 0}, {"horizon_from": 4, "horizon_to": 4},
    {"horizon_step": 0.1}, {"horizon_step": 2.0}, {"horizon_from": -8, "horizon_to": 4, "horizon_step": 0.1},
], ids=str)
def test_all_that_the_sliders_allow_is_accepted(good: dict) -> None:
    assert TapAccelerate.validate_inputs(**{**GOOD, **good}) is True
    Accelerated(tiny_flux(), **good)


@pytest.mark.parametrize("linked", [*GOOD])
def test_a_linked_input_is_judged_when_it_is_known(linked: str) -> None:
    assert TapAccelerate.validate_inputs(**{**GOOD, linked: None}) is True
    with pytest.raises(TapError, match="horizon_from is 3, above horizon_to 0"):
        Accelerated(tiny_flux(), horizon_from=3)


def test_validated_inputs_are_inputs() -> None:
    """ComfyUI does not check the range of inputs that `validate_inputs` names, so that function must."""
    assert set(inspect.signature(TapAccelerate.validate_inputs).parameters) <= INPUTS.keys()


def test_the_model_that_comes_in_stays_as_it_was() -> None:
    model = tiny_flux()
    accelerated = Accelerated(model)
    assert accelerated.model is not model
    assert accelerated.model.model is model.model
    assert model.wrappers == {}
    assert {kind for kind, wrappers in accelerated.model.wrappers.items() if wrappers} == {
        WrappersMP.OUTER_SAMPLE, WrappersMP.PREPARE_SAMPLING, WrappersMP.PREDICT_NOISE, WrappersMP.CALC_COND_BATCH,
        WrappersMP.APPLY_MODEL, WrappersMP.SAMPLER_SAMPLE,
    }


def test_the_node_hands_out_a_record_that_is_empty_until_a_run() -> None:
    accelerated = Accelerated(tiny_flux())
    assert isinstance(accelerated.holder, RecordHolder)
    assert accelerated.holder.latest is None
    accelerated.sample()
    assert accelerated.record.complete


@pytest.mark.parametrize("kind", [TapAccelerate, TapMeasureRun])
def test_two_nodes_with_equal_inputs_have_an_output_each(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """ComfyUI shares outputs between nodes with equal inputs; these outputs hold what their own run did."""
    monkeypatch.setitem(comfy_nodes.NODE_CLASS_MAPPINGS, "Kind", kind.PREPARE_CLASS_CLONE(None))
    graph = DynamicPrompt({node: {"class_type": "Kind", "inputs": {"interval": 5}} for node in ("1", "2")})
    unchanged = SimpleNamespace(get=lambda node: asyncio.sleep(0, False))
    keys = CacheKeySetInputSignature(graph, ["1", "2"], unchanged)
    asyncio.run(keys.add_keys(["1", "2"]))
    assert keys.get_data_key("1") != keys.get_data_key("2")


def test_the_settings_reach_the_record() -> None:
    inputs = {"interval": 3, "orders": "0,2", "horizon_from": -2, "horizon_to": 1, "proxy_loss": "l2",
              "warmup_steps": 2, "horizon_step": 0.5, "target": "output", "time_axis": "sigma", "cache_device": "cpu"}
    accelerated = Accelerated(tiny_flux(), **inputs)
    accelerated.sample()
    assert accelerated.record.settings.items() >= inputs.items()
    assert len(accelerated.record.candidates) == 2 * 7


def test_a_string_of_orders_may_have_any_order() -> None:
    pictures = [Accelerated(tiny_flux(), orders=orders).sample() for orders in ("0,1,2", "2, 1,0", "0,1,1,2")]
    assert (pictures[0] == pictures[1]).all() and (pictures[0] == pictures[2]).all()


def test_sliders_are_sliders() -> None:
    for name in ("interval", "horizon_from", "horizon_to"):
        assert INPUTS[name].display_mode == io.NumberDisplay.slider
