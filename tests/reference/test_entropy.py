"""Tables of `reference/`: packed frequencies, and the constants of the mixing engine."""

import hashlib

import numpy as np
import pytest

from lacodec.entropy.mixing_tables import mixing_tables
from lacodec.entropy.tables import Tables
from reference import data_files, tables
from reference import mixing_tables as plain
from reference.stream import Damaged, Stream
from tests.entropy.plain_writers import plain_tables
from tests.entropy.test_rans import KINDS, WIDE, bells


def same(packed: bytes, wanted: Tables) -> bool:
    stream = Stream(packed + b"!")
    found = tables.unpack(stream)
    return found == plain_tables(wanted) and stream.rest() == b"!"


@pytest.mark.parametrize("kind", [*KINDS, *(f"wide {kind}" for kind in WIDE if kind != "vocabulary")])
def test_packed_tables(kind):
    wanted = WIDE[kind.removeprefix("wide ")] if kind.startswith("wide") else KINDS[kind]
    assert same(wanted.pack(), wanted)


def test_packed_tables_of_many_shapes():
    rng = np.random.default_rng(3)
    for bits in (1, 2, 5, 11, 12, 14):
        for size in (1, 2, 3, 40, 256):
            if size <= 1 << bits:
                wanted = Tables.from_counts(rng.integers(0, 9, size) ** rng.integers(0, 6, size) + (rng.random(size) < 0.5), bits)
                assert same(wanted.pack(), wanted)
    wanted = bells([0.3, 2, 9], 13)
    assert same(wanted.pack(), wanted)


def test_damaged_tables():
    packed = KINDS["bytes"].pack()
    for length in range(len(packed)):
        with pytest.raises(Damaged):
            tables.unpack(Stream(packed[:length]))


def test_mixing_tables():
    next_state, stretch, squash, reciprocal = (table.tolist() for table in mixing_tables())
    assert plain.next_state_table() == next_state
    assert plain.stretch_table() == stretch
    assert plain.squash_table() == squash
    assert plain.reciprocal_table() == reciprocal


def test_data_files(repository):
    """Their hashes are those that the document gives."""
    page = (repository / "docs/format.md").read_text()
    for name, (path, digest) in data_files.FILES.items():
        assert data_files.read(name) == path.read_bytes()
        assert f"`{path.relative_to(repository).as_posix()}` | `{digest}`" in page
    other = repository / "lacodec/entropy/distributions.npz"
    assert hashlib.sha256(other.read_bytes()).hexdigest() in page
