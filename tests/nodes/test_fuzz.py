"""Any value of any input of any node, and any bytes for a file: a result, or a sentence that says what is wrong."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest
import tap_pack
import torch
from comfy_api.latest import io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tap_pack.nodes.accelerate import TapAccelerate
from tap_pack.tap_core.calibrate.trace_holder import TraceHolder
from tap_pack.tap_core.engine.selector import SELECTIONS
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.predictors.families import FAMILIES
from tap_pack.tap_core.record.file import load_record, save_record
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.schedules.registry import SCHEDULES

from other_ways import WAYS
from tiny_flux import sample, tiny_flux

EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
# Words of Python or of our code, which help no artist.
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


@lru_cache(maxsize=1)
def traces() -> list[TraceHolder]:
    """Of measured runs: two lengths, two targets, one stopped before its end."""
    made = []
    for target, steps in (("auto", 12), ("residual", 12), ("residual", 3), ("auto", 1)):
        model, holder = nodes()["TapMeasureRun"].execute(tiny_flux(), target).args
        sample(model, steps, 2.0, size=(4, 6))
        made.append(holder)
    assert made[0].latest is not None and made[1].latest is not None
    return [*made, TraceHolder()]


@lru_cache(maxsize=1)
def calibration_text() -> str:
    """What TAP Calibrate gives for the first of them."""
    defaults = {entry.id: getattr(entry, "default", None) for entry in nodes()["TapCalibrate"].GET_SCHEMA().inputs}
    given_values = {**{name: value for name, value in defaults.items() if value is not None},
                    "trace": traces()[0], "after": None}
    return nodes()["TapCalibrate"].execute(**given_values).args[1]


@st.composite
def damaged_texts(draw: st.DrawFn) -> str:
    """A calibration with a piece cut out or written over."""
    text = calibration_text()
    start = draw(st.integers(0, len(text)))
    letters = draw(st.text(max_size=4) | st.sampled_from(["0", "-1", "1e999", "NaN", ",", "}", "[[", "99999"]))
    return text[:start] + letters + text[start + draw(st.integers(0, 9)) :]


@st.composite
def pictures(draw: st.DrawFn) -> torch.Tensor:
    """Any number of frames, sizes and channels; now and then a value that is not finite or not a colour."""
    frames, rows, columns, channels = (draw(st.integers(low, high)) for low, high in ((0, 3), (1, 9), (1, 9), (1, 4)))
    made = torch.rand(frames, rows, columns, channels)
    worst = draw(st.sampled_from([None, None, float("nan"), float("inf"), -5.0]))
    if worst is not None and frames:
        made[0, 0, 0, 0] = worst
    return made


def schedules() -> list[object]:
    """Every schedule with its usual settings, and one of other places."""
    needed = {"interval": (2, 1), "list of steps": ((0, 1, 5),)}
    return [kind(*needed.get(name, ())) for name, kind in SCHEDULES.items()]


def pools() -> list[PoolSettings]:
    """Every family, and every selection."""
    return [*(PoolSettings(families=(name,)) for name in FAMILIES), *(PoolSettings(selection=s) for s in SELECTIONS)]


def ends(entry: io.Input) -> tuple[float, float]:
    """The input's range, or one that is wide enough."""
    return (-10 if entry.min is None else entry.min), (50 if entry.max is None else min(entry.max, 10_000))


def parts_of(entry: io.Input, made: Callable[[io.Input], st.SearchStrategy]) -> st.SearchStrategy:
    """An option of a dynamic combo, with the inputs that it brings."""
    return st.sampled_from(entry.options).flatmap(lambda option: st.fixed_dictionaries(
        {entry.id: st.just(option.key), **{part.id: made(part) for part in option.inputs}}))


def tame(entry: io.Input) -> st.SearchStrategy:
    """Values that the node offers."""
    model, holder = run_of_a_model()
    picture = torch.rand(1, 8, 12, 3, generator=torch.Generator().manual_seed(1))
    text = st.just(calibration_text()) if entry.id == "text" else st.just(getattr(entry, "default", None) or "4")
    kinds = {
        "INT": lambda: st.integers(*ends(entry)), "FLOAT": lambda: st.floats(*ends(entry)), "BOOLEAN": st.booleans,
        "COMBO": lambda: st.sampled_from(list(entry.options)), "STRING": lambda: text,
        "MODEL": lambda: st.just(model), "IMAGE": lambda: st.just(picture), "TAP_RECORD": lambda: st.just(holder),
        "TAP_TRACE": lambda: st.sampled_from(traces()[:2]), "TAP_SCHEDULE": lambda: st.sampled_from(schedules()),
        "TAP_POOL": lambda: st.sampled_from(pools()), "LATENT,IMAGE": lambda: st.just(picture),
        "COMFY_DYNAMICCOMBO_V3": lambda: parts_of(entry, tame),
    }  # fmt: skip
    return kinds[entry.get_io_type()]()


def wild(entry: io.Input) -> st.SearchStrategy:
    """Values that may come from a link or from a prompt of another program."""
    model, _ = run_of_a_model()
    no_numbers = st.sampled_from([float("nan"), float("inf"), -float("inf")])
    kinds = {
        "INT": lambda: st.integers(ends(entry)[0] - 3, ends(entry)[1] + 3),
        "FLOAT": lambda: st.floats(ends(entry)[0] - 1, ends(entry)[1] + 1) | no_numbers,
        "BOOLEAN": st.booleans, "COMBO": lambda: st.text(max_size=9),
        "STRING": lambda: st.text(max_size=40) | st.text("0123456789,.- {}[]\":", max_size=20) | damaged_texts(),
        "MODEL": lambda: st.just(model), "IMAGE": pictures,
        "TAP_RECORD": lambda: st.sampled_from([RecordHolder(), None, "text", 3]),
        "TAP_TRACE": lambda: st.sampled_from([*traces(), None, "text"]),
        "TAP_SCHEDULE": lambda: st.none(), "TAP_POOL": lambda: st.none(),
        "LATENT,IMAGE": lambda: pictures() | st.just({"samples": torch.zeros(1, 4, 2, 2)}),
        "COMFY_DYNAMICCOMBO_V3": lambda: parts_of(entry, lambda part: tame(part) | wild(part)),
    }  # fmt: skip
    return kinds[entry.get_io_type()]()


def clear(sentence: str) -> bool:
    """Whether an artist can read it."""
    return len(sentence) > 20 and sentence.rstrip().endswith((".", ")")) and not any(i in sentence for i in INTERNALS)


@pytest.mark.parametrize("name", sorted(nodes()))
@given(data=st.data())
@EXAMPLES
def test_any_value_gives_a_result_or_a_sentence(name: str, data: st.DataObject) -> None:
    node = nodes()[name]
    entries = [entry for entry in node.GET_SCHEMA().inputs if not entry.optional or data.draw(st.booleans())]
    # A few at a time, or the first wrong one would hide all others.
    wrong = data.draw(st.sets(st.sampled_from([entry.id for entry in entries]), max_size=2))
    given_values = {entry.id: data.draw((wild if entry.id in wrong else tame)(entry), label=entry.id)
                    for entry in entries}
    if "validate_inputs" in vars(node):
        asked = inspect.signature(node.validate_inputs).parameters
        said = node.validate_inputs(**{key: given_values.get(key) for key in asked})
        assert said is True or clear(said), said
    try:
        result = node.execute(**given_values)
        if name == "TapAccelerate":
            # Settings that the node accepted must give a picture, and a record that can be read.
            way = data.draw(st.none() | st.sampled_from(list(WAYS)), label="another node")
            model = result.args[0] if way is None else WAYS[way](result.args[0])
            assert sample(model, 6, 2.0, size=(4, 6)).isfinite().all()
            assert json.dumps(result.args[1].latest.report())
    except (TapError, ValueError) as error:  # ValueError: the demo's scenes do not use the core
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


@given(text=JSON.map(json.dumps) | st.text(max_size=60) | damaged_texts())
@EXAMPLES
def test_any_text_for_a_calibrated_schedule_is_a_sentence_or_a_schedule(text: str) -> None:
    try:
        nodes()["TapPlacement"].execute(text=text, budget="auto")
    except TapError as error:
        assert clear(str(error)), error
