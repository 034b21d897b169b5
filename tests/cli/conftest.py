"""Runs the real command in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def program() -> list[str]:
    return [sys.executable, "-m", "laconic"]


@pytest.fixture
def environment(repository: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(repository)}


@pytest.fixture
def laconic(tmp_path: Path, program: list[str], environment: dict[str, str]) -> Run:
    """laconic("encode", "x") -> the finished process, run in `tmp_path`; `code` is the exit code to expect (None: any)."""

    def run(*arguments: str | Path, stdin: bytes = b"", code: int | None = 0, env: dict[str, str] | None = None):
        command = [*program, *map(str, arguments)]
        done = subprocess.run(
            command, input=stdin, cwd=tmp_path, env={**environment, **(env or {})}, capture_output=True, timeout=300
        )
        if code is not None:
            assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout!r}\n{done.stderr.decode()}"
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done

    return run


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_bytes(b"".join(b"line %d of a text that repeats itself\n" % i for i in range(2000)))
    return path
