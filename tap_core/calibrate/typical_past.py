"""Pasts that stand for similar ones, so that the search has fewer to look at.

A past is given by the last two full steps, with a rounded distance between them; earlier ones are assumed to have the
same distance. Three full steps take 4 times as long, exact distances 1.5 times, and neither finds anything better.
"""

from .rows import Past

# How many full steps of a past the search distinguishes.
PAST_LENGTH = 2


def typical(past: Past, length: int) -> Past:
    """The past of at most `length` full steps that stands for this one."""
    return lengthened(rounded(past), length)


def rounded(past: Past) -> Past:
    """The past with the distance of its last two full steps rounded to two binary digits."""
    if len(past) < 2:
        return past
    distance = past[0] - past[1]
    unit = 2 ** max(distance.bit_length() - 2, 0)
    return past[0], max(past[0] - round(distance / unit) * unit, 0), *past[2:]


def lengthened(past: Past, length: int) -> Past:
    """A past of `length` full steps, if the run has them: added ones keep the distance of the last two known ones."""
    while 1 < len(past) < length and past[-1] > 0:
        past = (*past, max(2 * past[-1] - past[-2], 0))
    return past
