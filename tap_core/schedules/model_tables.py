"""Numbers that were measured on particular models, by model; model_tables.json says where they come from."""

import json
from dataclasses import dataclass
from pathlib import Path

_TABLES = json.loads(Path(__file__).with_name("model_tables.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Magnitudes:
    """MagCache's ratios of one model, and the entries that are always computed."""

    ratios: tuple[float, ...]
    always: tuple[int, ...] = ()


POLYNOMIALS: dict[str, tuple[float, ...]] = {
    name: tuple(entry["coefficients"]) for name, entry in _TABLES["teacache_polynomials"].items()
}
MAGNITUDES: dict[str, Magnitudes] = {
    name: Magnitudes(tuple(entry["ratios"]), tuple(entry["always"]))
    for name, entry in _TABLES["magcache_ratios"].items()
}
