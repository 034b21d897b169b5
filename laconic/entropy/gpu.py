"""Segments of 8-bit symbols on CUDA tensors: the bytes of `segments.py`, coded by Triton kernels.

    encode_segments(symbols on the device) -> stream on the device;    decode_segments(stream on the device) -> symbols there

Importing this module needs torch and Triton, and raises MissingDependency without them; nothing else in the package does.
Under TRITON_INTERPRET=1 the same kernels run on CPU tensors (slowly, for tests).
"""

from typing import Any

import numpy as np

from laconic.entropy import segments
from laconic.entropy.segments import HEAD_WORDS, LANES, MAX_TAIL, SEGMENT, Directory
from laconic.entropy.tables import Tables
from laconic.errors import BadInput, CorruptFile, MissingDependency

try:
    import torch
    import triton
    import triton.language as tl
except ImportError as error:
    raise MissingDependency(
        f"coding on a GPU needs torch and Triton ({error}); install laconic[learned] with a CUDA build of torch"
    ) from error

Tensor = Any  # torch.Tensor, which mypy does not follow

_CAPACITY = HEAD_WORDS + SEGMENT  # words of a segment, at most: one for every symbol
_BLOCK = 2048  # words that one program copies
_DAMAGED_HEAD, _DAMAGED_WORDS, _DAMAGED_END = 1, 2, 4  # bits of what a decoder found


class DeviceTables:
    """Tables as look-ups on a device, made once and used for many streams."""

    def __init__(self, tables: Tables, device: Any) -> None:
        """`tables` as for `segments.encode_segments`; device: a torch device or its name."""
        segments.check_tables(tables)
        self.tables = tables
        self.freq_bits = tables.freq_bits
        table = np.repeat(np.arange(len(tables)), np.diff(tables.offsets))
        freqs, starts = tables.freqs.astype(np.int64), tables.starts.astype(np.int64)
        values = tables.values.astype(np.int64)
        spans = np.zeros(len(tables) * 256, np.int64)
        spans[table * 256 + values] = freqs << 16 | starts
        self.spans = torch.from_numpy(spans.astype(np.int32)).to(device)
        """i32[T * 256]: frequency << 16 | start by table and symbol; 0 for symbols that a table does not have."""
        slots = np.repeat(np.arange(len(freqs)), freqs)
        self.packed = self.freq_bits <= 12
        """Whether the look-up by slot holds everything in 32 bits, or the symbol only."""
        if self.packed:
            within = (np.arange(len(slots)) & ((1 << self.freq_bits) - 1)) - starts[slots]
            lookup = (within << 20 | (freqs[slots] - 1) << 8 | values[slots]).astype(np.uint32).view(np.int32)
        else:
            lookup = values[slots].astype(np.uint8)
        self.lookup = torch.from_numpy(np.ascontiguousarray(lookup)).to(device)
        """[T << freq_bits]: i32 (slot - start) << 20 | (frequency - 1) << 8 | symbol when packed, else u8 symbol."""


def encode_segments(symbols: Tensor, tables: Tables | DeviceTables, index: Tensor | None = None) -> Tensor:
    """The stream (u8, on the device) of `symbols` (u8[n], contiguous, on the device): `segments.encode_segments`'s bytes.

    index: integers[n] on the same device, the table of each symbol. Raises BadInput. Scratch memory: two bytes per symbol.
    """
    _check_symbols(symbols)
    table = _on_device(tables, symbols.device)
    n = symbols.numel()
    which = _check_index(index, n, table, symbols.device)
    count = -(-n // SEGMENT)
    head = torch.from_numpy(np.frombuffer(n.to_bytes(8, "little"), np.int16).copy()).to(symbols.device)
    if not count:
        return head.view(torch.uint8)
    scratch = torch.empty(count * _CAPACITY, dtype=torch.int16, device=symbols.device)
    lengths = torch.empty(count, dtype=torch.int32, device=symbols.device)
    status = torch.empty(count, dtype=torch.int32, device=symbols.device)
    _launch(
        _encode_kernel,
        (count,),
        symbols,
        symbols,
        which,
        table.spans,
        scratch,
        lengths,
        status,
        n,
        table.freq_bits,
        index is not None,
    )
    refused = status.cpu()
    if (refused > 0).any():
        segment = int(torch.nonzero(refused > 0)[0])
        at = segment * SEGMENT + int(refused[segment]) - 1
        raise BadInput(segments.refusal(at, int(symbols[at]), table.tables))
    ends = torch.cumsum(lengths.to(torch.int64) + HEAD_WORDS, 0)
    first = segments.directory_size(n) // 2
    words = torch.empty(first + int(ends[-1]), dtype=torch.int16, device=symbols.device)
    words[: head.numel()] = head
    words[head.numel() : first] = torch.where(lengths < 1 << 15, lengths, lengths - (1 << 16)).to(torch.int16)
    blocks = -(-(int(lengths.max()) + HEAD_WORDS) // _BLOCK)
    _launch(_copy_kernel, (count, blocks), symbols, scratch, lengths, ends, words[first:])
    return words.view(torch.uint8)


def decode_segments(
    data: Tensor, tables: Tables | DeviceTables, n: int, index: Tensor | None = None, directory: Directory | None = None
) -> Tensor:
    """The symbols (u8[n], on the device) of the stream `data` (u8, on the device), as `segments.decode_segments` does.

    directory: from `segments.read_directory` when the caller has the first bytes on the host; else they are fetched.
    Raises CorruptFile for damaged streams, before or after the kernel, which never reads or writes outside its arrays.
    """
    if data.dtype != torch.uint8 or data.dim() != 1:
        raise BadInput(f"segments: a stream is a one-dimensional tensor of uint8, not {data.dtype}{list(data.shape)}")
    table = _on_device(tables, data.device)
    if directory is None:
        head = data[: min(data.numel(), segments.directory_size(max(n, 0)))].cpu().numpy()
        directory = segments.read_directory(memoryview(head), n, data.numel())
    elif directory.count != n or int(directory.begins[-1]) != data.numel():
        raise BadInput(
            f"segments: a directory of {directory.count} symbols and {directory.begins[-1]} bytes is not of this stream"
        )
    which = _check_index(index, n, table, data.device)
    out = torch.empty(n, dtype=torch.uint8, device=data.device)
    count = len(directory)
    if not count:
        return out
    if data.storage_offset() % 2 or not data.is_contiguous():
        data = data.clone(memory_format=torch.contiguous_format)
    begins = torch.from_numpy(directory.begins // 2).to(data.device)
    status = torch.empty(count, dtype=torch.int32, device=data.device)
    _launch(
        _decode_kernel, (count,), data, data.view(torch.int16), begins, table.lookup, table.spans, which, out, status, n,
        table.freq_bits, table.packed, index is not None,
    )  # fmt: skip
    found = status.cpu()
    if found.any():
        segment = int(torch.nonzero(found)[0])
        raise CorruptFile(
            f"segments: segment {segment} is damaged, or was made with other tables ({_reason(int(found[segment]))})"
        )
    return out


def _reason(found: int) -> str:
    if found & _DAMAGED_HEAD:
        return "start states"
    return "its words are not used up exactly" if found & _DAMAGED_WORDS else "it does not end in zero states"


def _check_symbols(symbols: Tensor) -> None:
    if symbols.dtype != torch.uint8 or symbols.dim() != 1 or not symbols.is_contiguous():
        raise BadInput(
            f"segments: symbols must be a contiguous one-dimensional tensor of uint8, not {symbols.dtype}{list(symbols.shape)}"
        )


def _check_index(index: Tensor | None, n: int, table: DeviceTables, device: Any) -> Tensor:
    """The index, checked; without one, any tensor on the device, which the kernels then ignore."""
    tables = len(table.tables)
    if index is None:
        if tables > 1:
            raise BadInput(f"segments: {tables} tables need an index that says which one each symbol uses")
        return table.spans
    if index.dtype not in (torch.uint8, torch.int16, torch.int32, torch.int64) or tuple(index.shape) != (n,):
        raise BadInput(f"segments: index must be integers[{n}], one per symbol, not {index.dtype}{list(index.shape)}")
    if index.device != device or not index.is_contiguous():
        raise BadInput(f"segments: index must be contiguous and on {device}, as the symbols are")
    if n and (int(index.max()) >= tables or int(index.min()) < 0):
        raise BadInput(f"segments: index {int(index.min())}..{int(index.max())} is outside the {tables} tables")
    return index


def _on_device(tables: Tables | DeviceTables, device: Any) -> DeviceTables:
    if isinstance(tables, Tables):
        return DeviceTables(tables, device)
    if tables.spans.device != device:
        raise BadInput(f"segments: the tables are on {tables.spans.device}, the tensor on {device}")
    return tables


def _launch(kernel: Any, grid: tuple[int, ...], where: Tensor, *arguments: Any) -> None:
    """Run one program of one warp per segment (and block) on the device of `where`."""
    if where.device.type == "cuda":
        with torch.cuda.device(where.device):
            kernel[grid](*arguments, num_warps=1)
    elif triton.knobs.runtime.interpret:
        kernel[grid](*arguments)
    else:
        raise BadInput(f"segments: the tensor is on {where.device}; use a CUDA device, or laconic.entropy.segments for the CPU")


_L: "tl.constexpr" = tl.constexpr(LANES)
_S: "tl.constexpr" = tl.constexpr(SEGMENT)
_H: "tl.constexpr" = tl.constexpr(HEAD_WORDS)
_T: "tl.constexpr" = tl.constexpr(MAX_TAIL)
_C: "tl.constexpr" = tl.constexpr(_CAPACITY)
_B: "tl.constexpr" = tl.constexpr(_BLOCK)


@triton.jit
def _take(x, place, active, lookup, spans, index, bits: tl.constexpr, packed: tl.constexpr, indexed: tl.constexpr):  # type: ignore[no-untyped-def]
    """One symbol of every active lane: (symbol, new state). `place` is the lane's position in the tensor."""
    slot = (x & ((1 << bits) - 1)).to(tl.int32)
    where = slot
    table = slot * 0
    if indexed:
        table = tl.load(index + place, mask=active, other=0).to(tl.int32)
        where = slot | (table << bits)
    if packed:
        entry = tl.load(lookup + where).to(tl.uint32, bitcast=True)
        symbol = entry & 255
        freq = ((entry >> 8) & 4095) + 1
        within = entry >> 20
    else:
        symbol = tl.load(lookup + where).to(tl.uint32)
        span = tl.load(spans + (table * 256 + symbol.to(tl.int32))).to(tl.uint32, bitcast=True)
        freq = span >> 16
        within = slot.to(tl.uint32) - (span & 65535)
    return symbol, freq * (x >> bits) + within


@triton.jit(do_not_specialize=["count"])  # the length of the tensor: no compilation of its own
def _decode_kernel(  # type: ignore[no-untyped-def]
    words, begins, lookup, spans, index, out, status, count, bits: tl.constexpr, packed: tl.constexpr, indexed: tl.constexpr
):
    """One segment: words[begins[s] : begins[s + 1]] to out[s * 65536 :]; lanes are the elements of a vector."""
    segment = tl.program_id(0)
    lane = tl.arange(0, _L)
    first = segment.to(tl.int64) * _S
    begin = tl.load(begins + segment)
    size = (tl.load(begins + segment + 1) - begin - _H).to(tl.int32)
    steps = ((tl.minimum(count - first, _S) + _L - 1) // _L).to(tl.int32)
    low = tl.load(words + begin + 2 * lane).to(tl.int32) & 65535
    high = tl.load(words + begin + 2 * lane + 1).to(tl.int32) & 65535
    x = low.to(tl.uint32) | (high.to(tl.uint32) << 16)
    said = tl.load(words + begin + 2 * _L).to(tl.int32) & 65535
    tail = tl.maximum(tl.minimum(said, tl.minimum(steps, _T)), 1)
    found = tl.where((said != tail) | (tl.min(high, 0) == 0), 1, 0)
    base = words + begin + _H
    at = size * 0
    for step in range(steps - tail):
        place = first + step * _L + lane
        symbol, x = _take(x, place, lane >= 0, lookup, spans, index, bits, packed, indexed)
        tl.store(out + place, symbol.to(tl.uint8))
        low_lanes = x < 65536
        wanted = low_lanes.to(tl.int32)
        own = at + tl.cumsum(wanted, 0) - wanted
        word = tl.load(base + own, mask=low_lanes & (own < size), other=0).to(tl.int32) & 65535
        x = tl.where(low_lanes, (x << 16) | word.to(tl.uint32), x)
        at += tl.sum(wanted, 0)
    found |= tl.where(at != size, 2, 0)
    x -= 65536
    for step in range(steps - tail, steps):
        place = first + step * _L + lane
        active = place < count
        symbol, after = _take(x, place, active, lookup, spans, index, bits, packed, indexed)
        tl.store(out + place, symbol.to(tl.uint8), mask=active)
        x = tl.where(active, after, x)
    found |= tl.where(tl.max((x != 0).to(tl.int32), 0) != 0, 4, 0)
    tl.store(status + segment, found)


@triton.jit
def _span(symbols, index, spans, place, active, indexed: tl.constexpr):  # type: ignore[no-untyped-def]
    """(frequency, start) of the symbols at `place`; frequency 1 in lanes that are not active."""
    row = tl.load(symbols + place, mask=active, other=0).to(tl.int32)
    if indexed:
        row += tl.load(index + place, mask=active, other=0).to(tl.int32) * 256
    span = tl.load(spans + row, mask=active, other=65536).to(tl.uint32, bitcast=True)
    return span >> 16, span & 65535


@triton.jit(do_not_specialize=["count"])  # the length of the tensor: no compilation of its own
def _encode_kernel(  # type: ignore[no-untyped-def]
    symbols, index, spans, scratch, lengths, status, count, bits: tl.constexpr, indexed: tl.constexpr
):
    """One segment, right-aligned in its part of `scratch`; lengths[s] counts its words beyond states and tail."""
    segment = tl.program_id(0)
    lane = tl.arange(0, _L)
    first = segment.to(tl.int64) * _S
    steps = ((tl.minimum(count - first, _S) + _L - 1) // _L).to(tl.int32)
    x = tl.zeros([_L], tl.uint32)
    tail = steps * 0
    refused = lane * 0
    going = tail + 1
    while going > 0:
        here = (steps - 1 - tail) * _L + lane
        active = first + here < count
        freq, start = _span(symbols, index, spans, first + here, active, indexed)
        refused = tl.where(freq == 0, here + 1, refused)
        freq = tl.maximum(freq, 1)
        q = x // freq
        fits = (q >> (32 - bits)) == 0
        after = (q << bits) + (x - q * freq) + start
        fits = (fits & (after < 0xFFFF0000)) | (active == 0)
        going = tl.min(fits.to(tl.int32), 0)
        x = tl.where(active & (going > 0), after, x)
        tail += going
        going = tl.where((tail < steps) & (tail < _T), going, 0)
    x += 65536
    end = scratch + (segment.to(tl.int64) + 1) * _C
    written = steps * 0
    for back in range(steps - tail):
        here = (steps - tail - 1 - back) * _L + lane
        freq, start = _span(symbols, index, spans, first + here, lane >= 0, indexed)
        refused = tl.where(freq == 0, here + 1, refused)
        freq = tl.maximum(freq, 1)
        full = (x >> (32 - bits)) >= freq
        wanted = full.to(tl.int32)
        written += tl.sum(wanted, 0)
        tl.store(end - written + (tl.cumsum(wanted, 0) - wanted), (x & 65535).to(tl.int16), mask=full)
        x = tl.where(full, x >> 16, x)
        q = x // freq
        x = (q << bits) + (x - q * freq) + start
    base = end - written - _H
    tl.store(base + 2 * lane, (x & 65535).to(tl.int16))
    tl.store(base + 2 * lane + 1, (x >> 16).to(tl.int16))
    tl.store(base + 2 * _L, tail.to(tl.int16))
    tl.store(lengths + segment, written)
    tl.store(status + segment, tl.max(refused, 0))


@triton.jit
def _copy_kernel(scratch, lengths, ends, out):  # type: ignore[no-untyped-def]
    """A block of a segment from its part of `scratch` to its place."""
    segment = tl.program_id(0)
    size = tl.load(lengths + segment) + _H
    i = tl.program_id(1) * _B + tl.arange(0, _B)
    word = tl.load(scratch + segment.to(tl.int64) * _C + (_C - size) + i, mask=i < size)
    tl.store(out + (tl.load(ends + segment) - size) + i, word, mask=i < size)
