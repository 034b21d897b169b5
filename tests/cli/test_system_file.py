"""Completion, magic and MIME type as files: they agree with the command, and the programs that they are for understand them."""

import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from lacodec.cli import _main
from lacodec.share import FILES, text_of
from tools.make_completion import completions

SHARE = Path(_main.__file__).parent.parent / "share"


def need(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_knows_all_flags(name: str) -> None:
    assert text_of(name) == completions()[FILES[name]], "run: python -m tools.make_completion"


def completed(words: str) -> list[str]:
    script = f"""source {SHARE}/lacodec.bash; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
    _lacodec; printf '%s\\n' "${{COMPREPLY[@]}}" """
    return subprocess.run([need("bash"), "-c", script], capture_output=True, text=True, check=True).stdout.split()


def test_completion_of_bash() -> None:
    assert completed("lacodec enc") == ["encode", "encode-dataset"]
    assert completed("lacodec encode --ver") == ["--verbose", "--verify"]
    assert "--shard-items" in completed("lacodec encode-dataset x --")
    assert completed("lacodec encode x") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_can_read_theirs(shell: str) -> None:
    subprocess.run([need(shell), "-n", SHARE / f"lacodec.{shell}"], check=True)
    if shell == "fish":
        script = f"source {SHARE}/lacodec.fish; complete -C 'lacodec encode-data'"
        assert "encode-dataset" in subprocess.run([need(shell), "-c", script], capture_output=True, text=True, check=True).stdout


def test_file_knows_lac_files(lacodec, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"some text, again and again\n" * 100)
    (tmp_path / "lac.magic").write_bytes(lacodec("system-file", "magic").stdout)
    lacodec("encode", "x")
    for flags, expected in (
        (["-b"], "lacodec compressed data, version 1, in one chunk"),
        (["-b", "-i"], "application/x-lacodec"),
    ):
        command = [need("file"), "-m", tmp_path / "lac.magic", *flags, tmp_path / "x.lac"]
        assert expected in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_mime_type(tmp_path: Path) -> None:
    root = ElementTree.fromstring(text_of("mime").encode())
    assert root[0].attrib["type"] == "application/x-lacodec"
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/lacodec-lac.xml").write_text(text_of("mime"))
    subprocess.run([need("update-mime-database"), tmp_path], check=True, env={"PATH": "/usr/bin", "PKGSYSTEM_ENABLE_FSYNC": "0"})
    assert "*.lac" in (tmp_path / "globs").read_text()
