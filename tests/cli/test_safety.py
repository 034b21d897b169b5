"""Nothing is lost: `--rm`, outputs that are not files, closed streams, odd things in folders, files that break a codec."""

import os
import socket
import stat
import subprocess
import threading
import warnings
from pathlib import Path

import pytest

from lacodec.codecs.session import Session
from lacodec.pipeline import choice, files


@pytest.fixture
def while_encoding(monkeypatch):
    """while_encoding(do): `do()` is called after a file was read and before the command looks at it again."""

    def install(do) -> None:
        original = files.encode_opened

        def encode_opened(*arguments, **more):
            result = original(*arguments, **more)
            do()
            return result

        monkeypatch.setattr(files, "encode_opened", encode_opened)

    return install


def test_rm_keeps_what_changed_meanwhile(lacodec, text: Path, while_encoding) -> None:
    content = text.read_bytes()

    def append() -> None:
        with open(text, "ab") as file:
            file.write(b"THE LAST LINE\n")

    while_encoding(append)
    for flags in (["--rm"], ["-f"]):
        said = lacodec("encode", "--effort", "1", *flags, "text.txt", code=1).stderr
        assert b"text.txt: changed while it was read; text.txt.lac holds its earlier content" in said
        assert text.read_bytes().endswith(b"THE LAST LINE\n")
    lacodec("decode", "text.txt.lac", "-o", "back")
    back = text.with_name("back").read_bytes()
    assert back == content + b"THE LAST LINE\n" and text.read_bytes() == back + b"THE LAST LINE\n"


@pytest.mark.parametrize("change", ["replaced", "touched", "removed"])
def test_rm_keeps_another_file_of_that_name(lacodec, text: Path, while_encoding, change: str) -> None:
    def do() -> None:
        if change == "replaced":
            facts = text.stat()
            text.with_name("new").write_bytes(bytes(facts.st_size))
            os.utime(text.with_name("new"), ns=(facts.st_atime_ns, facts.st_mtime_ns))
            text.with_name("new").replace(text)
        elif change == "touched":
            os.utime(text, (1e9, 1e9))
        else:
            text.unlink()

    while_encoding(do)
    assert b"changed while it was read" in lacodec("encode", "--effort", "1", "--rm", "text.txt", code=1).stderr
    assert text.exists() == (change != "removed")


def test_rm_needs_a_file_as_output(lacodec, text: Path) -> None:
    lacodec("encode", "--effort", "1", "text.txt")
    os.mkfifo(text.with_name("fifo"))
    for verb, name in (("encode", "text.txt"), ("decode", "text.txt.lac")):
        for target in ("/dev/null", "-", "/dev/stdout", "/dev/fd/1", "fifo"):
            assert b"--rm needs an output that is a regular file" in lacodec(verb, "--rm", name, "-o", target, code=2).stderr
            assert text.exists() and text.with_name("text.txt.lac").exists()


def test_rm_keeps_links(lacodec, text: Path) -> None:
    text.with_name("link").symlink_to("text.txt")
    assert b"link: not removed, it is a link" in lacodec("encode", "--effort", "1", "--rm", "link", code=1).stderr
    assert text.exists() and text.with_name("link").is_symlink() and text.with_name("link.lac").exists()


def test_input_and_output_may_not_be_the_same(lacodec, text: Path, tmp_path: Path) -> None:
    content = text.read_bytes()
    os.link(text, tmp_path / "hard")
    (tmp_path / "soft").symlink_to("text.txt")
    for target in ("text.txt", "hard", "soft", "../" + tmp_path.name + "/text.txt"):
        for flags in (["-f"], ["-f", "--rm"]):
            assert b"the same file" in lacodec("encode", "--effort", "1", *flags, "text.txt", "-o", target, code=1).stderr
    assert text.read_bytes() == content
    lacodec("encode", "--effort", "1", "text.txt", "-o", "a.lac")
    said = lacodec("encode", "-f", "--effort", "1", "text.txt", "a.lac", "-o", "a.lac", code=1).stderr
    assert b"is a file" in said
    (tmp_path / "a").write_bytes(b"another one")
    assert b"a.lac is an input too" in lacodec("encode", "-f", "a", "a.lac", code=2).stderr
    assert content == text.read_bytes() and lacodec("decode", "a.lac", "-o", "-").stdout == content


def shell(command: str, program: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    env = {**environment, "L": " ".join(program)}
    return subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, timeout=300)


def test_other_names_of_standard_output(text: Path, program: list[str], environment: dict[str, str]) -> None:
    """What is said about the file stays out of the data, and a file that the shell has opened is neither replaced nor cut."""
    folder = text.parent
    done = shell(
        "$L encode --effort 1 text.txt -o /dev/stdout | cat > x.lac; exit ${PIPESTATUS[0]}", program, environment, folder
    )
    assert done.returncode == 0 and b"identical" in done.stderr
    shell("echo before > log; exec >> log; $L decode -f x.lac -o /dev/stdout; echo behind", program, environment, folder)
    assert (folder / "log").read_bytes() == b"before\n" + text.read_bytes() + b"behind\n"
    done = shell("$L encode -f --effort 1 text.txt -o - >> text.txt", program, environment, folder)
    assert done.returncode == 1 and b"the same file" in done.stderr
    assert stat.S_ISLNK(os.lstat("/dev/stdout").st_mode)


def test_closed_streams(text: Path, program: list[str], environment: dict[str, str]) -> None:
    def run(command: str, code: int, *made: str) -> bytes:
        done = shell(command, program, environment, text.parent)
        assert done.returncode == code and b"Traceback" not in done.stderr and b"internal" not in done.stderr, done
        for name in made:
            shell(f"$L decode {name} -o {name}.back", program, environment, text.parent)
            assert (text.parent / f"{name}.back").read_bytes() == text.read_bytes()
        return done.stderr

    run("$L encode --effort 1 text.txt -o a.lac >&-", 0, "a.lac")
    run("$L encode --effort 1 text.txt -o b.lac 2>&-", 0, "b.lac")
    run("$L encode --effort 1 text.txt -o c.lac <&- >&- 2>&-", 0, "c.lac")
    for verb in ("info a.lac", "test a.lac", "list", "decode a.lac -o -", "encode --json text.txt -o d.lac"):
        assert b"standard output is closed" in run(f"$L {verb} >&-", 1)
    assert not (text.parent / "d.lac").exists()
    assert b"standard input is closed" in run("$L encode - -o e.lac <&-", 1)


def test_what_a_folder_run_leaves_out_is_named(lacodec, tmp_path: Path) -> None:
    folder = tmp_path / "t"
    (folder / "real").mkdir(parents=True)
    (folder / "real" / "a").write_bytes(b"a" * 99)
    (folder / "dirlink").symlink_to("real")
    (folder / "broken").symlink_to("gone")
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
        said = lacodec("encode", "--effort", "1", "t", "-o", "s", code=1).stderr.decode().splitlines()
    assert sorted(said) == [
        "lacodec: t/broken: is a broken link; left out",
        "lacodec: t/dirlink: is a link to a folder; left out",
        "lacodec: t/fifo: is not a regular file; left out",
        "lacodec: t/socket: is not a regular file; left out",
    ]
    assert (tmp_path / "s" / "real" / "a.lac").exists()
    (tmp_path / "s" / "gone.lac").symlink_to("nowhere")
    for verb in (["test", "s"], ["info", "s"], ["decode", "s", "-o", "b"]):
        done = lacodec(*verb, code=1)
        assert done.stderr == b"lacodec: s/gone.lac: is a broken link; left out\n" and b"a.lac" in done.stdout


def test_folders_that_cannot_be_listed(lacodec, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "t" / "closed").mkdir(parents=True)
    (tmp_path / "t" / "a").write_bytes(b"a" * 99)
    original = os.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(os, "scandir", scandir)  # root may list every folder
    done = lacodec("encode", "--effort", "1", "t", "-o", "s", code=1)
    assert done.stderr == b"lacodec: t/closed: cannot be listed (Permission denied); left out\n"
    assert (tmp_path / "s" / "a.lac").exists()


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("division\nby zero"), MemoryError(), RecursionError("deep"), OSError(5, "I/O error")]
)
def test_one_file_that_breaks_a_codec(lacodec, tmp_path: Path, monkeypatch, error: Exception) -> None:
    folder = tmp_path / "t"
    folder.mkdir()
    for name in ("a", "bad", "c"):
        (folder / name).write_bytes(name.encode() * 50)
    original = choice.prepare

    def prepare(source, *arguments):
        if source.name.endswith("bad"):
            raise error
        return original(source, *arguments)

    monkeypatch.setattr(choice, "prepare", prepare)
    lines = lacodec("encode", "--effort", "1", "t", "-o", "s", code=1).stderr.decode().splitlines()
    assert len(lines) == 2 and lines[1] == "lacodec: 1 of 3 files failed"
    assert lines[0].startswith(("lacodec: t/bad: ", "lacodec: s/bad.lac: "))
    assert ("internal error" in lines[0]) == isinstance(error, ZeroDivisionError | RecursionError)
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == ["a.lac", "c.lac"]


def test_internal_errors_do_not_end_info_and_test(lacodec, text: Path, monkeypatch) -> None:
    lacodec("encode", "--effort", "1", "text.txt")
    lacodec("encode", "--effort", "1", "text.txt", "-o", "other.lac")

    def broken(*_: object, **__: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("lacodec.pipeline.inspect.Reader", broken)
    monkeypatch.setattr("lacodec.pipeline.inspect.stream", broken)
    for verb in ("info", "test"):
        lines = lacodec(verb, "text.txt.lac", "other.lac", code=1).stderr.decode().splitlines()
        assert [line.split(": ")[1:3] for line in lines] == [
            ["text.txt.lac", "internal error (KeyError"],
            ["other.lac", "internal error (KeyError"],
        ]


def test_folders_keep_permissions_and_times(lacodec, tmp_path: Path) -> None:
    folder = tmp_path / "private"
    (folder / "open" / "empty").mkdir(parents=True)
    for path, mode in ((folder / "a", 0o640), (folder / "open" / "b", 0o600)):
        path.write_bytes(b"content " * 20)
        path.chmod(mode)
    for path, mode in ((folder / "open" / "empty", 0o711), (folder / "open", 0o755), (folder, 0o700)):
        path.chmod(mode)
        os.utime(path, (1e9, 1e9))
    lacodec("encode", "--effort", "1", "private", "-o", "new/s")
    lacodec("decode", "new/s", "-o", "b")
    for name in (".", "open", "open/empty", "a", "open/b"):
        made, expected = (tmp_path / "b" / name).stat(), (folder / name).stat()
        assert (made.st_mode, made.st_mtime) == (expected.st_mode, expected.st_mtime), name
        suffix = ".lac" if (folder / name).is_file() else ""
        assert (tmp_path / "new" / "s" / (name + suffix)).stat().st_mode == expected.st_mode


def test_pipes_are_read_once(lacodec, text: Path, tmp_path: Path) -> None:
    """`test` opened a named pipe again after it had read it, `encode --base` took the head from it."""
    lacodec("encode", "--effort", "1", "text.txt")
    os.mkfifo(tmp_path / "fifo")
    encoded = (tmp_path / "text.txt.lac").read_bytes()
    for arguments, content in (
        (["test", "fifo"], encoded),
        (["decode", "fifo", "-o", "back"], encoded),
        (["encode", "--effort", "1", "--base", "text.txt", "fifo", "-o", "again.lac"], text.read_bytes()),
    ):
        writer = threading.Thread(target=(tmp_path / "fifo").write_bytes, args=(content,), daemon=True)
        writer.start()
        lacodec(*arguments)
        writer.join(timeout=10)
        assert not writer.is_alive()
    assert (tmp_path / "back").read_bytes() == text.read_bytes()
    assert lacodec("decode", "again.lac", "-o", "-").stdout == text.read_bytes()
    assert b"give the output with -o" in lacodec("encode", "fifo", code=2).stderr


def test_libraries_stay_silent(lacodec, text: Path, monkeypatch) -> None:
    original = choice.prepare

    def prepare(*arguments):
        warnings.warn("a picture of a hundred megapixels", UserWarning, stacklevel=1)
        job = original(*arguments)
        return choice.Job(job.codec, job.value, job.source, "cannot identify <_io.BytesIO object at 0x7f27e0c0d3a0>; kept")

    monkeypatch.setattr(choice, "prepare", prepare)
    said = lacodec("encode", "--effort", "1", "text.txt").stderr
    assert said == b"text.txt: cannot identify <_io.BytesIO>; kept\n"


@pytest.mark.parametrize(("flags", "device"), [([], None), (["--device", "cpu"], "cpu")])
def test_the_device_travels_with_the_session(lacodec, text: Path, monkeypatch, flags: list[str], device: str | None) -> None:
    seen = []
    original = Session.__init__

    def init(self, *arguments, **more):
        original(self, *arguments, **more)
        seen.append(self.device)

    monkeypatch.setattr(Session, "__init__", init)
    for verb in (["encode", "--effort", "1", "text.txt"], ["decode", "text.txt.lac", "-o", "back"], ["test", "text.txt.lac"]):
        seen.clear()
        lacodec(*verb, *flags)
        assert device in seen and set(seen) <= {device, None} and "LACODEC_DEVICE" not in os.environ
