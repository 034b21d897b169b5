"""The example codec of docs/architecture.md, as a package that another project would install."""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lacodec

PROGRAM = """
import sys
import lacodec
from lacodec.codecs import registry
from lacodec.errors import LacodecError

assert "dna" in registry.names()
content = open(sys.argv[1], "rb").read()
coder = lacodec.codec("dna")
encoded = coder.encode(content, verify=True)
assert coder.encode(content, threads=2) == encoded
assert lacodec.decode(encoded) == content
for data in (b"", b"A", bytes(range(256)) * 3, content[:777]):
    assert lacodec.decode(coder.encode(data)) == data
    assert len(coder.encode(data)) <= len(data) + 64
codec = registry.get("dna")()
payload = codec.encode_block(content)
for damaged in (payload[:-1], payload[:50], b"", payload[:99] + b"!" + payload[100:], payload + b"x"):
    try:
        assert codec.decode_block(damaged, len(content), 0) != content
    except LacodecError:
        pass
print(len(encoded))
"""


@pytest.fixture
def installed(tmp_path: Path, repository: Path) -> dict[str, str]:
    """The environment of a machine where the package of the document is installed."""
    document = (repository / "docs" / "architecture.md").read_text()
    (module,) = re.findall(r"^```python\n(.*?)^```", document, flags=re.DOTALL | re.MULTILINE)
    group, value = re.search(r'^\[project\.entry-points\."([\w.]+)"\]\n"dna" = "(.*)"$', document, re.MULTILINE).groups()
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "dna.py").write_text(module)
    metadata = tmp_path / "my_package-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[{group}]\ndna = {value}\n")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(repository)])}


@pytest.fixture
def genome(tmp_path: Path) -> bytes:
    """30,000 nucleotides, partly repeated with a few changes."""
    rng = random.Random(1)
    bases = rng.choices(b"ACGT", weights=(3, 2, 2, 3), k=30_000)
    for _ in range(60):
        source, target = rng.randrange(29_000), rng.randrange(29_000)
        bases[target : target + 300] = [b if rng.random() > 0.02 else rng.choice(b"ACGT") for b in bases[source : source + 300]]
    lines = [bytes(bases[i : i + 60]) for i in range(0, len(bases), 60)]
    content = b">example\n" + b"\n".join(lines) + b"\n"
    (tmp_path / "genome.fa").write_bytes(content)
    return content


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_example_is_a_codec_like_ours(installed: dict[str, str], genome: bytes, tmp_path: Path) -> None:
    size = int(run([sys.executable, "-c", PROGRAM, "genome.fa"], tmp_path, installed))
    assert size < len(lacodec.encode(genome, effort=1))
    lacodec_ = [sys.executable, "-m", "lacodec"]
    run([*lacodec_, "encode", "--codec", "dna", "genome.fa", "-o", "genome.lac"], tmp_path, installed)
    assert "dna" in run([*lacodec_, "info", "genome.lac"], tmp_path, installed)
    run([*lacodec_, "decode", "genome.lac", "-o", "back.fa"], tmp_path, installed)
    assert (tmp_path / "back.fa").read_bytes() == genome
