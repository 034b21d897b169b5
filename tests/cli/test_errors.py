"""What goes wrong is said in one line, with the right exit code, and leaves nothing behind."""

import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.checks import heed_interrupts


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["encode"],
        ["encode", "text.txt", "--no-such-flag"],
        ["encode", "text.txt", "--effort", "much"],
        ["encode", "text.txt", "--codec", "no-such-codec"],
        ["encode", "text.txt", "--codec", "bytes", "--quality", "3"],
        ["encode", "text.txt", "--threads", "0"],
        ["encode", "text.txt", "--max-memory", "lots"],
        ["encode", "-", "text.txt"],
        ["encode", "text.txt", "text.txt", "-o", "-"],
        ["encode", "text.txt", "text.txt"],
        ["encode", "text.txt", "-o", "-", "--json"],
        ["encode", "-", "--rm"],
        ["encode", "/"],
        ["bench", "text.txt", "--peers", "nobody"],
        ["bench", "text.txt", "--efforts", "some"],
        ["fly"],
    ],
)
def test_wrong_usage_is_2(lacodec, text: Path, arguments: list[str]) -> None:
    done = lacodec(*arguments, code=2)
    assert done.stdout == b""
    assert done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["encode", "missing"], "missing"),
        (["encode", "text.txt", "--effort", "12"], "effort"),
        (["encode", "text.txt", "-o", "no/such/../../text.txt/x"], "text.txt"),
        (["decode", "text.txt"], "text.txt"),
        (["decode", "missing.lac"], "missing.lac"),
        (["info", "text.txt"], "text.txt"),
        (["info", "missing.lac"], "missing.lac"),
        (["test", "text.txt"], "text.txt"),
        (["bench", "missing"], "missing"),
    ],
)
def test_errors_are_one_line_and_1(lacodec, text: Path, arguments: list[str], said: str) -> None:
    before = sorted(text.parent.iterdir())
    done = lacodec(*arguments, code=1)
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("lacodec: ")
    assert said in lines[0]
    assert sorted(text.parent.iterdir()) == before


def test_a_folder_without_lac_files_is_no_whole_backup(lacodec, text: Path) -> None:
    for verb in ("test", "info"):
        assert lacodec(verb, ".", code=1).stderr == b"lacodec: .: this folder has no .lac files\n"


def test_a_file_that_looks_like_a_flag(lacodec, text: Path) -> None:
    text.rename(text.with_name("-text"))
    said = b"lacodec: -text: looks like a flag; write ./-text for the file (see lacodec encode --help)\n"
    assert lacodec("encode", "-text", code=2).stderr == said
    lacodec("encode", "--effort", "1", "./-text")
    lacodec("decode", "--", "-text.lac", code=1)


def test_damage_is_named_and_leaves_no_output(lacodec, text: Path, tmp_path: Path) -> None:
    lacodec("encode", "text.txt", "--effort", "1")
    encoded = text.with_name("text.txt.lac")
    data = bytearray(encoded.read_bytes())
    data[len(data) // 2] ^= 1
    encoded.write_bytes(data)
    done = lacodec("decode", "text.txt.lac", "-o", "back", code=1)
    assert b"text.txt.lac" in done.stderr
    assert not (tmp_path / "back").exists()
    assert lacodec("test", "text.txt.lac", code=1).stderr.count(b"\n") == 1


def test_salvage_gives_what_is_whole(lacodec, tmp_path: Path) -> None:
    content = os.urandom(3 << 20)
    (tmp_path / "big").write_bytes(content)
    lacodec("encode", "big", "--effort", "1")
    data = bytearray((tmp_path / "big.lac").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "big.lac").write_bytes(data)
    done = lacodec("decode", "--salvage", "big.lac", "-o", "back", code=1)
    assert done.stderr
    back = (tmp_path / "back").read_bytes()
    assert back[: 1 << 20] == content[: 1 << 20]
    assert back.endswith(content[2 << 20 :])


def test_new_folders_go_away_again_on_failure(lacodec, tmp_path: Path) -> None:
    (tmp_path / "bad.lac").write_bytes(b"\x8bLACbroken")
    lacodec("decode", "bad.lac", "-o", "a/b/c", code=1)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_leaves_nothing(
    tmp_path: Path, program: list[str], environment: dict[str, str], number: signal.Signals
) -> None:
    # A pipe that stays open: the command is in the middle of its work for as long as we want.
    command = [*program, "encode", "-", "--effort", "1", "-o", "out/big.lac"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=environment, preexec_fn=heed_interrupts
    ) as process:
        assert process.stdin is not None
        process.stdin.write(bytes(3 << 20))
        process.stdin.flush()
        deadline = time.monotonic() + 30
        while not (tmp_path / "out").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert b"Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_leaves_is_no_error_message(tmp_path: Path, program: list[str], environment: dict[str, str]) -> None:
    (tmp_path / "big").write_bytes(os.urandom(4 << 20))
    command = " ".join([*program, "encode", "-q", "big", "--effort", "1", "-o", "-"])
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -c 10 | wc -c; exit ${{PIPESTATUS[0]}}"],
        cwd=tmp_path, env=environment, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.strip() == b"10"
    assert done.stderr == b""
    assert done.returncode == 128 + signal.SIGPIPE


def test_no_binary_to_a_terminal(text: Path, program: list[str], environment: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    try:
        command = [*program, "encode", "text.txt", "-o", "-", "--effort", "1"]
        done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, cwd=text.parent, env=environment, timeout=60)
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == 1
    assert b"terminal" in done.stderr


def test_full_disk_is_an_error(program: list[str], environment: dict[str, str], text: Path) -> None:
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("no /dev/full here")
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(program)} encode -q text.txt --effort 1 -o - > /dev/full"],
        cwd=text.parent, env=environment, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(b"lacodec: ")
    assert done.stderr.count(b"\n") == 1


def test_read_only_home(lacodec, text: Path, tmp_path: Path) -> None:
    # A file in place of the home folder: nobody, not even root, can write into it.
    home = tmp_path / "home"
    home.touch()
    env = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "TMPDIR": str(tmp_path), "LACODEC_CACHE_DIR": ""}
    assert b"compiling kernels" in lacodec("encode", "text.txt", "--effort", "2", env=env).stderr
    # What was compiled is found again, in the temporary folder.
    assert lacodec("decode", "text.txt.lac", "-o", "back", env=env).stderr == b""
    assert (tmp_path / "back").read_bytes() == text.read_bytes()
