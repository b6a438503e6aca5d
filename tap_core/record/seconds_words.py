"""A time in words."""


def seconds_words(seconds: float) -> str:
    """Such as "0.42 s", "5.1 s", "14 s" or "3 min 20 s"."""
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 9.95 else whole_seconds_words(seconds)


def whole_seconds_words(seconds: float) -> str:
    """Such as "5 s" or "3 min 20 s"; 1 s at least."""
    whole = max(round(seconds), 1)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"
