"""After `lacodec warmup` nothing is left to compile."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lacodec.cli import main, warmup
from lacodec.codecs import registry
from lacodec.errors import MissingDependency

_COMMANDS = """
import io, pathlib, sys
from lacodec.cli._main import main
from lacodec.kernels.events import compile_listeners
compiled = []
compile_listeners.append(lambda: compiled.append(1))
out = pathlib.Path(sys.argv[1])
for name in sys.argv[2:]:
    for effort in "19":
        before = len(compiled)
        coded, back = str(out / f"{effort}.lac"), str(out / "back")
        assert main(["encode", "-q", "-f", "--effort", effort, name, "-o", coded]) == 0
        assert main(["decode", "-q", "-f", coded, "-o", back]) == 0
        assert pathlib.Path(back).read_bytes() == pathlib.Path(name).read_bytes() or name.endswith(("png", "ppm"))
        if len(compiled) > before:
            print(pathlib.Path(name).name, effort, len(compiled) - before)
"""


def test_nothing_is_left_to_compile(repository: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "lacodec", "warmup", "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kernels"] >= 0
    chosen = ("essay.txt", "hills.ppm", "layer.npy", "noise.bin", "ridges.jpg", "strings.wav")
    names = [str(repository / "examples" / name) for name in chosen]
    command = [sys.executable, "-c", _COMMANDS, str(tmp_path), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_codecs_whose_package_is_missing_are_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []

    def run(name: str) -> None:
        if name == "video.learned":
            raise MissingDependency("it needs torch")
        ran.append(name)

    monkeypatch.setattr(registry, "names", lambda: ["video.learned", "bytes"])
    monkeypatch.setattr(warmup, "_run", run)
    assert main(["warmup"]) == 0
    assert ran == ["bytes"] and "kept in" in capsys.readouterr().out
