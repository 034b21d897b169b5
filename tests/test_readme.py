"""The documents are true: their commands and Python programs run. All Python blocks of a document make one program."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENTS = ["README.md", "docs/architecture.md", "docs/eval.md"]
# Installing, and running this very test suite, is what `.ci/run` does.
NOT_HERE = ("make ", "pip ", "git ", "cd ")


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(), flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def playground(tmp_path: Path, repository: Path) -> Path:
    shutil.copytree(repository / "examples", tmp_path / "examples")
    return tmp_path


def run(command: list[str], folder: Path, repository: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(repository)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_python_blocks_run(name: str, playground: Path, repository: Path) -> None:
    program = "\n".join(blocks(repository / name, "python"))
    if not program:
        pytest.skip(f"{name} has no Python blocks")
    # A file, not `-c`: kernels are cached by the file they stand in.
    (playground / "program.py").write_text(program)
    run([sys.executable, "program.py"], playground, repository)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_run(name: str, playground: Path, repository: Path) -> None:
    for block in blocks(repository / name, "sh"):
        lines = [line for line in block.splitlines() if line.strip() and not line.startswith(NOT_HERE)]
        for line in lines:
            run(["bash", "-o", "pipefail", "-c", line], playground, repository)
