"""Runs the real command: in this process, or in one of its own."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from lacodec.cli import main
from lacodec.codecs import registry

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def program() -> list[str]:
    return [sys.executable, "-m", "lacodec"]


@pytest.fixture
def environment(repository: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(repository)}


@pytest.fixture
def lacodec(tmp_path: Path, program: list[str], environment: dict[str, str]) -> Run:
    """lacodec("encode", "x") -> what came of it, run in `tmp_path`; `code` is the exit code to expect (None: any).

    In this process, since starting one costs more than most commands do; in one of its own where standard input is read or `env`
    changes the environment.
    """

    def run(*arguments: str | Path, stdin: bytes = b"", code: int | None = 0, env: dict[str, str] | None = None):
        words = [*map(str, arguments)]
        if env is None and not stdin and words[-1:] != ["-"]:
            done = _here(words, tmp_path, environment["PYTHONPATH"])
        else:
            done = subprocess.run(
                [*program, *words],
                input=stdin,
                cwd=tmp_path,
                env={**environment, **(env or {})},
                capture_output=True,
                timeout=300,
            )
        if code is not None:
            assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout!r}\n{done.stderr.decode()}"
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done

    return run


def _here(words: list[str], folder: Path, python_path: str) -> subprocess.CompletedProcess[bytes]:
    """The command as a function, with everything put back that it changes."""
    out, err = io.BytesIO(), io.BytesIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    with pytest.MonkeyPatch.context() as patch, mock.patch.dict(os.environ):
        patch.chdir(folder)
        patch.setattr(sys, "path", [*python_path.split(os.pathsep), *sys.path])
        for name, stream in (("stdin", io.BytesIO()), ("stdout", out), ("stderr", err)):
            patch.setattr(sys, name, io.TextIOWrapper(stream, "utf-8"))
        registry._points.cache_clear()  # what is installed is another matter on this path
        try:
            code = main(words)
        except SystemExit as stop:
            code = stop.code
        finally:
            registry._points.cache_clear()
            for number, handler in handlers.items():
                signal.signal(number, handler)
        sys.stdout.flush()
        sys.stderr.flush()
        return subprocess.CompletedProcess(words, code or 0, out.getvalue(), err.getvalue())


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_bytes(b"".join(b"line %d of a text that repeats itself\n" % i for i in range(2000)))
    return path
