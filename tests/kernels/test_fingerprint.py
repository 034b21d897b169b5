"""A kernel is compiled anew when anything that it depends on has changed, and only then."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lacodec

PACKAGE = Path(lacodec.__file__).parent
_PRINTS = """
import json, sys, importlib
from lacodec.kernels import fingerprint as f
names = json.loads(sys.argv[1])
for name in names:
    importlib.import_module(name)
print(json.dumps({n: [f.fingerprint(n), f.sources(n)] for n in names}))
"""
_STATE = "lacodec.codecs.image.lossless.mixed.state"


def _kernel_modules() -> list[str]:
    found = []
    for path in PACKAGE.rglob("*.py"):
        if "lacodec.kernels.jit import" in path.read_text() and "torch" not in path.parts:
            found.append(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
    return sorted(found)


def _python(code: str, *arguments: str, path: Path, cache: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(path), "LACODEC_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cache.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, to be edited."""
    copy = tmp_path_factory.mktemp("tree")
    shutil.copytree(PACKAGE, copy / "lacodec", ignore=shutil.ignore_patterns("__pycache__", "*.lac"))
    return copy


@pytest.mark.parametrize(
    "edited",
    [
        _STATE,
        "lacodec.codecs.image.lossless.fast.vector",
        "lacodec.codecs.weights._vectors",
        "lacodec.codecs.bytes.lz.layout",
        "lacodec.entropy.mixing",
        "lacodec.entropy._rans_vectors",
        "lacodec.kernels.float_vector",
        "lacodec.kernels.jit",
        "lacodec.cli.list",
    ],
)
def test_a_changed_constant_changes_the_fingerprints_of_exactly_its_dependents(tree: Path, edited: str, tmp_path: Path) -> None:
    names = json.dumps(_kernel_modules())
    before = json.loads(_python(_PRINTS, names, path=tree, cache=tmp_path))
    file = tree.joinpath(*edited.split(".")).with_suffix(".py")
    text = file.read_text()
    file.write_text(text + "\nADDED = 1\n")
    try:
        after = json.loads(_python(_PRINTS, names, path=tree, cache=tmp_path))
    finally:
        file.write_text(text)
    changed = {name for name in before if before[name][0] != after[name][0]}
    assert changed == {name for name, (_, sources) in before.items() if edited in sources}
    if edited == _STATE:
        folder = _STATE.rpartition(".")[0]
        kernels = ("contexts", "decisions", "fit", "kernel", "predict", "similar", "squares")
        own = {f"{folder}.{name}" for name in kernels}  # which freeze constants of a module without kernels
        assert own <= changed and all(name.startswith("lacodec.codecs.video.lossless.") for name in changed - own)
    if edited == "lacodec.kernels.jit":
        assert changed == set(before)
    if edited == "lacodec.cli.list":
        assert changed == set()


_FILES = {
    "stranger/__init__.py": "",
    "stranger/constants.py": "A = 1\n",
    "stranger/deep/__init__.py": "from .more import B\n",
    "stranger/deep/more.py": "B = 10\n",
    "stranger/helper.py": "from lacodec.kernels.jit import helper\n@helper\ndef add(x):\n    return x + 100\n",
    "stranger/late.py": "C = 1000\n",
    "stranger/data.py": "import numpy as np, pathlib\nD = np.load(pathlib.Path(__file__).with_name('d.npy'))\n",
    "alone.py": "E = 100000\n",
    "stranger/kernel.py": """
from lacodec.kernels.jit import kernel
from stranger import constants as c
from . import data
from .deep import B
from stranger.helper import add
import alone
E = alone.E
D = data.D
def late():
    from stranger.late import C
    return C
C = late()
@kernel
def run(x):
    return add(x) + c.A + B + C + D[0] + E
""",
}
_RUN = "import stranger.kernel as k; print(k.run(0))"


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("stranger/constants.py", "A = 2\n", 111112),
        ("stranger/deep/more.py", "B = 20\n", 111121),
        ("stranger/helper.py", _FILES["stranger/helper.py"].replace("100", "200"), 111211),
        ("stranger/late.py", "C = 2000\n", 112111),
        ("alone.py", "E = 200000\n", 211111),
        ("stranger/d.npy", None, 121111),
    ],
)
def test_edits_of_what_a_strangers_kernel_uses_are_noticed(tmp_path: Path, file: str, text: str | None, expected: int) -> None:
    for name, content in _FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(content)
    np.save(tmp_path / "stranger/d.npy", np.array([10000]))
    place = Path(os.pathsep.join([str(tmp_path), str(PACKAGE.parent)]))
    assert _python(_RUN, path=place, cache=tmp_path / "cache") == "111111"
    times = (tmp_path / file).stat()
    if text is None:
        np.save(tmp_path / file, np.array([20000]))
    else:
        (tmp_path / file).write_text(text)
    os.utime(tmp_path / file, ns=(times.st_atime_ns, times.st_mtime_ns))  # times tell nothing where installations fix them
    assert _python(_RUN, path=place, cache=tmp_path / "cache") == str(expected)
