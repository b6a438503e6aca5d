"""Dataclasses from JSON values, with every type checked, as files are not trusted."""

import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from typing import TypeVar

from ..errors import TapError

T = TypeVar("T")


def read_as(kind: type[T], value: object, where: str) -> T:
    """`value` as this kind: a plain type, a dataclass, or a list, tuple or dict of these.

    Raises TapError that names the place `where`, for a value of another kind, a missing or an unknown name.
    """
    if is_dataclass(kind):
        return _read_dataclass(kind, read_as(dict, value, where), where)
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return [read_as(parts[0], item, f"{where}[{i}]") for i, item in enumerate(read_as(list, value, where))]
    if origin is tuple:
        items = read_as(list, value, where)
        if len(items) != len(parts):
            raise TapError(f"{where} has {len(items)} entries, expected {len(parts)}")
        return tuple(read_as(parts[i], item, f"{where}[{i}]") for i, item in enumerate(items))
    if origin in (typing.Union, types.UnionType):
        return None if value is None else read_as(next(p for p in parts if p is not type(None)), value, where)
    return _read_plain(origin or kind, value, where)


def _read_dataclass(kind: type[T], values: dict, where: str) -> T:
    hints, known = typing.get_type_hints(kind), {f.name: f for f in fields(kind)}
    if unknown := sorted(values.keys() - known.keys()):
        raise TapError(f"{where} has an unknown entry {unknown[0]!r}")
    for name, field in known.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise TapError(f"{where}.{name} is missing")
    return kind(**{name: read_as(hints[name], value, f"{where}.{name}") for name, value in values.items()})


def _read_plain(kind: type[T], value: object, where: str) -> T:
    if kind is float and type(value) is int:
        return float(value)
    # For Python a bool is an int, for a reader of the file it is not.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TapError(f"{where} is {str(value)[:40]!r}, expected a {kind.__name__}")
    return value
