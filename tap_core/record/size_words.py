"""Sizes in memory, in words."""

from collections.abc import Mapping


def size_words(nbytes: int) -> str:
    """Such as "77 MB", "1.2 MB" or "74 kB"."""
    if nbytes < 1e5:
        return f"{nbytes / 1e3:.0f} kB"
    return f"{nbytes / 1e6:.0f} MB" if nbytes >= 10e6 else f"{nbytes / 1e6:.1f} MB"


def cache_words(nbytes: int, settings: Mapping[str, object]) -> str:
    """Such as "cache 77 MB"; with less room on the model's device, "cache 77 MB, at most 50 MB of it on ..."."""
    limit = int(settings.get("memory_limit", 0)) * 10**6
    moved = 0 < limit < nbytes and settings.get("cache_device") != "cpu"
    most = f", at most {size_words(limit)} of it on the model's device, the rest on the CPU" if moved else ""
    return f"cache {size_words(nbytes)}{most}"
