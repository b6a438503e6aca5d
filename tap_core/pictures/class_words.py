"""The classes of a map in an artist's words; the technical name stands behind them in the legend."""

from collections.abc import Sequence

ORDER_WORDS = ("repeats the last", "follows the line", "follows the curve", "follows the bend")
HIGHER_ORDER = "follows a finer bend"
# From the lowest error of a forecast to the highest.
EASE_WORDS = ("very easy", "easy", "fairly easy", "hard", "very hard")
UNKNOWN = "not known"
COMPUTED_WORDS = "computed, not forecast"


def order_words(order: int) -> str:
    """What a forecast of this order does, such as "follows the curve"."""
    return ORDER_WORDS[order] if order < len(ORDER_WORDS) else HIGHER_ORDER


def aim_words(horizon: float) -> str:
    """Where a forecast aims, such as "aims 2 steps short"."""
    if horizon == 0:
        return "aims at the step itself"
    steps = "1 step" if abs(horizon) == 1 else f"{abs(horizon):g} steps"
    return f"aims {steps} {'short' if horizon < 0 else 'beyond'}"


def member_words(order: int, horizon: float) -> str:
    """What a pool member does, such as "follows the curve, aims 2 steps short"."""
    return order_words(order) + (f", {aim_words(horizon)}" if order and horizon else "")


def ease_words(levels: int) -> Sequence[str]:
    """For each level of a loss, from the lowest: how easy the forecast was. Five ranges of equal width."""
    return [EASE_WORDS[i * len(EASE_WORDS) // levels] for i in range(levels)]
