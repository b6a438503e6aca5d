"""Any value of any input of any node, and any bytes for a file: a result, or a sentence that says what is wrong."""

from __future__ import annotations

import asyncio
import inspect
import json
from functools import lru_cache
from pathlib import Path

import pytest
import tap_pack
import torch
from comfy_api.latest import io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tap_pack.nodes.accelerate import TapAccelerate
from tap_pack.nodes.comfy_bridge.measuring import TraceHolder
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.pool_settings import PoolSettings
from tap_pack.tap_core.record import RecordHolder
from tap_pack.tap_core.record_file import load_record, save_record
from tap_pack.tap_core.schedules.interval import IntervalSchedule

from tiny_flux import sample, tiny_flux

EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
# Of ours alone: what Python says of a wrong type, or a place in the code, helps nobody.
INTERNALS = ("tap_core", "comfy_bridge", "Traceback", "object at 0x", "'NoneType' object", "has no attribute")


@lru_cache(maxsize=1)
def nodes() -> dict[str, type[io.ComfyNode]]:
    """All nodes of the pack."""
    extension = asyncio.run(tap_pack.comfy_entrypoint())
    return {node.GET_SCHEMA().node_id: node for node in asyncio.run(extension.get_node_list())}


@lru_cache(maxsize=1)
def run_of_a_model() -> tuple[object, RecordHolder]:
    """A model, and the record of a run of it."""
    model = tiny_flux()
    defaults = {entry.id: getattr(entry, "default", None) for entry in TapAccelerate.GET_SCHEMA().inputs}
    inputs = {name: value for name, value in defaults.items() if value is not None}
    accelerated, holder = TapAccelerate.execute(model, **inputs).args
    sample(accelerated, 12, 2.0, size=(4, 6))
    return model, holder


def numbers(entry: io.Input, whole: bool) -> st.SearchStrategy:
    """Within the input's range, at its ends and beyond."""
    low, high = (-10 if entry.min is None else entry.min), (50 if entry.max is None else min(entry.max, 10_000))
    if whole:
        return st.integers(low - 3, high + 3)
    return st.floats(low - 1, high + 1) | st.sampled_from([float("nan"), float("inf"), -float("inf")])


def values(entry: io.Input) -> st.SearchStrategy:
    """What may come by a link or by a prompt that another program wrote."""
    model, holder = run_of_a_model()
    pictures = st.builds(torch.rand, *(st.integers(1, 9) for _ in range(3)), st.just(3))
    kinds = {
        "INT": lambda: numbers(entry, whole=True), "FLOAT": lambda: numbers(entry, whole=False),
        "BOOLEAN": st.booleans, "COMBO": lambda: st.sampled_from(list(entry.options)) | st.text(max_size=9),
        "STRING": lambda: st.text(max_size=40) | st.text("0123456789,.- {}[]\":", max_size=20),
        "MODEL": lambda: st.just(model), "IMAGE": lambda: pictures,
        "TAP_RECORD": lambda: st.sampled_from([holder, RecordHolder(), None, "text", 3]),
        "TAP_TRACE": lambda: st.sampled_from([TraceHolder(), None, "text"]),
        "TAP_SCHEDULE": lambda: st.sampled_from([None, IntervalSchedule(2, 1)]),
        "TAP_POOL": lambda: st.sampled_from([None, PoolSettings()]),
        "LATENT,IMAGE": lambda: pictures | st.just({"samples": torch.zeros(1, 4, 2, 2)}),
    }  # fmt: skip
    kind = entry.get_io_type()
    if kind == "COMFY_DYNAMICCOMBO_V3":
        return st.sampled_from(entry.options).flatmap(lambda option: st.fixed_dictionaries(
            {entry.id: st.just(option.key), **{part.id: values(part) for part in option.inputs}}))
    return kinds[kind]()


def clear(sentence: str) -> bool:
    """Whether an artist can read it."""
    return len(sentence) > 20 and sentence.rstrip().endswith((".", ")")) and not any(i in sentence for i in INTERNALS)


@pytest.mark.parametrize("name", sorted(nodes()))
@given(data=st.data())
@EXAMPLES
def test_any_value_gives_a_result_or_a_sentence(name: str, data: st.DataObject) -> None:
    node = nodes()[name]
    given_values = {
        entry.id: data.draw(values(entry), label=entry.id) for entry in node.GET_SCHEMA().inputs
        if not entry.optional or data.draw(st.booleans())
    }
    if "validate_inputs" in vars(node):
        asked = inspect.signature(node.validate_inputs).parameters
        said = node.validate_inputs(**{key: given_values.get(key) for key in asked})
        assert said is True or clear(said), said
    try:
        result = node.execute(**given_values)
    except (TapError, ValueError) as error:  # of the demo's scenes, which stand without the core
        assert clear(str(error)), error
    else:
        assert isinstance(result, io.NodeOutput)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record's file."""
    path = tmp_path_factory.mktemp("records") / "whole.safetensors"
    save_record(run_of_a_model()[1].latest, path)
    return path


@given(data=st.data())
@EXAMPLES
def test_a_damaged_record_is_a_sentence_or_a_record(saved: Path, data: st.DataObject) -> None:
    content = bytearray(saved.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content), 4000) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(0, len(content)))
    damaged = saved.with_name("damaged.safetensors")
    damaged.write_bytes(bytes(content[:cut]))
    try:
        load_record(damaged)
    except TapError as error:
        assert not any(internal in str(error) for internal in INTERNALS), error


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
                        st.sampled_from(["version", "format", "steps", "sigmas", "full_steps", "model", "x"]), inner,
                        max_size=4), max_leaves=8)


@given(text=JSON.map(json.dumps) | st.text(max_size=60))
@EXAMPLES
def test_any_text_for_a_calibrated_schedule_is_a_sentence_or_a_schedule(text: str) -> None:
    try:
        nodes()["TapPlacement"].execute(text=text, budget="auto")
    except TapError as error:
        assert clear(str(error)), error
