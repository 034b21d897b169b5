"""Tensors of two values, such as the signs of binarised filters: bits coded by their neighbours and by a filter like it."""

FROM_EFFORT = 3
"""From which their bits are modelled, which takes some 0.1 s for a million; below, they are numbers in a plane."""
