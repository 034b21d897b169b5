"""A slow reader written from docs/format.md alone: it shares no code with lacodec.

`read(data)` -> (header as a list, content); methods 0 and 1 of codec `bytes` only.
"""

import struct

import xxhash
import zstandard

DEFAULTS = [None, None, None, None, "bytes", None, None, {}, None]


class Bad(Exception):
    pass


def need(condition):
    if not condition:
        raise Bad


def h64(data):
    return xxhash.xxh3_64_intdigest(data)


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data))
        self.at += n
        return self.data[self.at - n : self.at]

    def u(self, size):
        return int.from_bytes(self.take(size), "little")

    def sum_since(self, start):
        expected = h64(self.data[start : self.at]) & 0xFFFFFFFF
        need(self.u(4) == expected)


def msgpack(c):
    """One msgpack value."""
    t = c.take(1)[0]
    big = lambda n: int.from_bytes(c.take(n), "big")  # noqa: E731
    if t <= 0x7F:
        return t
    if t <= 0x8F:
        return {msgpack(c): msgpack(c) for _ in range(t & 15)}
    if t <= 0x9F:
        return [msgpack(c) for _ in range(t & 15)]
    if t <= 0xBF:
        return c.take(t & 31).decode()
    if t >= 0xE0:
        return t - 256
    simple = {0xC0: None, 0xC2: False, 0xC3: True}
    if t in simple:
        return simple[t]
    if t in (0xC4, 0xC5, 0xC6):
        return c.take(big(1 << (t - 0xC4)))
    if t == 0xCA:
        return struct.unpack(">f", c.take(4))[0]
    if t == 0xCB:
        return struct.unpack(">d", c.take(8))[0]
    if 0xCC <= t <= 0xCF:
        return big(1 << (t - 0xCC))
    if 0xD0 <= t <= 0xD3:
        n = 1 << (t - 0xD0)
        return int.from_bytes(c.take(n), "big", signed=True)
    if 0xD9 <= t <= 0xDB:
        return c.take(big(1 << (t - 0xD9))).decode()
    if t in (0xDC, 0xDD):
        return [msgpack(c) for _ in range(big(2 if t == 0xDC else 4))]
    need(t in (0xDE, 0xDF))
    return {msgpack(c): msgpack(c) for _ in range(big(2 if t == 0xDE else 4))}


def read_header(data):
    c = Cursor(data)
    header = msgpack(c)
    need(c.at == len(data) and 3 <= len(header) <= 9)
    return header + DEFAULTS[len(header) :]


def method(payload, size):
    if payload[0] == 0:
        return payload[1:]
    need(payload[0] == 1)
    return zstandard.ZstdDecompressor().decompress(payload[1:], max_output_size=size) if size else b""


def content(payload, payload_hash, size, content_hash):
    need(h64(payload) == payload_hash)
    data = method(payload, size)
    need(len(data) == size and h64(data) == content_hash)
    return data


def read_chunk_head(c, file_id):
    start = c.at
    need(c.take(4) == b"\xc5Lch" and c.u(4) == file_id)
    head = {"sequence": c.u(4), "kind": c.u(1)}
    axes, depends = c.u(1), c.u(2)
    head |= {"payload": c.u(4), "decoded": c.u(4), "payload_hash": c.u(8), "content_hash": c.u(8)}
    head["covers"] = [(c.u(8), c.u(8)) for _ in range(axes)]
    head["depends"] = [c.u(4) for _ in range(depends)]
    c.sum_since(start)
    head["bytes"] = c.data[start : c.at]
    return head


def read(data):
    c = Cursor(data)
    need(c.take(5) in (b"\x8bLAC\0", b"\x8bLAC\1"))
    form, header_size = c.u(1), c.u(4)
    if form == 1:
        axes, decoded, payload_hash, content_hash = c.u(1), c.u(4), c.u(8), c.u(8)
        need([c.u(8) for _ in range(axes)] in ([], [decoded]))
        header = read_header(c.take(header_size))
        c.sum_since(0)
        need(data[-1] == 0)
        return header, content(data[c.at : -1], payload_hash, decoded, content_hash)
    need(form == 0)
    file_id = c.u(4)
    header_bytes = c.take(header_size)
    header = read_header(header_bytes)
    c.sum_since(0)
    out, entries, count, complete = [], b"", 0, False
    while c.at < len(data):
        offset = c.at
        head = read_chunk_head(c, file_id)
        payload = c.take(head["payload"])
        need(head["sequence"] == count)
        complete = head["kind"] == 2
        if complete:
            need(h64(payload) == head["payload_hash"] == head["content_hash"])
            need(payload == struct.pack("<I", header_size) + header_bytes + entries)
            size, at = c.at - offset, c.at
            need(c.take(4) == b"\xc5Lft" and c.u(4) == file_id and c.u(8) == offset and c.u(4) == size)
            c.sum_since(at)
            need(c.take(4) == b"LAC\x8b")
            continue
        entries += struct.pack("<Q", offset) + head["bytes"]
        count += 1
        if head["kind"] == 0 and head["covers"]:
            need(head["covers"] == [(sum(map(len, out)), sum(map(len, out)) + head["decoded"])])
            out.append(content(payload, head["payload_hash"], head["decoded"], head["content_hash"]))
    need(complete)
    return header, b"".join(out)
