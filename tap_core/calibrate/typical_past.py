"""Pasts that stand for others like them, so that the search has fewer to look at.

A past is told by the last two full steps and, roughly, how far these lie apart; those before are taken to lie as far
apart. Three full steps, or all distances, take four times and half as long again, and find nothing better.
"""

from .rows import Past

# Full steps by which the search tells pasts apart.
APART = 2


def typical(past: Past, length: int) -> Past:
    """The past of at most `length` full steps that stands for this one."""
    return lengthened(rounded(past), length)


def rounded(past: Past) -> Past:
    """The same with the last two full steps about as far apart, by a distance of two binary digits and zeros."""
    if len(past) < 2:
        return past
    apart = past[0] - past[1]
    unit = 2 ** max(apart.bit_length() - 2, 0)
    return past[0], max(past[0] - round(apart / unit) * unit, 0), *past[2:]


def lengthened(past: Past, length: int) -> Past:
    """A past of so many full steps, if the run has them: earlier ones as far apart as the last two that are known."""
    while 1 < len(past) < length and past[-1] > 0:
        past = (*past, max(2 * past[-1] - past[-2], 0))
    return past
