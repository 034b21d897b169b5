"""safetensors files that hold coded tensors: valid for others, and the original again for us."""

import io
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lacodec import api
from lacodec.errors import BadInput, CorruptFile, LacodecError, LimitExceeded, UnsupportedFile
from lacodec.io.source import BytesSource, FileSource
from lacodec.media.tensors import safetensors
from lacodec.media.tensors.files import TENSORS
from lacodec.pipeline import coded_safetensors
from lacodec.pipeline.coded_marks import HEAD, KEY
from lacodec.pipeline.coded_safetensors import decode_safetensors, encode_safetensors, save_coded
from lacodec.pipeline.tensor_file import TensorFile


def bfloat(values: np.ndarray) -> bytes:
    return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).tobytes()


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        "norm": rng.standard_normal(9).astype(np.float16),
        "a.weight": rng.standard_normal((300, 200)).astype(np.float32),
        "noise": rng.integers(0, 256, 5000).astype(np.uint8),
        "b.weight": (rng.standard_normal((200, 150)) * 0.02).astype(np.float64),
        "steps": np.arange(20_000),
        "none": np.zeros((0, 4)),
    }


@pytest.fixture(scope="module")
def plain(arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as safetensors writes them."""
    path = tmp_path_factory.mktemp("plain") / "model.safetensors"
    path.write_bytes(b"".join(TENSORS.to_blocks(safetensors.virtual(arrays, {"format": "pt", "by": "é"}))))
    return path


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound file that nobody's library writes: other spaces, types in another order."""
    rng = np.random.default_rng(2)
    data = [b"\1\0\1", bfloat(rng.standard_normal(4000)), rng.standard_normal(2000).astype(np.float32).tobytes()]
    ends = np.cumsum([0, *map(len, data)]).tolist()
    facts = [("z", "BOOL", [3]), ("w", "BF16", [40, 100]), ("a", "F32", [2000])]
    header = {n: {"shape": s, "data_offsets": ends[i : i + 2], "dtype": d} for i, (n, d, s) in enumerate(facts)}
    text = json.dumps(header, indent=1).encode() + b"   "
    path = tmp_path_factory.mktemp("odd") / "odd.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(data))
    return path


@pytest.mark.parametrize("which", ["plain", "odd"])
def test_the_original_comes_back(which: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    original: Path = request.getfixturevalue(which)
    coded = tmp_path / "coded.safetensors"
    encode_safetensors(original, coded, threads=2)
    assert coded.stat().st_size < 0.97 * original.stat().st_size
    decode_safetensors(coded, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == original.read_bytes()
    with TensorFile(coded) as file, TensorFile(original) as expected:
        assert file.metadata() == expected.metadata()
        assert {e.name: d.tobytes() for e, d in file.all()} == {e.name: d.tobytes() for e, d in expected.all()}
        rows = expected.entry("a.weight" if which == "plain" else "w")
        assert np.array_equal(file.data(file.entry(rows.name), 100, 900), expected.data(rows, 100, 900))
    with FileSource(coded) as source:  # what others see: a sound file, with what was not worth coding as it was
        seen = {entry.name: entry for entry in TENSORS.from_source(source).entries}
    assert (HEAD in seen) == (which == "odd")
    coded_ones = {name for name, entry in seen.items() if entry.dtype == "U8"} - {HEAD, "noise"}
    assert coded_ones == ({"a.weight", "b.weight", "steps"} if which == "plain" else {"w", "a"})


def test_other_libraries_read_it(plain: Path, arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors")
    from safetensors.numpy import load_file

    save_coded(arrays, tmp_path / "coded.safetensors", {"format": "pt"})
    found = load_file(tmp_path / "coded.safetensors")
    assert np.array_equal(found["norm"], arrays["norm"]) and np.array_equal(found["noise"], arrays["noise"])
    assert found["a.weight"].dtype == np.uint8 and found["a.weight"].tobytes()[:4] == b"\x8bLAC"
    with library.safe_open(tmp_path / "coded.safetensors", "np") as file:
        assert file.metadata()["format"] == "pt"
    decode_safetensors(tmp_path / "coded.safetensors", tmp_path / "plain.safetensors")
    assert all(np.array_equal(array, arrays[name]) for name, array in load_file(tmp_path / "plain.safetensors").items())


def test_differences_to_a_base(plain: Path, arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    tuned = {name: array + array.dtype.type(1) if name == "steps" else array for name, array in arrays.items()}
    save_coded(tuned, tmp_path / "coded.safetensors", base=plain)
    assert (tmp_path / "coded.safetensors").stat().st_size < 0.1 * plain.stat().st_size
    decode_safetensors(tmp_path / "coded.safetensors", tmp_path / "tuned.safetensors", base=plain)
    with (
        TensorFile(tmp_path / "tuned.safetensors") as expected,
        TensorFile(tmp_path / "coded.safetensors", base=plain) as file,
    ):
        assert {e.name: d.tobytes() for e, d in file.all()} == {e.name: d.tobytes() for e, d in expected.all()}
    for base in (None, tmp_path / "tuned.safetensors"):
        with pytest.raises(BadInput, match=r"'model\.safetensors'"):
            decode_safetensors(tmp_path / "coded.safetensors", tmp_path / "x", base=base)
    assert not (tmp_path / "x").exists()


def test_what_cannot_be_coded(plain: Path, tmp_path: Path) -> None:
    encode_safetensors(plain, tmp_path / "coded")
    with pytest.raises(UnsupportedFile, match="already"):
        encode_safetensors(tmp_path / "coded", tmp_path / "twice")
    with pytest.raises(BadInput, match="already exists"):
        encode_safetensors(plain, tmp_path / "coded")
    with pytest.raises(UnsupportedFile, match="tensors are not coded"):
        decode_safetensors(plain, tmp_path / "x")
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(UnsupportedFile, match="not a safetensors file"):
        encode_safetensors(tmp_path / "a.npy", tmp_path / "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npy", "coded"]


def forged(data: bytes, note: Any) -> bytes:
    """A coded file with something else under KEY."""
    source = BytesSource(data)
    metadata, _, begin = safetensors.read_header(source)
    found = TENSORS.from_source(source)
    changed = {**json.loads(metadata[KEY]), **note} if isinstance(note, dict) else note
    text = changed if isinstance(changed, str) else json.dumps(changed)
    facts = [(entry.name, entry.dtype, entry.shape, entry.size) for entry in found.entries]
    return safetensors.build_header(facts, {**metadata, KEY: text}) + data[begin:]


NOTES: dict[str, Any] = {
    "no JSON": "{",
    "no object": "[]",
    "nothing": "{}",
    "nested": "[" * 100_000,
    "newer": {"version": 1},
    "other size": {"size": 5},
    "other hash": {"hash": "0" * 16},
    "size of text": {"size": "5"},
    "other head": {"head": True},
    "head of text": {"head": "yes"},
    "unknown tensor": {"tensors": [["x", "U8", [5]]]},
    "unknown type": {"tensors": [["norm", "X8", [5]]]},
    "no tensors": {"tensors": []},
    "huge": {"tensors": [["a.weight", "F32", [1 << 60]]], "size": 1 << 62},
    "negative": {"tensors": [["a.weight", "F32", [-5]]]},
    "other shape": {"tensors": [["a.weight", "F32", [300, 201]]]},
    "shape of text": {"tensors": [["a.weight", "F32", "ab"]]},
    "two of a name": {"tensors": [["a.weight", "F32", [300, 200]]] * 2},
    "pairs": {"tensors": [["a.weight", "F32"]]},
}


@pytest.mark.parametrize("case", NOTES)
def test_forged_notes(case: str, plain: Path, tmp_path: Path) -> None:
    encode_safetensors(plain, tmp_path / "coded", effort=1)
    (tmp_path / "forged").write_bytes(forged((tmp_path / "coded").read_bytes(), NOTES[case]))
    with pytest.raises(LacodecError):
        decode_safetensors(tmp_path / "forged", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_damage(plain: Path, tmp_path: Path) -> None:
    encode_safetensors(plain, tmp_path / "coded", effort=1)
    data = bytearray((tmp_path / "coded").read_bytes())
    for at in range(len(data) // 2, len(data), len(data) // 20):
        changed = bytearray(data)
        changed[at] ^= 16
        (tmp_path / "damaged").write_bytes(changed)
        with pytest.raises(CorruptFile):
            decode_safetensors(tmp_path / "damaged", tmp_path / "x")
    (tmp_path / "damaged").write_bytes(data[:-5])
    with pytest.raises(UnsupportedFile, match="cut off"):
        decode_safetensors(tmp_path / "damaged", tmp_path / "x")


def written(path: Path, arrays: dict[str, np.ndarray], metadata: dict[str, str] | None = None) -> Path:
    path.write_bytes(b"".join(TENSORS.to_blocks(safetensors.virtual(arrays, metadata))))
    return path


PLAIN: dict[str, Any] = {
    "many small": {f"model.layers.{i}.norm.weight": np.ones(4, np.float32) for i in range(300)},
    "one": {"w": np.ones(2, np.float32)},
    "none": {},
    "noise": {"w": np.random.default_rng(3).integers(0, 256, 9000).astype(np.uint8)},
}


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}], ids=str)
@pytest.mark.parametrize("name", PLAIN)
def test_never_larger_than_promised(name: str, metadata: dict[str, str] | None, tmp_path: Path) -> None:
    original = written(tmp_path / "a.safetensors", PLAIN[name], metadata)
    encode_safetensors(original, tmp_path / "b.safetensors")
    size = original.stat().st_size
    data = (tmp_path / "b.safetensors").read_bytes()
    assert len(data) <= size + 64 + size // 1000
    decode_safetensors(tmp_path / "b.safetensors", tmp_path / "c.safetensors")
    assert (tmp_path / "c.safetensors").read_bytes() == original.read_bytes()
    with TensorFile(tmp_path / "b.safetensors") as file, TensorFile(original) as expected:
        assert (file.metadata() or {}) == (expected.metadata() or {})
        assert {e.name: d.tobytes() for e, d in file.all()} == {e.name: d.tobytes() for e, d in expected.all()}
    library = pytest.importorskip("safetensors.numpy")
    found = library.load(data)
    assert {key: value.tobytes() for key, value in found.items()} == {k: v.tobytes() for k, v in PLAIN[name].items()}
    with pytest.raises(UnsupportedFile, match="already"):
        encode_safetensors(tmp_path / "b.safetensors", tmp_path / "d.safetensors")
    if size > 3000:
        for at in (len(data) - 1, data.index(b"plain ") + 8):
            (tmp_path / "bad").write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            with pytest.raises(LacodecError):
                decode_safetensors(tmp_path / "bad", tmp_path / "e")


@pytest.mark.parametrize("text", ['{ "__metadata__" : {"a":"{\\"__metadata__\\":{"}, %s}', '{%s , "__metadata__":{}}  ', "{%s}"])
def test_heads_that_stay_as_they_are(text: str, tmp_path: Path) -> None:
    head = (text % '"w":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}').encode()
    (tmp_path / "a.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + b"abc")
    encode_safetensors(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    assert (tmp_path / "b.safetensors").stat().st_size <= len(head) + 11 + 64
    decode_safetensors(tmp_path / "b.safetensors", tmp_path / "c.safetensors")
    assert (tmp_path / "c.safetensors").read_bytes() == (tmp_path / "a.safetensors").read_bytes()


def test_the_public_functions_know_both_containers(plain: Path, tmp_path: Path) -> None:
    coded = tmp_path / "coded.safetensors"
    done = api.encode_file(io.BytesIO(plain.read_bytes()), coded, effort=3)
    assert (done.codec, done.size, done.encoded) == ("weights", plain.stat().st_size, coded.stat().st_size)
    assert api.info(coded).container == "safetensors" and api.check(coded).ok and api.check(coded).container == "safetensors"
    assert api.decode_file(coded, tmp_path / "back").size == done.size
    assert (tmp_path / "back").read_bytes() == plain.read_bytes()
    out = io.BytesIO()
    api.decode_file(io.BytesIO(coded.read_bytes()), out)
    assert out.getvalue() == plain.read_bytes()
    with pytest.raises(LimitExceeded):
        api.decode_file(coded, tmp_path / "x", max_size=1000)
    with pytest.raises(LimitExceeded):
        api.encode_file(plain, tmp_path / "x.safetensors", max_memory=1 << 20)
    data = bytearray(coded.read_bytes())
    data[-200] ^= 1
    out = io.BytesIO()
    with pytest.raises(CorruptFile):
        api.decode_file(io.BytesIO(bytes(data)), out)
    assert not out.getvalue() and not api.check(io.BytesIO(bytes(data))).ok
    with pytest.raises(UnsupportedFile):
        api.encode_file(io.BytesIO(b"some text"), tmp_path / "x.safetensors")
    assert not (tmp_path / "x.safetensors").exists() and not (tmp_path / "x").exists()


def test_what_decode_writes_is_verified(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = coded_safetensors.decoded_blocks
    monkeypatch.setattr(coded_safetensors, "decoded_blocks", lambda value, *rest: original(value, "0" * 16, rest[1]))
    with pytest.raises(LacodecError, match="verification failed"):
        encode_safetensors(plain, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_chain_of_bases_in_any_order(tmp_path: Path) -> None:
    """A base may be stored as differences to another one, and that to a third; all have the same size."""
    start = np.random.default_rng(4).standard_normal((60, 50)).astype(np.float32)
    for i in range(4):
        written(tmp_path / f"s{i}.safetensors", {"w": start + np.float32(i * 0.001)})
        if i:
            base = tmp_path / f"s{i - 1}.safetensors"
            api.encode_file(tmp_path / f"s{i}.safetensors", tmp_path / f"s{i}.lac", "weights", base=base)
    bases = [tmp_path / "s1.lac", tmp_path / "s0.safetensors", tmp_path / "s2.lac"]
    for order in itertools.permutations(bases):
        api.decode_file(tmp_path / "s3.lac", tmp_path / "back", base=order, force=True)
        assert (tmp_path / "back").read_bytes() == (tmp_path / "s3.safetensors").read_bytes()
    with pytest.raises(BadInput, match=r"s0\.safetensors"):
        api.decode_file(tmp_path / "s3.lac", tmp_path / "x", base=[tmp_path / "s2.lac", tmp_path / "s1.lac"])
