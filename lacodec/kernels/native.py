"""Calls machine code that `compiling` made, without numba: values are described, packed into 64-bit slots, and passed on.

    arguments --describe--> key: what was compiled for these types; slots --ctypes--> entry(slots) --> status, results

Other values than arrays, numbers, None and tuples of them are left to numba.
"""

import ctypes
import json
import pickle
import struct
import threading
from functools import cache
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import numpy as np

FLAGS = 0x1 | 0x2 | 0x100 | 0x400  # C order, Fortran order, aligned, writeable: what decides the type of an array
HEAD = 5  # slots at the front: where exceptions go (see `_failure`)
_KINDS = {"i": "q", "u": "Q", "b": "q", "f": "d"}
_MAGIC = b"lacodec kernel 1\n"


class UnsupportedCall(Exception):
    """Arguments of types that only numba itself can pass."""


class Machine(NamedTuple):
    """What is kept of a compiled kernel. results: how they are packed, None for no result, with "()" in front for a tuple."""

    entry: str
    results: str | None
    code: bytes

    def to_bytes(self) -> bytes:
        """As kept in a file."""
        head = json.dumps([self.entry, self.results, len(self.code)]).encode()
        return _MAGIC + head + b"\n" + self.code

    @classmethod
    def from_bytes(cls, data: bytes | None) -> "Machine | None":
        """What a file holds, or None when it is none of ours or cut short."""
        if data is None or not data.startswith(_MAGIC):
            return None
        head, newline, code = data[len(_MAGIC) :].partition(b"\n")
        if not newline:
            return None
        entry, results, size = json.loads(head)
        return cls(entry, results, code) if len(code) == size else None


def describe(values: tuple[Any, ...], key: list[Any], slots: list[Any]) -> None:
    """Append to `key` what decides the types of `values`, and to `slots` one number for each that is passed."""
    for value in values:
        kind = type(value)
        if kind is np.ndarray:
            key += (value.dtype, value.ndim, value.flags.num & FLAGS)
            slots.append(id(value))
        elif kind is int:
            key.append("q" if -(1 << 63) <= value < 1 << 63 else "Q")
            slots.append(value)
        elif isinstance(value, np.generic):
            if value.dtype.kind not in _KINDS or not value.dtype.isnative or value.dtype.itemsize not in (1, 4, 8, 2):
                raise UnsupportedCall
            key.append(kind)
            slots.append(value.item())
        elif isinstance(value, tuple):
            key += (kind, len(value))
            describe(value, key, slots)
        elif kind is bool or kind is float:
            key.append(kind)
            slots.append(value)
        elif value is None:
            key.append(None)
        else:
            raise UnsupportedCall


def slot_formats(values: tuple[Any, ...]) -> str:
    """Format of `struct` for the slots that `describe` finds."""
    formats = ""
    for value in values:
        if isinstance(value, tuple):
            formats += slot_formats(value)
        elif isinstance(value, np.ndarray):
            formats += "Q"
        elif isinstance(value, np.generic):
            formats += _KINDS[value.dtype.kind]
        elif isinstance(value, float):
            formats += "d"
        elif value is not None:
            formats += "q" if -(1 << 63) <= value < 1 << 63 else "Q"
    return formats


def type_names(values: tuple[Any, ...]) -> str:
    """What `describe` says, as a text that is the same in every process."""
    names = []
    for value in values:
        kind = type(value)
        if isinstance(value, np.ndarray):
            flags = value.flags.num
            order = "C" if flags & 1 else "F" if flags & 2 else "A"
            dtype = value.dtype.str if value.dtype.names is None else repr(value.dtype)
            names.append(f"{dtype}{value.ndim}{order}{flags & 0x500}")
        elif isinstance(value, tuple):
            fields = getattr(kind, "_fields", "")
            names.append(f"{kind.__module__}.{kind.__qualname__}{fields}({type_names(value)})")
        else:
            names.append(kind.__name__ + ("" if kind is not int or value < 1 << 63 else "+"))
    return " ".join(names)


class Entry:
    """A compiled kernel, ready to be called with the slots of one kind of arguments."""

    def __init__(self, machine: Machine, formats: str) -> None:
        results = machine.results
        self._tuple = results is not None and results.startswith("()")
        returned = (results or "").removeprefix("()")
        self._none, self._at = results is None, 8 * (HEAD + len(formats))
        self._arguments = struct.Struct(f"={8 * HEAD}x" + formats)
        self._results = struct.Struct("=" + "".join("?7x" if f == "?" else f for f in returned))
        self._size = self._at + 8 * len(returned) + 8
        self._call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(_load(machine))

    def __call__(self, slots: list[Any]) -> Any:
        """The kernel's result; the GIL is free meanwhile."""
        buffer = bytearray(self._size)
        self._arguments.pack_into(buffer, 0, *slots)
        if self._call(ctypes.addressof(ctypes.c_char.from_buffer(buffer))):
            raise _failure(buffer)
        if self._none:
            return None
        found = self._results.unpack_from(buffer, self._at)
        return found if self._tuple else found[0]


def _failure(buffer: bytearray) -> BaseException:
    """The exception that a kernel raised: numba leaves the address and size of a pickle that it compiled in."""
    place, size, dynamic = struct.unpack_from("=QQQ", buffer)
    if not place or dynamic:
        return RuntimeError("a kernel failed")
    kind, arguments, _ = pickle.loads(ctypes.string_at(place, size))
    return kind(*arguments) if kind is not None else RuntimeError("a kernel failed")


_lock = threading.Lock()


def _load(machine: Machine) -> int:
    with _lock:
        engine = _engine()
        engine.add_object_file(llvm.ObjectFileRef.from_data(machine.code))
        engine.finalize_object()
        address = engine.get_function_address(machine.entry)
    if not address:
        raise RuntimeError(f"compiled kernel without its entry {machine.entry}")
    return int(address)


@cache
def _engine() -> Any:
    if llvm.llvm_version_info[0] < 20:
        llvm.initialize()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    machine = target.create_target_machine(jit=True, reloc="static" if "86" in llvm.get_process_triple() else "default")
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
