"""Method 1 of codec `log`: lines as templates and typed columns.

payload = number lines, u8 1 if the last line has no line feed, piece: filter (not needed to decode), text: templates,
          numbers: slots, numbers: ids, text: head, for each column [numbers] or [text: packed digits], pools
pool    = number longest run of letters and digits, number longest run of digits, piece: filter, text
text    = number bytes, piece: payload of codec `bytes`
numbers = piece: payload of codec `arrays`; as wide as the largest one possible needs
head    = for each column: u8 1 if its texts begin a pool, u8 type, parameters (a byte each), [number different texts] or [number
          lowest, number highest - lowest]

A template ends with a line feed; each byte 1 in it is a slot. A line is its template with the next value of each slot's column.
Slots: 0 for the next column that had no slot before, else the column plus 1.
"""

from collections.abc import Iterator
from itertools import accumulate

from reference import bytes_codec, columns
from reference.stream import Stream, need

TEXT, DISTINCT, PLAIN, PADDED, FIXED, CLOCK, ADDRESS, NIBBLES, DASHED, NAMED = range(10)
PARAMETERS = (0, 0, 0, 1, 1, 2, 0, 2, 2, 0)
NAMES = b"JanFebMarAprMayJunJulAugSepOctNovDecMonTueWedThuFriSatSun"
MARK = b"\x01"


def decode(payload: bytes, size: int) -> bytes:
    """The block of `size` bytes."""
    data = Stream(payload)
    lines, open_end = data.number(), data.byte() & 1
    data.piece()
    templates = _lines(_text(data))
    slot_counts = [template.count(MARK) for template in templates]
    stored = _numbers(data, sum(slot_counts), sum(slot_counts))
    ids_piece, known = data.piece(), 0
    slots = []
    for number in stored:
        known += number == 0
        need(number <= known, "a slot has a column that is not there")
        slots.append(known - 1 if number == 0 else number - 1)
    ids = columns.decode(ids_piece, ("u", _width(max(0, len(templates) - 1))), (lines,))
    need(all(number < len(templates) for number in ids), "a line has a template that is not there")
    first = [0, *accumulate(slot_counts)]
    counts = [0] * known
    for number in ids:
        for column in slots[first[number] : first[number] + slot_counts[number]]:
            counts[column] += 1
    values = _columns(data, Stream(_text(data)), counts)
    out = []
    for number in ids:
        parts = templates[number].split(MARK)
        mine = slots[first[number] : first[number] + slot_counts[number]]
        out.append(parts[0] + b"".join(next(values[column]) + part for column, part in zip(mine, parts[1:], strict=True)))
    content = b"\n".join(out) + (b"" if open_end or not out else b"\n")
    need(len(content) == size, "lines of another size than the block")
    return content


def _columns(data: Stream, head: Stream, counts: list[int]) -> list[Iterator[bytes]]:
    """The values of each column, spelled."""
    heads, pool = [], -1
    for _ in counts:
        pool += head.byte() & 1
        code = head.byte()
        need(code < len(PARAMETERS), f"the unknown type {code}")
        parameters = list(head.take(PARAMETERS[code]))
        texts = head.number() if code == DISTINCT else 0
        low, span = (head.number(), head.number()) if code in (PLAIN, PADDED, FIXED, CLOCK, ADDRESS, NAMED) else (0, 0)
        heads.append((code, parameters, pool, texts, low, span))
    head.finish()
    kept: list[list[int] | bytes] = []
    for count, (code, _, _, texts, low, span) in zip(counts, heads, strict=True):
        if code in (NIBBLES, DASHED):
            kept.append(_text(data))
        elif code == TEXT:
            kept.append([])
        else:
            kept.append([low + number for number in _numbers(data, count, texts - 1 if code == DISTINCT else span)])
    pools = []
    for _ in range(pool + 1):
        data.number(), data.number(), data.piece()  # for searches
        pools.append(iter(_lines(_text(data))))
    data.finish()
    found = []
    for count, (code, parameters, pool, texts, _, _), numbers in zip(counts, heads, kept, strict=True):
        if code == TEXT:
            found.append([next(pools[pool]) for _ in range(count)])
        elif code == DISTINCT:
            words = [next(pools[pool]) for _ in range(texts)]
            found.append([words[number] for number in numbers])
        elif isinstance(numbers, bytes):
            size = parameters[0] // 2 if code == NIBBLES else 16
            found.append([_digits(code, numbers[size * i : size * i + size], parameters[1]) for i in range(count)])
        else:
            found.append([spell(code, parameters, number) for number in numbers])
    return [iter(column) for column in found]


def spell(code: int, parameters: list[int], number: int) -> bytes:
    """A number as it stood in the line."""
    if code == NAMED:
        return NAMES[3 * number : 3 * number + 3]
    if code == ADDRESS:
        return b".".join(b"%d" % (number >> shift & 255) for shift in (24, 16, 8, 0))
    if code == PADDED:
        return b"%0*d" % (parameters[0], number)
    if code == FIXED:
        whole, part = divmod(number, 10 ** parameters[0])
        return b"%d.%0*d" % (whole, parameters[0], part)
    if code == CLOCK:
        places, separator = parameters
        seconds, part = divmod(number, 10**places)
        time = b"%02d:%02d:%02d" % (seconds // 3600, seconds // 60 % 60, seconds % 60)
        return time + (bytes([separator]) + b"%0*d" % (places, part) if places else b"")
    return b"%d" % number


def _digits(code: int, packed: bytes, upper: int) -> bytes:
    """Hexadecimal digits; those of a UUID with hyphens."""
    text = packed.hex()
    if code == DASHED:
        text = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    return (text.upper() if upper else text).encode()


def _text(data: Stream) -> bytes:
    size = data.number()
    return bytes_codec.decode(data.piece(), size)


def _lines(text: bytes) -> list[bytes]:
    need(not text or text.endswith(b"\n"), "texts without an end")
    return text.split(b"\n")[:-1]


def _numbers(data: Stream, count: int, most: int) -> list[int]:
    return columns.decode(data.piece(), ("u", _width(most)), (count,))


def _width(most: int) -> int:
    return 1 if most < 1 << 8 else 2 if most < 1 << 16 else 4 if most < 1 << 32 else 8
