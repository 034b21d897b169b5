"""Runs the documents: the shell and Python blocks of a page, in their order, as one program in a folder with `examples/`.

A page is run when it says `<!-- run -->`. A line before a block decides about it: `<!-- not run -->`, `<!-- needs torch -->` (a
package, or something like `lacodec.register`).
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

# Installing, and running this very test suite, is what `.ci/run` does.
NOT_HERE = ("make ", "pip ", "git ", "cd ", "docker ")

_BLOCK = re.compile(r"(?:^<!-- (not run|needs [\w.]+) -->\n+)?^```(sh|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_HEAD = """
import subprocess

def _shell(lines):
    subprocess.run(["bash", "-e", "-o", "pipefail", "-c", lines], check=True)

"""


def pages(repository: Path) -> list[str]:
    """The README, and all documents that want to be run."""
    found = [path for path in sorted((repository / "docs").rglob("*.md")) if "\n<!-- run -->\n" in path.read_text()]
    return ["README.md", *(path.relative_to(repository).as_posix() for path in found)]


def program(text: str) -> str:
    """The Python program that a page makes; a file of its own, since kernels are cached by the file they stand in."""
    parts = []
    for condition, language, block in _BLOCK.findall(text):
        if condition == "not run" or (condition and not _present(condition.removeprefix("needs "))):
            continue
        if language == "sh":
            lines = "".join(line for line in block.splitlines(keepends=True) if not line.startswith(NOT_HERE))
            parts.append(f"_shell({lines!r})\n")
        else:
            parts.append(block)
    return _HEAD + "\n".join(parts)


def run_page(page: Path, folder: Path, repository: Path) -> None:
    """Run it in `folder`; fails with all output."""
    shutil.copytree(repository / "examples", folder / "examples")
    (folder / "program.py").write_text(program(page.read_text()))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(repository)}
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{page}\n{done.stdout}\n{done.stderr}"


def _present(name: str) -> bool:
    package, _, attribute = name.partition(".")
    if importlib.util.find_spec(package) is None:
        return False
    return not attribute or hasattr(importlib.import_module(package), attribute) or importlib.util.find_spec(name) is not None
