"""What a person at a terminal sees."""

import os
import pty
import subprocess
import time
from pathlib import Path


def on_terminal(command: list[str], folder: Path, env: dict[str, str], pieces: list[bytes], pause_s: float) -> tuple[int, str]:
    """Run with standard error on a terminal and `pieces` coming slowly through standard input: (exit code, what was shown)."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=theirs, cwd=folder, env=env
    ) as process:
        os.close(theirs)
        assert process.stdin is not None
        for piece in pieces:
            process.stdin.write(piece)
            process.stdin.flush()
            time.sleep(pause_s)
        process.stdin.close()
        code = process.wait(timeout=60)
    shown = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # Linux says so when the other side has closed
            break
        if not block:
            break
        shown += block
    os.close(ours)
    return code, shown.decode()


def test_progress_with_speed(program: list[str], environment: dict[str, str], tmp_path: Path) -> None:
    env = {**environment, "TERM": "xterm", "COLUMNS": "120"}
    pieces = [os.urandom(1 << 20) for _ in range(6)]
    command = [*program, "encode", "-", "--effort", "1", "-o", "out.lac"]
    code, shown = on_terminal(command, tmp_path, env, pieces, 0.3)
    assert code == 0
    assert "encoding" in shown
    assert "B/s" in shown
    code, shown = on_terminal([*command, "-f", "-q"], tmp_path, env, pieces[:3], 0.4)
    assert (code, shown) == (0, "")
