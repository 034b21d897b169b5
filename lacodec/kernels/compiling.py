"""Compiles a kernel with numba into machine code that runs without numba. Imported only when something must be compiled.

    Python function, types --numba: typing, lowering, of it and all it calls--> LLVM IR, linked --optimised once--> object code

numba alone optimises and emits every function that is called, wraps it for Python and C, and then does it again inside its
caller, which takes five times as long. Here, called functions stay IR until the one that Python calls is complete.
"""

import ctypes
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from numba.core import errors, event
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.runtime import rtsys
from numba.np import arrayobj

from lacodec.kernels.events import compile_listeners
from lacodec.kernels.front import quick_front
from lacodec.kernels.llvm import cgutils, ir, types
from lacodec.kernels.native import HEAD, Machine, UnsupportedCall
from lacodec.kernels.pools import Pools, make_pools, pools_of

_I32, _I64, _POINTER = ir.IntType(32), ir.IntType(64), ir.IntType(8).as_pointer()
_ARRAY = object.__basicsize__  # bytes before the fields of an array: data, number of dimensions, dimensions, strides

_MEMORY = """
declare ptr @malloc(i64)
declare void @free(ptr)
define ptr @NRT_MemInfo_alloc_aligned(i64 %size, i32 %align) {
  %step = zext i32 %align to i64
  %more = add i64 %step, 64
  %room = add i64 %size, %more
  %wraps = icmp ult i64 %room, %more
  br i1 %wraps, label %none, label %ask
ask:
  %block = call ptr @malloc(i64 %room)
  %failed = icmp eq ptr %block, null
  br i1 %failed, label %none, label %fill
fill:
  %place = ptrtoint ptr %block to i64
  %least = add i64 %place, 63
  %upper = add i64 %least, %step
  %mask = sub i64 0, %step
  %aligned = and i64 %upper, %mask
  %data = inttoptr i64 %aligned to ptr
  store { i64, ptr, ptr, ptr, i64, ptr } { i64 1, ptr null, ptr null, ptr null, i64 0, ptr null }, ptr %block
  %where = getelementptr { i64, ptr, ptr, ptr, i64, ptr }, ptr %block, i32 0, i32 3
  store ptr %data, ptr %where
  %length = getelementptr { i64, ptr, ptr, ptr, i64, ptr }, ptr %block, i32 0, i32 4
  store i64 %size, ptr %length
  ret ptr %block
none:
  ret ptr null
}
define ptr @NRT_MemInfo_alloc_safe_aligned(i64 %size, i32 %align) {
  %block = call ptr @NRT_MemInfo_alloc_aligned(i64 %size, i32 %align)
  ret ptr %block
}
define ptr @NRT_MemInfo_alloc(i64 %size) {
  %block = call ptr @NRT_MemInfo_alloc_aligned(i64 %size, i32 16)
  ret ptr %block
}
define ptr @NRT_Allocate(i64 %size) {
  %block = call ptr @malloc(i64 %size)
  ret ptr %block
}
define void @NRT_Free(ptr %block) {
  call void @free(ptr %block)
  ret void
}
define void @NRT_MemInfo_call_dtor(ptr %block) {
  call void @free(ptr %block)
  ret void
}
"""
"""numba's reference-counted memory, as far as arrays need it that a kernel makes for itself."""


class _Linked(JITCodeLibrary):
    """Functions as IR, linked with what they call, neither optimised as a whole nor emitted."""

    def finalize(self) -> None:
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        self._ensure_finalized()
        return 0


def compiled(dispatcher: Any, values: tuple[Any, ...], entry: str) -> Machine | None:
    """Machine code for values of these types; None where only numba's own way of calling will do."""
    found = _linked(dispatcher, tuple(pools_of(numba.typeof(value)) for value in values), entry)
    if found is None:
        return None
    library, results = found
    with global_compiler_lock:
        JITCodeLibrary._optimize_final_module(library)
        if _missing(library._final_module):
            return None
        return Machine(entry, results, library.codegen._tm.emit_object(library._final_module))


def assembly(dispatcher: Any, values: tuple[Any, ...]) -> str:
    """What `compiled` makes, to be read by people and tests."""
    found = _linked(dispatcher, tuple(pools_of(numba.typeof(value)) for value in values), "entry")
    if found is None:
        raise ValueError("not compiled to machine code of our own")
    with global_compiler_lock:
        JITCodeLibrary._optimize_final_module(found[0])
        return str(found[0].codegen._tm.emit_assembly(found[0]._final_module))


def _linked(dispatcher: Any, kinds: tuple[Any, ...], entry: str) -> tuple[Any, str | None] | None:
    with global_compiler_lock, _plain_libraries(dispatcher.targetctx) as codegen:
        for listener in compile_listeners:
            listener()
        try:
            found = dispatcher._compiler.compile(kinds, None)
        except errors.NumbaError:
            return None  # numba says what is wrong when the caller asks it to compile this
        results = _formats(found.signature.return_type)
        nothing = found.signature.return_type == types.none
        if (results is None and not nothing) or found.library.has_dynamic_globals:
            return None
        library = codegen.create_library(entry)
        module = library.create_ir_module(entry)
        try:
            _entry(dispatcher.targetctx, module, entry, found, kinds)
        except UnsupportedCall:
            return None  # only numba can pass such arguments
        library.add_ir_module(module)
        library.add_linking_library(found.library)
        library.finalize()
        linked = library._final_module
        linked.link_in(llvm.parse_assembly(_MEMORY))
        linked.get_function(found.fndesc.llvm_func_name).add_function_attribute("alwaysinline")  # so that `Pools` come apart
        for thing in [*linked.functions, *linked.global_variables]:
            if not thing.is_declaration and thing.name != entry:
                thing.linkage = "internal"
        return library, results


@contextmanager
def _plain_libraries(context: Any) -> Iterator[Any]:
    """Meanwhile, functions that numba compiles become `_Linked`. Under numba's lock."""
    context.refresh()
    rtsys.initialize(context)
    codegen = context.codegen()
    before = codegen._library_class
    codegen._library_class = _Linked
    collecting = gc.isenabled()
    gc.disable()  # a tenth of the time would go into looking through numba's many objects
    codegen.set_env = lambda name, env: None  # of a function that isn't emitted, so has none
    try:
        with quick_front(context):
            yield codegen
    finally:
        codegen._library_class = before
        del codegen.set_env
        if collecting:
            gc.enable()


def _formats(kind: Any) -> str | None:
    """How `native.Machine` describes results of a type; None for what it cannot."""
    if type(kind) in (types.Tuple, types.UniTuple):
        inner = [_formats(member) for member in kind]
        return None if any(f is None or len(f) != 1 for f in inner) else "()" + "".join(map(str, inner))
    if isinstance(kind, types.Boolean):
        return "?"
    if isinstance(kind, types.Integer):
        return "q" if kind.signed else "Q"
    return "d" if isinstance(kind, types.Float) else None


def _entry(context: Any, module: Any, name: str, found: Any, kinds: tuple[Any, ...]) -> None:
    """Define i32 name(i64* slots): read the arguments, call the kernel, write the results behind them."""
    function = ir.Function(module, ir.FunctionType(_I32, [_I64.as_pointer()]), name)
    b = ir.IRBuilder(function.append_basic_block())
    slots = _Slots(b, function.args[0])
    arguments = [_argument(context, b, kind, slots) for kind in kinds]
    callee = context.declare_function(module, found.fndesc)
    result = found.signature.return_type
    status, value = context.call_conv.call_function(b, callee, result, kinds, arguments)
    with b.if_then(status.is_error, likely=False):
        with b.if_then(status.is_user_exc):
            info = b.load(status.excinfoptr)
            for slot, field in enumerate((0, 1, 4)):
                part = b.extract_value(info, field)
                wide = b.ptrtoint(part, _I64) if isinstance(part.type, ir.PointerType) else b.zext(part, _I64)
                b.store(wide, b.gep(slots.base, [_I64(slot)]))
        b.ret(status.code)
    if result != types.none:
        many = isinstance(result, types.BaseTuple)
        for i, kind in enumerate(result if many else [result]):
            slots.put(context, kind, b.extract_value(value, i) if many else value)
    b.ret(_I32(0))


class _Slots:
    def __init__(self, b: Any, base: Any) -> None:
        self.base, self._b, self._next = base, b, HEAD

    def take(self) -> Any:
        self._next += 1
        return self._b.load(self._b.gep(self.base, [_I64(self._next - 1)]))

    def put(self, context: Any, kind: Any, value: Any) -> None:
        b = self._b
        if isinstance(kind, types.Float):
            wide = b.bitcast(context.cast(b, value, kind, types.float64), _I64)
        else:
            wide = context.cast(b, value, kind, types.int64 if getattr(kind, "signed", False) else types.uint64)
        b.store(wide, b.gep(self.base, [_I64(self._next)]))
        self._next += 1


def _argument(context: Any, b: Any, kind: Any, slots: _Slots) -> Any:
    if isinstance(kind, types.Array):
        return _array(context, b, kind, slots.take())
    if isinstance(kind, Pools):
        return make_pools(b, kind, [_argument(context, b, member, slots) for member in kind.members.values()])
    if isinstance(kind, types.BaseTuple):
        return context.make_tuple(b, kind, [_argument(context, b, member, slots) for member in kind])
    if isinstance(kind, types.Integer):
        return context.cast(b, slots.take(), types.int64, kind)
    if isinstance(kind, types.Boolean):
        return b.icmp_unsigned("!=", slots.take(), _I64(0))
    if isinstance(kind, types.Float):
        return context.cast(b, b.bitcast(slots.take(), ir.DoubleType()), types.float64, kind)
    if kind == types.none:
        return context.get_dummy_value()
    raise UnsupportedCall(str(kind))


def _array(context: Any, b: Any, kind: Any, address: Any) -> Any:
    """numba's array from the fields of numpy's (a stable part of its binary interface)."""

    def field(number: int) -> Any:
        place = b.inttoptr(b.add(address, _I64(_ARRAY + 8 * number)), _I64.as_pointer())
        return b.load(place)

    def numbers(number: int) -> Any:
        place = b.inttoptr(field(number), _I64.as_pointer())
        values = [b.load(b.gep(place, [_I64(i)])) for i in range(kind.ndim)]
        return cgutils.pack_array(b, values, ty=_I64)

    array = context.make_array(kind)(context, b)
    pointer = b.inttoptr(field(0), context.get_data_type(kind.dtype).as_pointer())
    size = _I64(context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    arrayobj.populate_array(array, pointer, numbers(2), numbers(3), size, None)
    return array._getvalue()


def _missing(module: Any) -> bool:
    """Whether anything is called that only numba knows."""
    process = _process()
    return any(f.is_declaration and not f.name.startswith("llvm.") and not hasattr(process, f.name) for f in module.functions)


@cache
def _process() -> Any:
    return ctypes.CDLL(None)


class _Announcer(event.Listener):
    """Tells `compile_listeners` of every function that numba compiles on the way."""

    def on_start(self, event: Any) -> None:
        for listener in compile_listeners:
            listener()

    def on_end(self, event: Any) -> None:
        """Nothing to tell."""


event.register("numba:compile", _Announcer())
lock = threading.RLock()
"""Held while a kernel is looked for and compiled."""

assert np.dtype(np.intp).itemsize == 8
