"""`info`, `test`, `list`, `bench`, `warmup`, `--version`, help; and what each imports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lacodec.cli.info import _brief

HEAVY = {"numpy", "numba", "torch", "rich", "zstandard"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["encode", "--help"], ["decode", "--help"], ["info", "text.txt.lac"]]
)
def test_starts_light(lacodec, text: Path, environment: dict[str, str], arguments: list[str]) -> None:
    lacodec("encode", "-q", "text.txt", "--effort", "1")
    program = (
        "import sys\nfrom lacodec.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        f"print({HEAVY!r} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=text.parent, env=environment, capture_output=True, timeout=60)
    assert done.stderr.strip() == b"set()"


def test_help_of_a_codec_lists_its_flags(lacodec) -> None:
    said = lacodec("encode", "--codec", "bytes", "--help").stdout.decode()
    assert "options of codec bytes" in said
    assert "--effort" in said


def test_codec_flags_work(lacodec, text: Path) -> None:
    lacodec("encode", "text.txt", "--codec", "bytes", "--effort", "1", "-o", "explicit")
    lacodec("encode", "text.txt", "--effort", "1", "-o", "chosen")
    assert text.with_name("explicit").read_bytes() == text.with_name("chosen").read_bytes()


def test_version(lacodec) -> None:
    assert lacodec("--version").stdout.startswith(b"lacodec ")


def test_info(lacodec, text: Path) -> None:
    lacodec("encode", "text.txt", "--effort", "1")
    said = lacodec("info", "text.txt.lac").stdout.decode()
    for word in ("bytes", "effort", f"{text.stat().st_size:,}", "text.txt"):
        assert word in said
    row = json.loads(lacodec("info", "--json", "text.txt.lac").stdout)
    assert row["codec"] == "bytes"
    assert row["options"] == {"effort": 1}
    assert row["size"] == text.stat().st_size
    assert row["encoded"] == text.with_name("text.txt.lac").stat().st_size


def test_info_gives_profiles_by_their_size() -> None:
    extras = [["icc", b"x" * 3000], ["key", b"bc"]]
    assert _brief({"extras": extras, "q": 5}) == {"extras": [["icc", "3,000 bytes"], ["key", b"bc"]], "q": 5}


def test_test(lacodec, text: Path) -> None:
    lacodec("encode", "text.txt", "--effort", "1")
    assert b"ok" in lacodec("test", "text.txt.lac").stdout
    assert json.loads(lacodec("test", "--json", "text.txt.lac").stdout)["ok"] is True


def test_list(lacodec) -> None:
    assert b"bytes" in lacodec("list").stdout
    listed = json.loads(lacodec("list", "--json").stdout)
    bytes_codec = next(codec for codec in listed["codecs"] if codec["name"] == "bytes")
    assert bytes_codec["identical"] == "bytes"
    assert "effort" in bytes_codec["options"]


def test_bench(lacodec, text: Path) -> None:
    done = lacodec("bench", "text.txt", "--efforts", "1", "--peers", "zstd -3,xz -9e", "--repeats", "1", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["candidate"] for row in rows] == ["bytes --effort 1", "zstd -3", "xz -9e"]
    assert all(row["identical"] and row["size"] == text.stat().st_size for row in rows)
    table = lacodec("bench", "text.txt", "--efforts", "1", "--peers", "none", "--repeats", "1").stdout.decode()
    assert "bytes --effort 1" in table
