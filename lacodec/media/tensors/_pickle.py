"""Reads what a pickle of a PyTorch checkpoint says, without unpickling: nothing is imported, called or looked up.

Its instructions build plain values; a name of something becomes a `Name`, a call of it a `Call`, a storage elsewhere in the file
a `Storage`. So a pickle that would run code becomes a value that mentions it.
"""

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lacodec.errors import UnsupportedFile

MAX_OPERATIONS = 4_000_000


@dataclass(frozen=True, slots=True)
class Name:
    """Something that the pickle would import."""

    name: str


@dataclass(eq=False, slots=True)
class Call:
    """What calling `what` with `arguments` would give; `state`, `items` and `pairs` are what the pickle would put into it."""

    what: Any
    arguments: Any
    state: Any = None
    items: list[Any] = field(default_factory=list)
    pairs: dict[Any, Any] = field(default_factory=dict)


class Dict(dict[Any, Any]):
    """An OrderedDict; `state` is what the pickle would put into it beside its items."""

    state: Any = None


@dataclass(eq=False, slots=True)
class Storage:
    """What the persistent id `id` stands for."""

    id: Any


@dataclass(eq=False, slots=True)
class _Mark:
    pass


@dataclass
class _Machine:
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def since_mark(self) -> list[Any]:
        """What was pushed since the last mark, taken off together with it."""
        for at in range(len(self.stack) - 1, -1, -1):
            if type(self.stack[at]) is _Mark:
                found = self.stack[at + 1 :]
                del self.stack[at:]
                return found
        raise ValueError("a mark is missing")


def load(data: bytes, start: int, name: str) -> tuple[Any, int]:
    """(value, offset behind it) of the pickle at `start` in `data`.

    Raises UnsupportedFile when it makes no sense, EOFError when it goes on behind `data`.
    """
    stream = io.BytesIO(data)
    stream.seek(start)
    machine = _Machine()
    try:
        for count, (operation, argument, _) in enumerate(pickletools.genops(stream)):
            if count >= MAX_OPERATIONS:
                raise UnsupportedFile(f"{name}: its pickle has more than {MAX_OPERATIONS} instructions")
            _step(machine, operation.name, argument)
        return machine.stack.pop(), stream.tell()
    except (ValueError, KeyError, IndexError, TypeError, OverflowError, MemoryError) as error:
        if stream.tell() >= len(data):
            raise EOFError from error
        raise UnsupportedFile(f"{name}: its pickle is invalid ({error})") from error


def _step(machine: _Machine, operation: str, argument: Any) -> None:
    stack = machine.stack
    if operation in _VALUES:
        stack.append(argument)
    elif operation in _MAKERS:
        stack.append(_MAKERS[operation]())
    elif operation in ("PUT", "BINPUT", "LONG_BINPUT"):
        machine.memo[argument] = stack[-1]
    elif operation == "MEMOIZE":
        machine.memo[len(machine.memo)] = stack[-1]
    elif operation in ("GET", "BINGET", "LONG_BINGET"):
        stack.append(machine.memo[argument])
    elif operation in _RULES:
        _RULES[operation](machine, argument)
    elif operation not in ("PROTO", "FRAME", "STOP"):
        raise ValueError(f"instruction {operation}")


def _append(machine: _Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if type(target) is Call:
        target.items.extend(items)
    elif type(target) is list:
        target.extend(items)


def _set(machine: _Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if type(target) is Call:
        target = target.pairs
    if isinstance(target, dict):
        target.update((_key(key), value) for key, value in zip(items[::2], items[1::2], strict=True))


def _key(key: Any) -> Any:
    """What stands for a key of a dict: itself where it is simple, so that the same keys meet, as they do in Python."""
    simple = type(key) in _SIMPLE or (type(key) is tuple and all(type(part) in _SIMPLE for part in key))
    return key if simple else Call(None, (), key)


def _call(machine: _Machine, _: Any) -> None:
    arguments = machine.stack.pop()
    what = machine.stack.pop()
    # An OrderedDict becomes the dict that SETITEMS then fills; old ones were made of pairs.
    if what == Name("collections OrderedDict") and (pairs := _pairs(arguments)) is not None:
        machine.stack.append(Dict((_key(key), value) for key, value in pairs))
    else:
        machine.stack.append(Call(what, arguments))


def _pairs(arguments: Any) -> list[Any] | None:
    """What an OrderedDict is made of, None for something else."""
    if arguments == ():
        return []
    if type(arguments) is tuple and len(arguments) == 1 and type(arguments[0]) is list:
        pairs = arguments[0]
        return pairs if all(type(pair) in (list, tuple) and len(pair) == 2 for pair in pairs) else None
    return None


def _build(machine: _Machine, _: Any) -> None:
    state = machine.stack.pop()
    target = machine.stack[-1]
    if isinstance(target, Call | Dict):
        target.state = state if target.state is None else (target.state, state)


def _take(machine: _Machine, n: int) -> list[Any]:
    if len(machine.stack) < n:
        raise ValueError("its stack is empty")
    found = machine.stack[len(machine.stack) - n :]
    del machine.stack[len(machine.stack) - n :]
    return found


def _name(machine: _Machine, _: Any) -> None:
    module, name = _take(machine, 2)
    machine.stack.append(Name(f"{module} {name}"[:200] if isinstance(module, str) and isinstance(name, str) else ""))


def _dict(machine: _Machine, _: Any) -> None:
    items = machine.since_mark()
    machine.stack.append({})
    _set(machine, items)


def _pop(machine: _Machine, _: Any) -> None:
    machine.stack.pop()


def _pop_mark(machine: _Machine, _: Any) -> None:
    machine.since_mark()


def _push(machine: _Machine, value: Any) -> None:
    machine.stack.append(value)


def _opaque(takes: int) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: _push(machine, Call(None, tuple(_take(machine, takes))))


_SIMPLE = (str, int, float, bool, bytes, type(None))
_VALUES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_MAKERS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": list,
    "MARK": _Mark,
}
_RULES: dict[str, Callable[[_Machine, Any], None]] = {
    "TUPLE": lambda machine, _: _push(machine, tuple(machine.since_mark())),
    "TUPLE1": lambda machine, _: _push(machine, tuple(_take(machine, 1))),
    "TUPLE2": lambda machine, _: _push(machine, tuple(_take(machine, 2))),
    "TUPLE3": lambda machine, _: _push(machine, tuple(_take(machine, 3))),
    "LIST": lambda machine, _: _push(machine, machine.since_mark()),
    "DICT": _dict,
    "APPEND": lambda machine, _: _append(machine, _take(machine, 1)),
    "APPENDS": lambda machine, _: _append(machine, machine.since_mark()),
    "SETITEM": lambda machine, _: _set(machine, _take(machine, 2)),
    "SETITEMS": lambda machine, _: _set(machine, machine.since_mark()),
    "ADDITEMS": lambda machine, _: _append(machine, machine.since_mark()),
    "FROZENSET": lambda machine, _: _push(machine, tuple(machine.since_mark())),
    "GLOBAL": lambda machine, argument: _push(machine, Name(argument[:200])),
    "STACK_GLOBAL": _name,
    "INST": lambda machine, argument: _push(machine, Call(Name(argument[:200]), tuple(machine.since_mark()))),
    "OBJ": lambda machine, _: _push(machine, Call(None, tuple(machine.since_mark()))),
    "REDUCE": _call,
    "NEWOBJ": _call,
    "NEWOBJ_EX": _opaque(3),
    "BUILD": _build,
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "DUP": lambda machine, _: _push(machine, machine.stack[-1]),
    "PERSID": lambda machine, argument: _push(machine, Storage(argument)),
    "BINPERSID": lambda machine, _: _push(machine, Storage(machine.stack.pop())),
    "EXT1": _opaque(0),
    "EXT2": _opaque(0),
    "EXT4": _opaque(0),
}
