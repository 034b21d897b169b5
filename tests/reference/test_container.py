"""The container by `reference/`: what is skipped, what is refused; and the command, which needs nothing of the package's code."""

import io
import subprocess
import sys

import pytest

import lacodec
from lacodec.container import ANCILLARY, CRITICAL, Chunk, Header, content_hash, write_container
from reference.container import read
from reference.decode import restore
from reference.stream import Damaged
from tools.golden import FOLDER
from tools.golden import bytes as golden_bytes

TEXT = b"some text, and some more text " * 40


def part(start, stop, kind=CRITICAL, covers=True):
    data = TEXT[start:stop]
    return Chunk(kind, ((start, stop),) if covers else (), b"\0" + data, content_hash(data), len(data))


def pack(chunks, codec="bytes", version=1, nested=None):
    out = io.BytesIO()
    write_container(Header(codec, version, {}, nested=nested or {}), chunks, out)
    return out.getvalue()


def test_ancillary_chunks_and_unused_sections_are_skipped():
    chunks = [part(0, 5, covers=False), part(0, 300), part(7, 9, ANCILLARY), part(300, 1200), part(0, 0, ANCILLARY, False)]
    assert restore(pack(chunks)).content == TEXT


def test_kinds_that_come_later():
    """Those from 128 on are skipped; others are refused by their number."""
    later = [part(0, 300), part(7, 9, 128), part(300, 1200), part(0, 0, 255, False)]
    assert restore(pack(later)).content == TEXT
    data = pack([part(0, 20), part(20, 1200, ANCILLARY)])
    at = data.index(b"\xc5Lch", data.index(b"\xc5Lch") + 1)
    head = bytearray(data[at : at + 60])
    head[12] = 3
    head[-4:] = (content_hash(bytes(head[:-4])) & 0xFFFFFFFF).to_bytes(4, "little")
    with pytest.raises(Damaged, match="chunk 1 is of the critical kind 3"):
        restore(data[:at] + head + data[at + 60 :])


def test_every_changed_byte_is_noticed():
    for data in (pack([part(0, 20)]), pack([part(0, 20), part(20, 30)])):
        for at in range(len(data)):
            with pytest.raises(Damaged):
                restore(data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :])
            with pytest.raises(Damaged):
                restore(data[:at])


def test_unknown_codecs_and_versions():
    with pytest.raises(Damaged, match="codec 'audio.later'"):
        restore(pack([part(0, 20)], "audio.later"))
    with pytest.raises(Damaged, match="version 7"):
        restore(pack([part(0, 20)], version=7))
    with pytest.raises(Damaged, match="version 9 of codec 'image.lossless'"):
        restore(pack([part(0, 20)], nested={"bytes": 1, "image.lossless": 9}))
    with pytest.raises(Damaged, match="version 2, form 1"):
        restore(b"\x8bLAC\2" + pack([part(0, 20)])[5:])


def test_headers():
    header, _ = read(lacodec.encode(TEXT, effort=2))
    assert header["codec"] == "bytes" and header["options"] == {"effort": 2} and header["metadata"] == {}


def test_the_command(tmp_path, repository):
    """It neither imports the package nor what compiles."""
    program = (
        "import runpy, sys\n"
        "runpy.run_module('reference.decode', run_name='__main__')\n"
        "assert not {'lacodec', 'numba', 'torch'} & set(sys.modules)\n"
    )
    for stem, suffix in (("bytes-effort3-text", ""), ("image-effort5-palette", ".json"), ("audio-effort1-mono", "")):
        command = [sys.executable, "-c", program, str(FOLDER / "v1" / f"{stem}.lac"), str(tmp_path / stem)]
        subprocess.run(command, check=True, cwd=repository)
        assert (tmp_path / f"{stem}{suffix}").stat().st_size > 100
    assert (tmp_path / "bytes-effort3-text").read_bytes() == golden_bytes.content("text")
    assert (
        (tmp_path / "image-effort5-palette")
        .read_bytes()
        .startswith(b"P7\nWIDTH 48\nHEIGHT 40\nDEPTH 1\nMAXVAL 15\nTUPLTYPE INDEX\n")
    )
