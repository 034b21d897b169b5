"""A block of columns and a pattern -> lines: first the filter, then templates, then single columns, then the lines."""

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.log.columns.decode import Block, Column
from lacodec.codecs.log.columns.filters import may_have
from lacodec.codecs.log.columns.types import NIBBLES
from lacodec.codecs.log.lines import Lines
from lacodec.codecs.log.search._match_kernel import match_templates
from lacodec.codecs.log.search.pattern import Pattern
from lacodec.codecs.log.search.scan import scan
from lacodec.codecs.log.search.spelling import ALLOWED, may_spell


def search(block: Block, pattern: Pattern | None) -> Lines:
    """The lines that match; without a pattern, none."""
    found: list[tuple[int, bytes]] = []
    if pattern is not None and all(may_have(block.filter, literal) for literal in pattern.literals):
        wanted = wanted_templates(block, pattern)
        if wanted.any():
            places = np.flatnonzero(wanted[block.ids])
            found = [(int(places[i]), line) for i, line in scan(block.render(wanted).tobytes(), pattern)]
    return Lines(block.lines, bool(block.open_end), found)


def wanted_templates(block: Block, pattern: Pattern) -> NDArray[np.bool_]:
    """bool[templates]: those whose lines may have all literals of the pattern."""
    ends, slots = block.template_ends, block.slot_columns
    wanted = np.ones(len(ends), np.bool_)
    templates = _small_letters(block.templates) if pattern.ignore_case else block.templates
    owners = np.repeat(np.arange(len(ends)), block.slot_counts)
    types = np.array([column.type.code for column in block.columns], np.int64)
    for literal in pattern.literals:
        spanning, inside = np.zeros(len(ends), np.bool_), np.zeros(len(slots), np.bool_)
        match_templates(templates, ends, slots, types, ALLOWED, np.frombuffer(literal, np.uint8), spanning, inside)
        inside &= (wanted & ~spanning)[owners]
        holding = np.zeros(len(types), np.bool_)
        for place in np.unique(slots[inside]).tolist():
            holding[place] = _holds(block, block.columns[place], literal, pattern.ignore_case)
        within = np.bincount(owners[inside & holding[slots]], minlength=len(ends)) > 0
        wanted &= spanning | within
    return wanted


def _holds(block: Block, column: Column, literal: bytes, ignore_case: bool) -> bool:
    """Whether a value of the column may have the literal in it."""
    if column.has_texts:
        if not block.may_hold(column.pool, literal):
            return False
        text = block.texts(column).tobytes()
        return literal in (text.lower() if ignore_case else text)
    if column.type.packed:
        digits = block.digits(column).tobytes().hex().encode()
        return (literal if column.type.code == NIBBLES else literal.replace(b"-", b"")).lower() in digits
    return may_spell(column, literal, ignore_case, lambda: block.numbers(column))


def _small_letters(text: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.frombuffer(text.tobytes().lower(), np.uint8)
