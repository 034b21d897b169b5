"""Segments of 8-bit symbols on CUDA tensors: the bytes of `segments.py`, coded by Triton kernels.

    encode_segments(symbols on the device) -> stream on the device;    decode_segments(stream on the device) -> symbols there

Importing this module needs torch and Triton, and raises MissingDependency without them; nothing else in the package does.
Under TRITON_INTERPRET=1 the same kernels run on CPU tensors (slowly, for tests).
"""

from typing import Any

import numpy as np

from lacodec.entropy import segments
from lacodec.entropy.gpu_kernels import BLOCK, CAPACITY, DAMAGED_HEAD, DAMAGED_WORDS, copy_kernel, decode_kernel, encode_kernel
from lacodec.entropy.segments import HEAD_WORDS, SEGMENT, Directory
from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput, CorruptFile
from lacodec.kernels.triton import Tensor, launch, torch


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
    scratch = torch.empty(count * CAPACITY, dtype=torch.int16, device=symbols.device)
    lengths = torch.empty(count, dtype=torch.int32, device=symbols.device)
    status = torch.empty(count, dtype=torch.int32, device=symbols.device)
    launch(
        encode_kernel,
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
    blocks = -(-(int(lengths.max()) + HEAD_WORDS) // BLOCK)
    launch(copy_kernel, (count, blocks), symbols, scratch, lengths, ends, words[first:])
    return words.view(torch.uint8)


def decode_segments(
    data: Tensor, tables: Tables | DeviceTables, n: int, index: Tensor | None = None, directory: Directory | None = None
) -> Tensor:
    """The symbols (u8[n], on the device) of the stream `data` (u8, on the device), as `segments.decode_segments` does.

    directory: from `segments.read_directory` when the caller has the first bytes on the host; else they are fetched.
    Raises CorruptFile for damaged streams, before or after the kernel, which never reads or writes outside its arrays.
    """
    if data.dtype != torch.uint8 or data.dim() != 1:
        raise BadInput(f"segments: a stream must be a one-dimensional tensor of uint8, not {data.dtype}{list(data.shape)}")
    table = _on_device(tables, data.device)
    if directory is None:
        head = data[: min(data.numel(), segments.directory_size(max(n, 0)))].cpu().numpy()
        directory = segments.read_directory(memoryview(head), n, data.numel())
    elif directory.count != n or int(directory.begins[-1]) != data.numel():
        raise BadInput(
            f"segments: the directory ({directory.count} symbols, {directory.begins[-1]} bytes) does not belong to this stream"
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
    launch(
        decode_kernel, (count,), data, data.view(torch.int16), begins, table.lookup, table.spans, which, out, status, n,
        table.freq_bits, table.packed, index is not None,
    )  # fmt: skip
    damage = first_damage(status)
    if damage is not None:
        raise CorruptFile(f"segments: segment {damage[0]} is damaged, or was made with other tables ({damage[1]})")
    return out


def first_damage(status: Tensor) -> tuple[int, str] | None:
    """(the first segment in which a decoding kernel found damage, which), by status[i] of segment i."""
    found = status.cpu().numpy()
    segment = int(np.argmax(found != 0))
    return (segment, _reason(int(found[segment]))) if found[segment] else None


def _reason(found: int) -> str:
    if found & DAMAGED_HEAD:
        return "start states"
    return "its words are not all used" if found & DAMAGED_WORDS else "it does not end in zero states"


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
            raise BadInput(f"segments: {tables} tables need an index that gives the table of each symbol")
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
