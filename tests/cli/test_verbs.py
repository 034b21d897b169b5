"""`info`, `test`, `list`, `bench`, `warmup`, `--version`, help; and what each imports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"numpy", "numba", "torch", "rich", "zstandard"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["encode", "--help"], ["decode", "--help"], ["info", "text.txt.lac"]]
)
def test_starts_light(laconic, text: Path, environment: dict[str, str], arguments: list[str]) -> None:
    laconic("encode", "-q", "text.txt", "--effort", "1")
    program = (
        "import sys\nfrom laconic.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        f"print({HEAVY!r} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=text.parent, env=environment, capture_output=True, timeout=60)
    assert done.stderr.strip() == b"set()"


def test_help_of_a_codec_lists_its_flags(laconic) -> None:
    said = laconic("encode", "--codec", "bytes", "--help").stdout.decode()
    assert "options of codec bytes" in said
    assert "--effort" in said


def test_codec_flags_work(laconic, text: Path) -> None:
    laconic("encode", "text.txt", "--codec", "bytes", "--effort", "1", "-o", "explicit")
    laconic("encode", "text.txt", "--effort", "1", "-o", "chosen")
    assert text.with_name("explicit").read_bytes() == text.with_name("chosen").read_bytes()


def test_version(laconic) -> None:
    assert laconic("--version").stdout.startswith(b"laconic ")


def test_info(laconic, text: Path) -> None:
    laconic("encode", "text.txt", "--effort", "1")
    said = laconic("info", "text.txt.lac").stdout.decode()
    for word in ("bytes", "effort", f"{text.stat().st_size:,}", "text.txt"):
        assert word in said
    row = json.loads(laconic("info", "--json", "text.txt.lac").stdout)
    assert row["codec"] == "bytes"
    assert row["options"] == {"effort": 1}
    assert row["size"] == text.stat().st_size
    assert row["encoded"] == text.with_name("text.txt.lac").stat().st_size


def test_test(laconic, text: Path) -> None:
    laconic("encode", "text.txt", "--effort", "1")
    assert b"ok" in laconic("test", "text.txt.lac").stdout
    assert json.loads(laconic("test", "--json", "text.txt.lac").stdout)["ok"] is True


def test_list(laconic) -> None:
    assert b"bytes" in laconic("list").stdout
    listed = json.loads(laconic("list", "--json").stdout)
    bytes_codec = next(codec for codec in listed["codecs"] if codec["name"] == "bytes")
    assert bytes_codec["identical"] == "bytes"
    assert "effort" in bytes_codec["options"]


def test_bench(laconic, text: Path) -> None:
    done = laconic("bench", "text.txt", "--efforts", "1", "--peers", "zstd -3,xz -9e", "--repeats", "1", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["candidate"] for row in rows] == ["bytes --effort 1", "zstd -3", "xz -9e"]
    assert all(row["identical"] and row["size"] == text.stat().st_size for row in rows)
    table = laconic("bench", "text.txt", "--efforts", "1", "--peers", "none", "--repeats", "1").stdout.decode()
    assert "bytes --effort 1" in table


def test_warmup(laconic):
    assert json.loads(laconic("warmup", "--json").stdout)["kernels"] >= 0
