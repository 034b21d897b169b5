"""Blocks of text in and out of the model.

block -> line ends -> primer chosen -> coder and model, primed -> coded bytes
"""

import io
import struct
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from lacodec.codecs.fields import Reader, Writer
from lacodec.codecs.text.lines import join_ends, split_ends
from lacodec.codecs.text.lm.causal import run_causal
from lacodec.codecs.text.lm.run import run_with
from lacodec.codecs.text.lm.setup import WITH_LANGUAGE
from lacodec.codecs.text.primers import NAMES, choose_primer
from lacodec.codecs.text.run import run
from lacodec.codecs.text.setup import EFFORTS, setup
from lacodec.codecs.text.start import primed, primer_text
from lacodec.entropy.mixing import READ_AHEAD
from lacodec.errors import CorruptFile
from lacodec.io.progress import Report, ignore
from lacodec.models.text.language import Language

if TYPE_CHECKING:
    from lacodec.models.text.causal.language import CausalLanguage

_LANGUAGE = 64 << 20
_HEAD = struct.Struct("<BBB")
"""Effort, primer, 1 if line ends are split."""


def encode_text(
    data: np.ndarray, effort: int, on_work: Report = ignore, language: "Language | CausalLanguage | None" = None
) -> bytes:
    """Code uint8[n]; the result may be longer than the input, and is then useless.

    Effort 5 to 8, or that of WITH_LANGUAGE with a language model. `on_work` is told how many bytes were coded since its last
    call.
    Memory: see `text_memory`.
    """
    split = split_ends(data)
    block, bare = (data, []) if split is None else split
    primer = choose_primer(block, _looks())
    out = Writer(_HEAD.pack(effort, primer, split is not None))
    if split is not None:
        out.number(block.size)
        out.number(len(bare))
        out.numbers([b - a - 1 for a, b in zip([-1, *bare], bare, strict=False)])
    coded = np.zeros(max(block.size, 64), np.uint8)
    used = _run(effort, primer, block, coded, on_work, language, decoding=False)
    return out.data + bytes(coded[: min(used, coded.size)]) + bytes(max(0, used - coded.size))


def decode_text(
    payload: bytes, size: int, on_work: Report = ignore, language: "Language | CausalLanguage | None" = None
) -> np.ndarray:
    """uint8[size] from the result of `encode_text`, with the same language model if with any.

    Raises `CorruptFile` if the payload is invalid, or not of this size.
    """
    if len(payload) < _HEAD.size:
        raise CorruptFile("a text payload is too short to hold its head")
    effort, primer, split = _HEAD.unpack_from(payload)
    if effort not in (EFFORTS if language is None else (WITH_LANGUAGE.effort,)) or primer >= len(NAMES) or split > 1:
        raise CorruptFile(f"invalid text settings: effort {effort}, primer {primer}, line ends {split}")
    fields = Reader(payload, _HEAD.size)
    bare: list[int] = []
    whole = size
    if split:
        size, count = fields.number(), fields.number()
        if size > whole or count > size:
            raise CorruptFile("its line ends contradict its size")
        last = -1
        for _ in range(count):
            last += fields.number() + 1
            bare.append(last)
    coded = np.frombuffer(fields.rest(), np.uint8).copy()
    block = np.zeros(size, np.uint8)
    if _run(effort, primer, block, coded, on_work, language, decoding=True) != coded.size + READ_AHEAD:
        raise CorruptFile("a text stream does not end with its content")
    return join_ends(block, bare, whole) if split else block


def text_memory(size: int, payload: bytes | None, effort: int) -> int:
    """Bytes that coding `size` bytes at an effort, or decoding a payload of theirs, needs at most."""
    if payload is not None:
        effort = (
            payload[0] if payload and payload[0] in EFFORTS else min(EFFORTS)
        )  # others are refused before anything is allocated
    return 12 * size + setup(effort).memory(size)


def language_memory(size: int) -> int:
    """The same with a language model, whose own tables and memories take less than `_LANGUAGE`."""
    return 12 * size + WITH_LANGUAGE.memory(size) + _LANGUAGE


def _run(
    effort: int,
    primer: int,
    data: np.ndarray,
    coded: np.ndarray,
    on_work: Report,
    language: "Language | CausalLanguage | None",
    *,
    decoding: bool,
) -> int:
    """Code `data` (in place when decoding) with a primed model; returns the position in the stream.

    The model, which may take hundreds of MiB, ends here: an error's traceback must not keep it.
    """
    before = primer_text(primer, effort)
    whole = np.concatenate([before, data])
    if language is None:
        coder, model = primed(setup(effort), primer, data.size, coded, decoding=decoding)
        position = run(coder, model, whole, before.size, on_work)
    else:
        through = run_with if isinstance(language, Language) else run_causal
        position = through(language, primer, whole, before.size, coded, on_work, decoding=decoding)  # type: ignore[arg-type]
    if decoding:
        data[:] = whole[before.size :]
    return position


@cache
def _looks() -> np.ndarray:
    """int8[primers but none, LOOKS] for `choose_primer`."""
    with np.load(io.BytesIO((files(__package__) / "looks.npz").read_bytes())) as stored:
        return np.array(stored["looks"])
