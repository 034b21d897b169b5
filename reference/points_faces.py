"""Lines of faces behind the vertices of a mesh, folded -> the lines.

folded  = u32 bytes of the note, note, corners     note (MessagePack) = [spelling, rows, other bytes, degrees, faces, sizes]
spelling = [before, between, end, counted, numbers of a corner]; sizes: of each number [lowest, count, escapes, bytes of each]
corners = for each number of a corner: the symbols of all corners, the escapes (zigzag, big-endian)

The first numbers are vertices. Symbol 0 is the one after the highest so far, 1 to 254 the places in a list, 255 an escape: a
difference from the corner before, of the first corner from the first one of the face before. The list is, without vertices
that are in the face already, and each once: for the first corner the last 64 vertices, the latest first (those of one face in
their order); for others the ends `w` of half-edges `w` -> corner before that no face has in the other direction yet, the
latest first, 64 at most; from the third corner on then the same of the half-edges first corner -> `w`. A half-edge whose
opposite is among the latest 64 at its end takes that away instead of being added.

Other numbers come with a vertex: 0 the one after the highest so far; 1 to 4 the last ones of the vertex, the latest first; 5
that of the corner before; else an escape, a difference from the latter.
"""

from typing import Any

from reference.container import read_msgpack
from reference.stream import need

RECENT, STEPS, KNOWN, ESCAPE = 64, 64, 4, 255
MOST_DEGREE = 64


def unfolded(folded: bytes) -> bytes:
    """The lines, and whatever is between them."""
    size = int.from_bytes(folded[:4], "little")
    spelling, rows, others, degrees, count, sizes = read_msgpack(folded[4 : 4 + size])
    before, between, end, counted, several = spelling
    data = folded[4 + size :]
    need(len(sizes) == several and len(degrees) in (1, count) and 0 < count <= len(data), "a note that contradicts its faces")
    corners_of = list(degrees) * (count if len(degrees) == 1 else 1)
    need(all(1 <= degree <= MOST_DEGREE for degree in corners_of), "a face with too many corners")
    numbers = _corners(data, corners_of, sizes)
    other = dict[int, bytes]()
    for row, text in zip(rows, others, strict=True):
        other[row] = other.get(row, b"") + text
    out, at = [], 0
    for face, degree in enumerate(corners_of):
        out.append(other.get(face, b""))
        words = [between.join(b"%d" % row[i] for row in numbers) for i in range(at, at + degree)]
        out.append(before + (b"%d " % degree if counted else b"") + b" ".join(words) + end)
        at += degree
    return b"".join([*out, other.get(count, b"")])


def _corners(data: bytes, degrees: list[int], sizes: list[Any]) -> list[list[int]]:
    """Each number of all corners."""
    total, at, found = sum(degrees), 0, list[list[int]]()
    for _lowest, count, escapes, width in sizes:
        symbols = data[at : at + total]
        at += total
        folded = [int.from_bytes(data[i : i + width], "big") for i in range(at, at + escapes * width, width)]
        at += escapes * width
        need(len(symbols) == total and at <= len(data), "faces that end too early")
        steps = [value >> 1 if value % 2 == 0 else -(value >> 1) - 1 for value in folded]
        values = _others(symbols, steps, found[0]) if found else _vertices(symbols, steps, degrees)
        need(all(0 <= value < count for value in values), "a corner that is none of the vertices")
        found.append(values)
    need(at == len(data), "faces that are followed by more")
    return [[value + one[0] for value in values] for values, one in zip(found, sizes, strict=True)]


def _vertices(symbols: bytes, steps: list[int], degrees: list[int]) -> list[int]:
    into, out_of = dict[int, list[int]](), dict[int, list[int]]()  # ends of half-edges, the latest first
    recent, escapes = list[int](), iter(steps)
    found, last, fresh = list[int](), 0, 0
    for degree in degrees:
        face = list[int]()
        for _ in range(degree):
            symbol = symbols[len(found)]
            likely = recent
            if face:
                likely = into.get(face[-1], [])[:STEPS]
                likely = likely + (out_of.get(face[0], [])[:STEPS] if len(face) > 1 else [])
                likely = [vertex for vertex in dict.fromkeys(likely) if vertex not in face]
            if symbol == 0:
                vertex = fresh
            elif symbol == ESCAPE:
                vertex = (face[-1] if face else last) + next(escapes)
            else:
                need(symbol <= len(likely), "a symbol that is not in its list")
                vertex = likely[symbol - 1]
            face.append(vertex)
            found.append(vertex)
            fresh = max(fresh, vertex + 1)
        last = face[0]
        for vertex in reversed(face):
            recent = [vertex, *(other for other in recent if other != vertex)][:RECENT]
        for one, other in zip(face, [*face[1:], face[0]], strict=True):
            opposite = out_of.setdefault(other, [])
            if one in opposite[:STEPS]:
                opposite.remove(one)
                if other in into.setdefault(one, [])[:STEPS]:
                    into[one].remove(other)
            else:
                out_of.setdefault(one, []).insert(0, other)
                into.setdefault(other, []).insert(0, one)
    need(next(escapes, None) is None, "escapes that no symbol has")
    return found


def _others(symbols: bytes, steps: list[int], vertices: list[int]) -> list[int]:
    known, escapes = dict[int, list[int]](), iter(steps)
    found, last, fresh = list[int](), 0, 0
    for symbol, vertex in zip(symbols, vertices, strict=True):
        row = known.get(vertex, [])
        if symbol == 0:
            value = fresh
        elif symbol <= KNOWN:
            need(symbol <= len(row), "a number that its vertex never had")
            value = row[symbol - 1]
        else:
            value = last if symbol == KNOWN + 1 else last + next(escapes)
        known[vertex] = [value, *(other for other in row if other != value)][:KNOWN]
        found.append(value)
        fresh, last = max(fresh, value + 1), value
    need(next(escapes, None) is None, "escapes that no symbol has")
    return found
