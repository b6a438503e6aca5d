"""The one exception of the pack."""


class TapError(ValueError):
    """Says what was found, what was expected, and what to change."""
