"""A record comes back from its file as it was; any other content of a file is refused with a sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tap_pack.tap_core.closeness import Closeness
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.record.file import load_record, save_record
from tap_pack.tap_core.record.record import TapRecord

from made_records import made_record


def same(a: object, b: object) -> bool:
    """Whether two values are equal in every number, type and bit of their tensors."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) and math.isnan(a):
        return math.isnan(b)
    return type(a) is type(b) and a == b


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The file of a small record."""
    path = tmp_path / "run.safetensors"
    save_record(made_record(conditions=(0, 1), batch=2), path)
    return path


@pytest.fixture
def rewritten(saved: Path) -> Callable[..., Path]:
    """Writes the saved file again with other metadata, record values or maps."""

    def rewrite(metadata: dict | None = None, values: dict | None = None, maps: dict | None = None) -> Path:
        with safe_open(saved, framework="pt") as file:
            tensors, told = {key: file.get_tensor(key).clone() for key in file.keys()}, file.metadata()  # noqa: SIM118
        if values is not None:
            told["record"] = json.dumps({**json.loads(told["record"]), **values})
        tensors = {key: tensor for key, tensor in {**tensors, **(maps or {})}.items() if tensor is not None}
        save_file(tensors, saved, {**told, **(metadata or {})})
        return saved

    return rewrite


def test_a_record_comes_back_exactly(tmp_path: Path) -> None:
    record = made_record(steps=13, grid=(2, 3, 5), batch=2, conditions=(0, 1))
    record.filled, record.fallbacks = (5 / 6, 0.9), ["a reason with an \u00fc", "another"]
    record.settings = {"interval": 3, "horizon_step": 0.1, "orders": "0,1", "off": False, "none": None}
    record.evaluations[2].choices[0].loss[0, 3] = math.inf
    record.evaluations[3].sigma = 1 / 3
    path = tmp_path / "run.safetensors"
    save_record(record, path)
    loaded = load_record(path)
    assert same(asdict(record), asdict(loaded))
    assert isinstance(loaded, TapRecord)
    assert loaded.report() == record.report()


def test_maps_that_share_memory_or_are_not_contiguous_can_be_saved(tmp_path: Path) -> None:
    record = made_record(batch=2)
    choice = next(c for e in record.evaluations for c in e.choices)
    whole = torch.rand(30, 4).T
    choice.loss = whole[:2, ::2]
    for other in (c for e in record.evaluations for c in e.choices):
        other.loss = choice.loss
    save_record(record, tmp_path / "run.safetensors")
    assert same(asdict(record), asdict(load_record(tmp_path / "run.safetensors")))


def test_an_empty_record_can_be_saved(tmp_path: Path) -> None:
    save_record(TapRecord(), tmp_path / "empty.safetensors")
    assert load_record(tmp_path / "empty.safetensors") == TapRecord()


def test_the_loaded_maps_outlive_their_file(saved: Path) -> None:
    loaded = load_record(saved)
    before = loaded.evaluations[2].choices[0].member.clone()
    saved.write_bytes(b"\0" * saved.stat().st_size)
    assert torch.equal(loaded.evaluations[2].choices[0].member, before)


def test_a_save_that_fails_leaves_the_older_file(saved: Path) -> None:
    broken = made_record()
    broken.settings["callable"] = print
    before = saved.read_bytes()
    with pytest.raises(TypeError):
        save_record(broken, saved)
    assert saved.read_bytes() == before


@pytest.mark.parametrize("kept", [0, 4, 8, 100, -200, -1])
def test_a_file_that_was_cut_short_is_refused(saved: Path, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(TapError, match="cut short"):
        load_record(saved)


@pytest.mark.parametrize("content", [b"not a record at all, but long enough", b"\xff" * 64, b"PK\x03\x04" + b"\0" * 99])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    with pytest.raises(TapError, match=r"picture\.png is not a complete safetensors file"):
        load_record(path)


def test_a_model_file_is_no_record(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(TapError, match="not a TAP record"):
        load_record(tmp_path / "model.safetensors")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TapError, match=r"no file gone\.safetensors"):
        load_record(tmp_path / "gone.safetensors")


@pytest.mark.parametrize("version", ["4", "9" * 30, "", "one"])
def test_a_newer_version_asks_for_an_update(rewritten: Callable[..., Path], version: str) -> None:
    path = rewritten(metadata={"version": version})
    with pytest.raises(TapError, match="update TAP"):
        load_record(path)


def test_a_file_of_version_2_is_read_with_the_span_that_it_told(rewritten: Callable[..., Path]) -> None:
    path = rewritten(metadata={"version": "2"}, values={"closeness": {"decibels": 46.5, "give_or_take": 7.0}})
    assert load_record(path).closeness == Closeness(46.5, 39.5, 53.5)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"evaluations": 3}', "{}", "[" * 100_000])
def test_metadata_that_is_no_record_is_refused(rewritten: Callable[..., Path], text: str) -> None:
    path = rewritten(metadata={"record": text})
    with pytest.raises(TapError, match="is damaged"):
        load_record(path)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"grid": [1, 3, 4]}, r"expected I16 \[batch, 12\]"),
        ({"grid": [-1, -3, 5]}, "grid"),
        ({"grid": [1, 3]}, "2 entries, expected 3"),
        ({"grid": ["1", 3, 5]}, r"grid\[0\] is '1', expected a int"),
        ({"filled": [0.0, 1.0]}, "filled"),
        ({"complete": 1}, "expected a bool"),
        ({"cache_bytes": True}, "expected a int"),
        ({"seconds_total": "soon"}, "expected a float"),
        ({"seconds_total": 10**400}, "damaged"),
        ({"sigmas": [1.0, 0.0]}, "expected 0 to 1"),
        ({"sigmas": 5}, "expected a list"),
        ({"candidates": []}, "of 0 candidates"),
        ({"candidates": [{"family": "taylor", "order": 10**9, "horizon": 0.0}]}, "order is not from 0 to 127"),
        ({"candidates": [{"family": "taylor", "order": 1}]}, "horizon is missing"),
        ({"surprise": 1}, "unknown entry 'surprise'"),
    ],
)
def test_values_that_no_run_has_are_refused(rewritten: Callable[..., Path], values: dict, found: str) -> None:
    path = rewritten(values=values)
    with pytest.raises(TapError, match=found):
        load_record(path)


@pytest.mark.parametrize(
    ("maps", "found"),
    [
        ({"2.0.member": torch.full((2, 15), 15, dtype=torch.int16)}, "of 15 candidates"),
        ({"2.0.member": torch.full((2, 15), -1, dtype=torch.int16)}, "does not exist"),
        ({"2.0.order": torch.full((2, 15), -1, dtype=torch.int8)}, "does not exist"),
        ({"2.0.member": torch.zeros(2, 14, dtype=torch.int16)}, r"expected I16 \[batch, 15\]"),
        ({"2.0.member": torch.zeros(30, dtype=torch.int16)}, r"expected I16 \[batch, 15\]"),
        ({"2.0.member": torch.zeros(2, 15, dtype=torch.int64)}, "expected I16"),
        ({"2.0.loss": torch.zeros(0, 15)}, "expected F32"),
        ({"2.0.loss": torch.zeros(1, 15)}, "different batches"),
        ({"2.0.loss": None}, "maps, expected"),
        ({"7.9.loss": torch.zeros(2, 15)}, "maps, expected"),
    ],
)
def test_maps_that_do_not_fit_are_refused(rewritten: Callable[..., Path], maps: dict, found: str) -> None:
    path = rewritten(maps=maps)
    with pytest.raises(TapError, match=found):
        load_record(path)
