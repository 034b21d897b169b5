"""Whether a text can be in the lines of a template."""

import numpy as np

from lacodec.codecs.log.columns.types import MARK
from lacodec.kernels.jit import kernel


@kernel
def match_templates(templates, template_ends, slot_columns, column_types, allowed, text, spanning, inside):  # type: ignore[no-untyped-def]
    """spanning bool[templates]: whether the text may be in a line, but not all within a slot; inside bool[slots]: within that.

    templates u8: with line feeds, small letters if the text has only such. column_types i64[columns]; allowed bool[types, 256]:
    the bytes that values may have.
    """
    size = len(text)
    reach, fresh = np.zeros(size + 1, np.bool_), np.zeros(size + 1, np.bool_)
    at, slot = np.int64(0), np.int64(0)
    for t in range(len(template_ends)):
        reach[:] = False
        while at < template_ends[t]:
            reach[0] = True
            fresh[:] = False
            c = templates[at]
            if c != MARK:
                for j in range(size):
                    fresh[j + 1] = reach[j] and text[j] == c
            else:
                takes = allowed[column_types[slot_columns[slot]]]
                open_from = False
                whole = True
                for j in range(size + 1):
                    open_from = open_from or (reach[j] and j > 0)
                    fresh[j] = fresh[j] or reach[j] or open_from or (whole and j < size)
                    if j < size and not takes[text[j]]:
                        open_from = whole = False
                inside[slot] = whole
                slot += 1
            if fresh[size]:
                spanning[t] = True
            for j in range(size + 1):
                reach[j] = fresh[j]
            at += 1
        at += 1
