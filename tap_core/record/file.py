"""A record as a safetensors file: the maps of choices as tensors, all the rest as JSON in the metadata."""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import TapError
from .record import Evaluation, TapRecord, TokenChoices
from .values import read_as

# Version 2 has steps that were computed in part, with maps of which tokens were; 3 has where a picture mostly lies.
FORMAT, VERSION = "tap-record", 3
# Data types in memory and in the file.
MAPS = {"member": (torch.int16, "I16"), "order": (torch.int8, "I8"), "loss": (torch.float32, "F32")}
MAPS_IN_PART = {**MAPS, "computed": (torch.bool, "BOOL")}
HIGHEST_ORDER = 127


def save_record(record: TapRecord, path: Path) -> None:
    """Write the record to `path`; an older file there is replaced only when the new one is complete."""
    values = asdict(replace(record, evaluations=[replace(e, choices=[]) for e in record.evaluations]))
    tensors: dict[str, Tensor] = {}
    for i, evaluation in enumerate(record.evaluations):
        values["evaluations"][i]["choices"] = [c.condition for c in evaluation.choices]
        for j, choice in enumerate(evaluation.choices):
            for name, (dtype, _) in _maps_of(evaluation).items():
                # A clone, because batches may share memory, which the format does not allow.
                found = getattr(choice, name)
                found = (torch.zeros_like(choice.member) if found is None else found).to("cpu", dtype)
                tensors[_key(i, j, name)] = found.clone(memory_format=torch.contiguous_format)
    metadata = {"format": FORMAT, "version": str(VERSION), "record": json.dumps(values)}
    unfinished = path.with_name(path.name + ".part")
    save_file(tensors, unfinished, metadata)
    unfinished.replace(path)


def load_record(path: Path) -> TapRecord:
    """The record in the file at `path`. Raises TapError for any file but a complete record of a known version."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return _read(file, path.name)
    except FileNotFoundError:
        raise TapError(f"There is no file {path.name}; choose a record that TAP has saved.") from None
    except (OSError, SafetensorError) as error:
        raise TapError(
            f"{path.name} is not a complete safetensors file ({error}); it was cut short or is of another kind. "
            "Choose another file or save the record again."
        ) from error


def _read(file: safe_open, name: str) -> TapRecord:
    metadata = file.metadata() or {}
    if metadata.get("format") != FORMAT:
        raise TapError(f"{name} is a safetensors file, but not a TAP record; choose one that TAP has saved.")
    version = metadata.get("version", "")
    if not (version.isdecimal() and len(version) < 9 and int(version) <= VERSION):
        raise TapError(
            f"{name} was written by a newer TAP (format {version[:9]}, this one reads up to {VERSION}); update TAP."
        )
    try:
        record, conditions = _read_values(metadata.get("record", ""))
        _check_values(record)
        _read_maps(file, record, conditions)
    except (ValueError, OverflowError, RecursionError) as error:
        raise TapError(f"{name} is damaged: {error}. Choose another file or save the record again.") from error
    return record


def _read_values(text: str) -> tuple[TapRecord, list[list[int]]]:
    """The record without its maps, and the conditions that each evaluation has maps for."""
    values = read_as(dict, json.loads(text), "record")
    evaluations = read_as(list[dict], values.get("evaluations"), "evaluations")
    close = values.get("closeness")
    if isinstance(close, dict) and isinstance(close.get("give_or_take"), float):  # up to version 2
        around, either = read_as(float, close.get("decibels"), "decibels"), close["give_or_take"]
        values["closeness"] = {"decibels": around, "low": around - either, "high": around + either}
    conditions = [read_as(list[int], e.pop("choices", []), "choices") for e in evaluations]
    return read_as(TapRecord, values, "record"), conditions


def _check_values(record: TapRecord) -> None:
    """Raises TapError for numbers that no run has, before they are used as sizes and indices."""
    if not all(0 <= c.order <= HIGHEST_ORDER and math.isfinite(c.horizon) for c in record.candidates):
        raise TapError(f"a candidate's order is not from 0 to {HIGHEST_ORDER}, or its horizon is not a number")
    if min(record.grid) < 0:
        raise TapError(f"grid is {record.grid}, expected sizes of 0 or more")
    if not all(0 < share <= 1 for share in record.filled):
        raise TapError(f"filled is {record.filled}, expected shares above 0 and up to 1")
    for i, evaluation in enumerate(record.evaluations):
        if not 0 <= evaluation.position <= record.steps:
            raise TapError(f"evaluation {i} is at step {evaluation.position}, expected 0 to {record.steps}")


def _read_maps(file: safe_open, record: TapRecord, conditions: list[list[int]]) -> None:
    """Give every evaluation its maps; shapes and data types are checked before a tensor is read."""
    expected = {_key(i, j, name) for i, found in enumerate(conditions) for j in range(len(found))
                for name in _maps_of(record.evaluations[i])}
    if expected != set(file.keys()):
        raise TapError(f"it holds {len(list(file.keys()))} maps, expected {len(expected)}")
    tokens = math.prod(record.grid)
    for i, (evaluation, found) in enumerate(zip(record.evaluations, conditions, strict=True)):
        for j, condition in enumerate(found):
            maps = {name: _read_map(file, _key(i, j, name), kind, tokens)
                    for name, (_, kind) in _maps_of(evaluation).items()}
            _check_choice(maps, len(record.candidates), f"evaluation {i}")
            evaluation.choices.append(TokenChoices(condition, **maps))


def _maps_of(evaluation: Evaluation) -> dict[str, tuple[torch.dtype, str]]:
    """The maps of each choice of an evaluation, and their data types."""
    return MAPS_IN_PART if evaluation.part_calls else MAPS


def _read_map(file: safe_open, key: str, kind: str, tokens: int) -> Tensor:
    """One map [B, N]."""
    there = file.get_slice(key)
    shape = there.get_shape()
    if len(shape) != 2 or shape[0] < 1 or shape[1] != tokens or tokens < 1 or there.get_dtype() != kind:
        raise TapError(f"{key} is {there.get_dtype()} {shape}, expected {kind} [batch, {tokens}]")
    # A copy, because the tensor itself stays bound to the file.
    return file.get_tensor(key).clone()


def _check_choice(maps: dict[str, Tensor], candidates: int, where: str) -> None:
    if len({tuple(found.shape) for found in maps.values()}) > 1:
        raise TapError(f"{where} has maps of different batches")
    member, order = maps["member"], maps["order"]
    if int(member.min()) < 0 or int(member.max()) >= candidates or int(order.min()) < 0:
        raise TapError(f"{where} chooses a candidate or an order that does not exist, of {candidates} candidates")


def _key(evaluation: int, choice: int, name: str) -> str:
    return f"{evaluation}.{choice}.{name}"
