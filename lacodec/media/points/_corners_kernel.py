"""Corners of faces <-> symbols: 0 is the vertex after the highest one so far, others are places in a list of likely vertices.

The list: for the first corner the vertices of the faces before, the latest first; for others, those that are joined to the corner
before by an edge that only one face has yet, against its direction; from the third on, also those that such an edge of the first
corner leads to.
"""

import numpy as np

from lacodec.kernels.jit import helper, kernel

S = np.int64
RECENT = 64
"""Vertices that are kept for the first corner."""
KNOWN = 4
"""Of each vertex, so many of the last texture places or normals that came with it."""
ESCAPE = 255
"""The symbol of a vertex that is not in the list."""
_STEPS = 64  # edges of a vertex that are looked at
_IN, _OUT = 0, 1
_NONE = S(-1)


@helper
def _add(likely, count, vertex, face, members):  # type: ignore[no-untyped-def]
    """The vertex at the end of the list, unless it is there or in the face already; the new length."""
    for i in range(members):
        if face[i] == vertex:
            return count
    for i in range(count):
        if likely[i] == vertex:
            return count
    likely[count] = vertex
    return count + 1


@helper
def _joined(heads, nodes, side, vertex, likely, count, face, members):  # type: ignore[no-untyped-def]
    """The list with the other ends of edges of a vertex that only one face has; its new length."""
    at = heads[side, vertex]
    for _ in range(_STEPS):
        if at < 0:
            break
        count = _add(likely, count, nodes[side, at, 0], face, members)
        at = nodes[side, at, 1]
    return count


@helper
def _list(heads, nodes, recent, likely, face, members):  # type: ignore[no-untyped-def]
    """The likely vertices for the corner after these of a face; how many they are."""
    count = S(0)
    if members == 0:
        while count < RECENT and recent[count] >= 0:
            likely[count] = recent[count]
            count += 1
        return count
    count = _joined(heads, nodes, _IN, face[members - 1], likely, count, face, members)
    if members > 1:
        count = _joined(heads, nodes, _OUT, face[0], likely, count, face, members)
    return count


@helper
def _unlink(heads, nodes, side, vertex, other):  # type: ignore[no-untyped-def]
    """Whether an edge between them was found among those of one face, and taken out."""
    before, at = _NONE, heads[side, vertex]
    for _ in range(_STEPS):
        if at < 0:
            return False
        if nodes[side, at, 0] == other:
            if before < 0:
                heads[side, vertex] = nodes[side, at, 1]
            else:
                nodes[side, before, 1] = nodes[side, at, 1]
            return True
        before, at = at, nodes[side, at, 1]
    return False


@helper
def _link(heads, nodes, side, vertex, other, node):  # type: ignore[no-untyped-def]
    nodes[side, node, 0] = other
    nodes[side, node, 1] = heads[side, vertex]
    heads[side, vertex] = node


@helper
def _keep(recent, vertex):  # type: ignore[no-untyped-def]
    """The vertex as the latest one."""
    last = recent[0]
    recent[0] = vertex
    for i in range(1, RECENT):
        if last == vertex or last < 0:
            return
        last, recent[i] = recent[i], last


@helper
def _learn(heads, nodes, recent, face, members, node):  # type: ignore[no-untyped-def]
    """A face that is complete: its edges, and its vertices as the latest ones."""
    for i in range(members - 1, -1, -1):
        _keep(recent, face[i])
    for i in range(members):
        one, other = face[i], face[0 if i + 1 == members else i + 1]
        if _unlink(heads, nodes, _OUT, other, one):
            _unlink(heads, nodes, _IN, one, other)
        else:
            _link(heads, nodes, _OUT, one, other, node + i)
            _link(heads, nodes, _IN, other, one, node + i)


@helper
def _symbol(likely, count, vertex, fresh):  # type: ignore[no-untyped-def]
    if vertex == fresh:
        return S(0)
    for i in range(count):
        if likely[i] == vertex:
            return S(i + 1)
    return S(ESCAPE)


@kernel
def code_vertices(degrees, heads, nodes, recent, likely, symbols, escapes, flat, decoding):  # type: ignore[no-untyped-def]
    """Symbols and escapes of the vertices i64 `flat` of all corners, or the inverse; how many escapes, -1 if they are senseless.

    degrees: i64[faces]. heads: i64[2, vertices], all -1; nodes: i64[2, corners, 2]; recent: i64[RECENT], all -1; likely:
    i64[256].
    """
    vertices, most = S(heads.shape[1]), S(len(escapes))
    at, used, fresh, last = S(0), S(0), S(0), S(0)
    for one in range(len(degrees)):
        members = degrees[one]
        face = flat[at : at + members]
        for j in range(members):
            count = _list(heads, nodes, recent, likely, face, S(j))
            near = face[j - 1] if j else last
            if decoding:
                symbol = S(symbols[at + j])
                if symbol == ESCAPE:
                    if used >= most:
                        return S(-1)
                    face[j] = near + escapes[used]
                    used += 1
                elif symbol > count:
                    return S(-1)
                else:
                    face[j] = likely[symbol - 1] if symbol else fresh
                if face[j] < 0 or face[j] >= vertices:
                    return S(-1)
            else:
                symbol = _symbol(likely, count, face[j], fresh)
                symbols[at + j] = np.uint8(symbol)
                if symbol == ESCAPE:
                    escapes[used] = face[j] - near
                    used += 1
            fresh = max(fresh, face[j] + 1)
        last = face[0]
        _learn(heads, nodes, recent, face, members, at)
        at += members
    return used


@helper
def _latest(row, value):  # type: ignore[no-untyped-def]
    """The value at the start of a vertex's last ones."""
    place = S(KNOWN - 1)
    for i in range(KNOWN - 1):
        if row[i] == value:
            place = S(i)
            break
    for i in range(place, 0, -1):
        row[i] = row[i - 1]
    row[0] = value


@kernel
def code_others(flat, known, symbols, escapes, values, decoding):  # type: ignore[no-untyped-def]
    """The same for `values` that come with the vertices i64 `flat`, texture places or normals.

    0 is the one after the highest so far, then come the last ones of the vertex, and that of the corner before. known:
    i64[vertices, KNOWN], all -1.
    """
    most = S(len(escapes))
    used, fresh, last = S(0), S(0), S(0)
    for at in range(len(flat)):
        row = known[flat[at]]
        if decoding:
            symbol = S(symbols[at])
            if symbol == 0:
                value = fresh
            elif symbol <= KNOWN:
                value = row[symbol - 1]
            elif symbol == KNOWN + 1:
                value = last
            else:
                if used >= most:
                    return S(-1)
                value = last + escapes[used]
                used += 1
            if value < 0:
                return S(-1)
            values[at] = value
        else:
            value = values[at]
            symbol = _symbol(row, S(KNOWN), value, fresh)
            if symbol == ESCAPE and value == last:
                symbol = S(KNOWN + 1)
            symbols[at] = np.uint8(symbol)
            if symbol == ESCAPE:
                escapes[used] = value - last
                used += 1
        _latest(row, value)
        fresh = max(fresh, value + 1)
        last = value
    return used
