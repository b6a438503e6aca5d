"""A size in memory, in words."""


def size_words(nbytes: int) -> str:
    """Such as "77 MB", "1.2 MB" or "74 kB"."""
    if nbytes < 1e5:
        return f"{nbytes / 1e3:.0f} kB"
    return f"{nbytes / 1e6:.0f} MB" if nbytes >= 10e6 else f"{nbytes / 1e6:.1f} MB"
