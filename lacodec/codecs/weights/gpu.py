"""Weights decoded on a GPU: the bytes of chunks, or anything that is laid out like a group of floats.

    payloads --_gpu_plan--> tables, coded bytes --copied--> device --_gpu_kernel--> the values, in one pass
                      `--> what only the host decodes -----copied----------------'

Importing this module needs torch and Triton, and raises MissingDependency without them. Under TRITON_INTERPRET=1 the kernel runs
on CPU tensors (slowly, for tests). It has not been run on a GPU yet.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lacodec.codecs.session import Session
from lacodec.codecs.weights._floats import Layout
from lacodec.codecs.weights._gpu_kernel import decode_values
from lacodec.codecs.weights._gpu_plan import GROUP, SIGN_STORED, Arena, Floats, Plan, add_payload
from lacodec.codecs.weights._payload import no_base, payload_of
from lacodec.container.types import Chunk, Header
from lacodec.entropy.gpu import first_damage
from lacodec.entropy.segments import Directory
from lacodec.entropy.tables import Tables
from lacodec.errors import CorruptFile
from lacodec.kernels.triton import Tensor, launch, torch

if TYPE_CHECKING:
    from lacodec.codecs.weights.codec import Weights

_ALIGN = 16  # bytes: where chunks begin in the result
_WIDTHS = {2: torch.int16, 4: torch.int32}


class Work:
    """A plan with its tables on a device, to be run any number of times."""

    def __init__(self, plan: Plan, device: Any) -> None:
        self._names = plan.names
        self._tables = [torch.from_numpy(table).to(device) for table in plan.tables()]
        self._launches = [(kind, rows[:, GROUP].copy(), torch.from_numpy(rows).to(device)) for kind, rows in plan.launches()]
        self._room = torch.tensor(plan.room(), dtype=torch.int32).to(device)
        self._highs = [
            (_WIDTHS[size], torch.from_numpy(which).to(device), torch.from_numpy(highs).view(_WIDTHS[size]).to(device))
            for size, which, highs in plan.listed()
        ]
        self.device = self._room.device

    def run(self, words: Tensor, planes: Tensor, out: Tensor) -> None:
        """Decode from `words` (i16) and `planes` (u8) into `out` (u8), all of them on the device and as large as the plan says.

        Raises CorruptFile for damage that shows only now.
        """
        counts = torch.zeros_like(self._room)
        room = max(1, sum(len(which) for _, which, _ in self._highs))
        keys, places = (torch.empty(room, dtype=torch.int64, device=self.device) for _ in range(2))
        results = []
        for (size, *kind), _, rows in self._launches:
            status = torch.empty(len(rows), dtype=torch.int32, device=self.device)
            results.append(status)
            launch(
                decode_values, (len(rows),), out, words, planes, rows, *self._tables, counts, keys, places,
                out.view(_WIDTHS[size]), status, *kind,
            )  # fmt: skip
        for (_, groups, _), status in zip(self._launches, results, strict=True):
            damage = first_damage(status)
            if damage is not None:
                raise CorruptFile(f"{self._names[groups[damage[0]]]}: a segment is damaged ({damage[1]})")
        if self._highs:
            self._restore(counts, keys, places, out)

    def _restore(self, counts: Tensor, keys: Tensor, places: Tensor, out: Tensor) -> None:
        """Give the values of code 0 the high bits that are listed, in the order of the values."""
        wrong = torch.nonzero(counts != self._room).flatten()
        if len(wrong):
            raise CorruptFile(f"{self._names[int(wrong[0])]}: the number of its high bits does not match its values")
        places = places[torch.argsort(keys)]
        for kind, which, highs in self._highs:
            values, mine = out.view(kind), places[which]
            values[mine] = values[mine] | highs


def placed(arena: Arena, device: Any) -> Tensor:
    """The coded bytes on the device. On the host they lie in pinned memory meanwhile, which torch keeps for the next time."""
    on_cuda = torch.device(device).type == "cuda"
    host = torch.empty(arena.size, dtype=torch.uint8, pin_memory=on_cuda)
    arena.fill(host.numpy())
    return host.to(device, non_blocking=True)


def plain_work(tables: Tables, directory: Directory, size: int, name: str, device: Any) -> Work:
    """For values of `size` bytes (2, 4) whose eight bits below the sign are symbols with that table and directory.

    Their other bits are planes of bytes, the lowest first, one after the other; the sign is the highest bit of the last one.
    """
    plan, count = Plan(), directory.count
    layout = Layout(size, drop=0, bits=8 * size - 9, sign=SIGN_STORED, base=0)
    floats = Floats(layout, tables, directory, np.zeros(0, np.uint16))
    plan.add(name, floats, 0, [place * count for place in range(size - 1)], np.zeros(1, np.int64), np.array([size * count]))
    return Work(plan, device)


def decode_chunks(
    codec: "Weights", header: Header, chunks: Sequence[tuple[Chunk, Sequence[Chunk]]], device: Any, session: Session
) -> list[Tensor]:
    """The bytes (u8, on the device, views of one array) of chunks, each with the shared sections that it needs.

    Whether decoded bytes are those that were encoded, by their hash, is checked only for chunks that the host decodes; the hash
    of the coded ones is the reader's to check. Raises CorruptFile, and what `decode_chunk` raises.
    """
    plan, arena = Plan(), Arena()
    around = replace(codec.surroundings(header, session), base=no_base)
    copied: list[tuple[int, Any]] = []
    begins, end = [], 0
    for chunk, shared in chunks:
        begins.append(end)
        try:
            payload, name = payload_of(chunk, shared), chunk.describe()
            found = add_payload(plan, arena, name, payload, chunk.decoded_size, end, around)
            if found is None:
                found = [(end, np.frombuffer(codec.decode_chunk(header, chunk, shared, session), np.uint8))]
        except CorruptFile as error:
            raise CorruptFile(f"{chunk.describe()}: {error}") from error
        copied += found
        end += -(-chunk.decoded_size // _ALIGN) * _ALIGN
    out = torch.empty(end, dtype=torch.uint8, device=device)
    for begin, data in copied:
        out[begin : begin + len(data)] = torch.from_numpy(data)
    if plan.names:
        coded = placed(arena, device)
        Work(plan, device).run(coded.view(torch.int16), coded, out)
    return [out[begin : begin + chunk.decoded_size] for begin, (chunk, _) in zip(begins, chunks, strict=True)]
