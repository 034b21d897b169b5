"""What `grep` finds in encoded logs is what is found in the lines."""

import random
import re
import subprocess

import numpy as np
import pytest

import lacodec
from lacodec.codecs.log.columns.decode import Block
from lacodec.codecs.log.columns.payload import encode_columns, open_block
from lacodec.codecs.log.columns.types import DISTINCT
from lacodec.codecs.log.search.block import wanted_templates
from lacodec.codecs.log.search.pattern import FIXED, WILDCARDS, Pattern
from lacodec.container import Header
from lacodec.errors import BadInput, CorruptFile
from tests.codecs.log.made_logs import ODD, log

LOG = log(3000) + b"a rare zephyr of 271828 in line\n" + log(2000, 2) + ODD["noise in lines"] + b"last line without end"
ENCODED = {effort: lacodec.encode(LOG, "log", effort=effort) for effort in (2, 5)}
LINES = LOG.split(b"\n")

PATTERNS = [
    b"zephyr", b"271828", b"nothing like this", b"Accepted password", b"port 2", b"worker", b":1", b"Jan 0", b"2 12:",
    b"an", b"0x00", b"[0-9]{11}", b"(cache|disk) (miss|full)", b"^Mon", b"end$", b"^$", b"GET /[a-m]+/4",
    b"\\bpeer\\b.*\\b7\\b", b"(?i)ACCEPTED", b".", b"x*", b"code 00[1-3]", b"A-", b"a+b", b"\\x00", b"Jan", b"\xff",
    b"host (sshd|web)", b"(?:from ){1}1", b"task=.*state=reset",
]  # fmt: skip


def found(pattern: Pattern, effort: int = 5, threads: int = 1) -> list[tuple[int, bytes]]:
    with lacodec.open(ENCODED[effort]) as opened:
        return list(opened.grep(pattern, threads))


def expected(regex: bytes, flags: int = 0, inverted: bool = False) -> list[tuple[int, bytes]]:
    return [(i + 1, line) for i, line in enumerate(LINES) if (re.search(regex, line, flags) is not None) != inverted]


@pytest.mark.parametrize("effort", ENCODED)
@pytest.mark.parametrize("text", PATTERNS)
def test_expressions(text: bytes, effort: int) -> None:
    assert found(Pattern.of(text), effort) == expected(text)
    assert found(Pattern.of(text, ignore_case=True), effort, 2) == expected(text, re.IGNORECASE)


@pytest.mark.parametrize("text", PATTERNS[:10])
def test_inverted(text: bytes) -> None:
    assert found(Pattern.of(text, inverted=True)) == expected(text, inverted=True)


@pytest.mark.slow
def test_every_part_of_lines_is_found() -> None:
    """Literals that begin and end anywhere: in templates, in slots and across."""
    rng = random.Random(11)
    for _ in range(100):
        line = rng.choice(LINES)
        at = rng.randrange(len(line) + 1)
        text = line[at : at + rng.choice((1, 2, 3, 5, 9, 20, 60))]
        assert found(Pattern.of(text, FIXED)) == expected(re.escape(text)), text
        swapped = text.swapcase()
        assert found(Pattern.of(swapped, FIXED, ignore_case=True)) == expected(re.escape(swapped), re.IGNORECASE), text


def test_wildcards() -> None:
    assert found(Pattern.of(b"Accepted*port 1?0", WILDCARDS)) == expected(b"Accepted.*port 1.0")


def opened_block() -> Block:
    return open_block(encode_columns(LOG, 5), len(LOG), Header("log", 1, {}, nested={"arrays": 1, "bytes": 2}))


def test_a_text_belongs_to_one_column_of_its_pool() -> None:
    block = opened_block()
    holders = {column.place for column in block.columns if column.has_texts and b"zephyr" in block.texts(column).tobytes()}
    assert len(holders) == 1
    wanted = wanted_templates(block, Pattern.of(b"zephyr", FIXED))
    assert 0 < wanted.sum() < 4
    assert holders <= set(block.slot_columns[np.repeat(wanted, block.slot_counts)].tolist())
    for pool in {column.pool for column in block.columns if column.has_texts}:
        parts = [block.texts(column).tobytes() for column in block.columns if column.has_texts and column.pool == pool]
        assert b"".join(parts) == block.pool(pool).tobytes()


def test_a_pool_with_another_number_of_texts_is_refused() -> None:
    block = opened_block()
    column = next(column for column in block.columns if column.type.code == DISTINCT)
    column.distinct += 1
    with pytest.raises(CorruptFile, match="another number of texts"):
        block.texts(column)


def test_invalid_expressions() -> None:
    with pytest.raises(BadInput):
        Pattern.of(b"(")


def test_literals() -> None:
    assert Pattern.of(b"ab(cd|ef)gh+i\\b").literals[:1] == (b"ab",)
    assert set(Pattern.of(b"foo.*(bar baz)?quux").literals) == {b"foo", b"quux"}
    assert Pattern.of(b"Foo", ignore_case=True).literals == (b"foo",)
    assert Pattern.of(b"a|b").literals == () and Pattern.of(b"abc", inverted=True).literals == ()


def test_lines_across_chunks_of_other_codecs() -> None:
    data = b"".join(b"%d of many lines\n" % i for i in range(120_000)) + b"x" * (3 << 20) + b" needle\nend"
    for codec in ("bytes", "log"):
        with lacodec.open(lacodec.encode(data, codec, effort=1)) as opened:
            lines = data.split(b"\n")
            assert list(opened.grep(b"needle|^77.77 ")) == [
                (i + 1, line) for i, line in enumerate(lines) if re.search(b"needle|^77.77 ", line)
            ]
            assert list(opened.lines(65_000, 65_003)) == [line + b"\n" for line in lines[65_000:65_003]]
            assert list(opened.lines(120_001)) == [b"end"]


def test_command(tmp_path, monkeypatch, capfdbinary) -> None:
    from lacodec.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.log").write_bytes(LOG)
    (tmp_path / "a.lac").write_bytes(ENCODED[5])
    (tmp_path / "b.lac").write_bytes(lacodec.encode(b"nothing\n", "log"))
    for flags in (["-n"], ["-c"], ["-n", "-i"], ["-v", "-n"], ["-F", "-n"]):
        for text in ("zephyr", "Password", "^Tue.*peer", "no such thing"):
            grep = ["grep", "-a", *([] if "-F" in flags else ["-E"]), *flags, text, "a.log"]
            theirs = subprocess.run(grep, capture_output=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, check=False)
            assert main(["grep", *flags, text, "a.lac"]) == theirs.returncode
            assert capfdbinary.readouterr().out == theirs.stdout
    assert main(["grep", "-c", "zephyr", "a.lac", "b.lac"]) == 0
    assert capfdbinary.readouterr().out == b"a.lac:1\nb.lac:0\n"
    assert main(["grep", "(", "a.lac"]) == 2 and main(["grep", "a", "missing.lac"]) == 2
    assert b"pattern '(' is not a regular expression" in capfdbinary.readouterr().err


def test_command_over_folders(tmp_path, monkeypatch, capfdbinary) -> None:
    from lacodec.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs" / "old").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    for name, data in (("logs/a.lac", b"one\ntwo\n"), ("logs/old/b.lac", b"two\nthree\n"), ("c.lac", b"four\n")):
        (tmp_path / name).write_bytes(lacodec.encode(data, "log", effort=1))
    (tmp_path / "logs" / "plain.txt").write_bytes(b"two\n")

    def run(*words: str) -> tuple[int, bytes]:
        code = main(["grep", *words])
        return code, capfdbinary.readouterr().out

    assert run("two", "logs") == (0, b"logs/a.lac:two\nlogs/old/b.lac:two\n")
    assert run("-E", "-l", "t(wo|en)", "logs", "c.lac") == (0, b"logs/a.lac\nlogs/old/b.lac\n")
    assert run("-c", "--no-filename", "o", "c.lac", "logs") == (0, b"1\n2\n1\n")
    assert run("-q", "two", "logs", "missing.lac") == (0, b"") and run("-q", "ten", "logs") == (1, b"")
    assert run("two", "empty")[0] == 2 and run("four", "c.lac", "missing.lac") == (2, b"c.lac:four\n")
