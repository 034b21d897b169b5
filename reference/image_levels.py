"""Channels that leave many values unused: method 6 of a group.

data = for each channel: number of levels, the first one, runs (step to the next level, how many such steps);
       u8 method of the ranks (2 or 4), their data
"""

from reference.stream import Stream, need


def read_levels(data: Stream, channels: int, top: int) -> list[list[int]]:
    """The values in use of each channel, rising, within 0..top."""
    found = []
    for _ in range(channels):
        count, first = data.number(), data.number()
        levels = [first]
        while len(levels) < count:
            step, run = data.number(), data.number()
            need(step >= 1 and 1 <= run <= count - len(levels), "an impossible list of levels")
            levels += [levels[-1] + step * k for k in range(1, run + 1)]
        need(count >= 1 and levels[-1] <= top, "levels beyond the depth")
        found.append(levels)
    return found
