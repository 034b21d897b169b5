"""lacodec.torch: files of tensors in and out, lazily, and folders of shards."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lacodec import api
from lacodec.errors import BadInput, CorruptFile, LacodecError, UnsupportedFile
from lacodec.io.source import FileSource
from lacodec.pipeline import restored
from lacodec.pipeline.tensor_file import TensorFile

torch = pytest.importorskip("torch")
import lacodec.torch as lt  # noqa: E402

pytestmark = pytest.mark.torch


def bits(tensor: Any) -> bytes:
    return tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes()


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(
        a[k].dtype == b[k].dtype and a[k].shape == b[k].shape and bits(a[k]) == bits(b[k]) for k in a
    )


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    torch.manual_seed(1)
    found = {f"layer.{i}.weight": (torch.randn(200, 300) * 0.02).to(torch.bfloat16) for i in range(4)}
    for dtype in torch.float64, torch.float32, torch.float16, torch.int64, torch.uint16, torch.int8, torch.bool, torch.complex64:
        found[str(dtype)[6:]] = torch.randn(50).mul(3).to(dtype)
    for dtype in torch.float8_e4m3fn, torch.float8_e5m2:
        found[str(dtype)[6:]] = torch.randn(50, 7).to(dtype)
    odd = torch.tensor([0x7FC1, 0x7F81, 0xFF80, 0x8000, 0x0001], dtype=torch.int32).to(torch.int16).view(torch.bfloat16)
    return found | {
        "odd": odd,
        "empty": torch.zeros(0, 3),
        "scalar": torch.tensor(2.5),
        "turned": torch.randn(5, 7).t(),
        "": torch.ones(2),
    }


@pytest.fixture(scope="module")
def saved(state: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model.lac"
    lt.save_file(state, path, {"format": "pt"}, threads=2)
    return path


@pytest.fixture(scope="module")
def files(state: dict[str, Any], saved: Path) -> dict[str, Path]:
    """The same tensors in every form that is read."""
    plain = saved.with_name("model.safetensors")
    api.decode_file(saved, plain)
    coded = saved.with_name("as_bytes.lac")
    api.encode_file(plain, coded, "bytes", effort=1)
    return {"weights": saved, "plain": plain, "bytes": coded}


FORMS = ("weights", "plain", "bytes")


@pytest.mark.parametrize("form", FORMS)
def test_everything_comes_back(form: str, files: dict[str, Path], state: dict[str, Any]) -> None:
    found = lt.load_file(files[form], threads=2)
    assert same(found, state)
    found["layer.0.weight"].zero_()  # writable, and nobody else's
    assert same(lt.load_file(files[form]), state)


@pytest.mark.parametrize("form", FORMS)
def test_safe_open(form: str, files: dict[str, Path], state: dict[str, Any]) -> None:
    with lt.safe_open(files[form]) as file:
        assert file.keys() == sorted(state) and sorted(file.offset_keys()) == file.keys()
        assert file.metadata() == {"format": "pt"}
        assert same({name: file.get_tensor(name) for name in file.offset_keys()}, state)
        with pytest.raises(BadInput, match=r"layer\.3\.weight"):
            file.get_tensor("layer.3.weights")
    with lt.safe_open(files[form], framework="np") as file:
        assert np.array_equal(file.get_tensor("float32"), state["float32"].numpy())
        assert file.get_tensor("odd").dtype == np.uint16


@pytest.mark.parametrize("form", FORMS)
def test_slices(form: str, files: dict[str, Path], state: dict[str, Any]) -> None:
    with lt.safe_open(files[form]) as file:
        part, whole = file.get_slice("layer.2.weight"), state["layer.2.weight"]
        assert part.get_shape() == [200, 300] and part.get_dtype() == "BF16"
        for key in (
            slice(10, 20),
            slice(None),
            slice(-5, None),
            3,
            (slice(0, 9), slice(0, 300, 7)),
            (..., 5),
            slice(0, 9, 3),
            slice(5, 2),
        ):
            assert torch.equal(part[key], whole[key])
        assert file.get_slice("empty")[:].shape == (0, 3)
        assert file.get_slice("scalar")[...].item() == 2.5


def test_only_the_chunks_of_a_tensor_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(1)
    large = {str(i): (torch.randn(1 << 21, generator=generator)).to(torch.bfloat16) for i in range(8)}
    lt.save_file(large, tmp_path / "m.lac")
    read: list[int] = []
    original = FileSource.read
    monkeypatch.setattr(FileSource, "read", lambda self, offset, n: (read.append(n), original(self, offset, n))[1])
    with lt.safe_open(tmp_path / "m.lac") as file:
        assert torch.equal(file.get_tensor("3"), large["3"])
        assert sum(read) < 3 * (4 << 20)  # two chunks may meet in it
        file.get_tensor("3")
        before = sum(read)
        file.get_tensor("3")
        assert sum(read) == before


def test_kept_chunks_are_few(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, state: dict[str, Any]) -> None:
    monkeypatch.setattr(restored, "KEPT", 0)
    with lt.safe_open(files["weights"]) as file:
        assert same({name: file.get_tensor(name) for name in file.offset_keys()}, state)


def test_the_file_is_the_one_that_safetensors_writes(state: dict[str, Any], tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.torch")
    plain = {name: tensor.contiguous() for name, tensor in state.items()}
    library.save_file(plain, tmp_path / "theirs.safetensors", {"format": "pt"})
    lt.save_file(state, tmp_path / "ours.safetensors", {"format": "pt"})
    lt.save_file(state, tmp_path / "ours.lac", {"format": "pt"}, effort=1)
    api.decode_file(tmp_path / "ours.lac", tmp_path / "decoded.safetensors")
    expected = (tmp_path / "theirs.safetensors").read_bytes()
    assert (tmp_path / "ours.safetensors").read_bytes() == expected == (tmp_path / "decoded.safetensors").read_bytes()
    assert same(library.load_file(tmp_path / "ours.safetensors"), state)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_of_torch_is_loaded_without_unpickling(zipped: bool, tmp_path: Path) -> None:
    tied = torch.randn(300, 40)
    value = {"w": tied, "t": torch.randn(4, 5).t(), "n": torch.arange(3), "same": tied, "none": torch.zeros(0, 3)}
    torch.save(value, tmp_path / "m.pt", _use_new_zipfile_serialization=zipped)
    assert same(lt.load_file(tmp_path / "m.pt"), value)
    api.encode_file(tmp_path / "m.pt", tmp_path / "m.lac", "weights")
    found = lt.load_file(tmp_path / "m.lac")
    assert same(found, value) and found["same"] is found["w"]
    api.decode_file(tmp_path / "m.lac", tmp_path / "again.pt")
    assert (tmp_path / "again.pt").read_bytes() == (tmp_path / "m.pt").read_bytes()


def test_an_existing_file_is_replaced_only_by_a_whole_one(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.lac"
    path.write_bytes(saved.read_bytes())
    with pytest.raises(BadInput):
        lt.save_file({"a": [1, 2]}, path)
    with pytest.raises(BadInput, match="not a dict"):
        lt.save_file([torch.zeros(3)], path)  # type: ignore[arg-type]
    assert path.read_bytes() == saved.read_bytes()
    lt.save_file({"a": torch.zeros(3)}, path)
    assert list(lt.load_file(path)) == ["a"]


def test_damaged_files(saved: Path, tmp_path: Path) -> None:
    data = saved.read_bytes()
    path = tmp_path / "m.lac"
    for damaged in (data[: len(data) // 2], data[:100], data[:5], b"", data[:1000] + bytes(50) + data[1050:], b"text" * 100):
        path.write_bytes(damaged)
        with pytest.raises(LacodecError, match=r"m\.lac"):
            lt.load_file(path)
    with pytest.raises(BadInput, match="cannot be opened"):
        lt.load_file(tmp_path / "none.lac")
    with pytest.raises(BadInput, match="framework"):
        lt.safe_open(saved, framework="jax")
    for device in "nowhere", "xla:99":
        with pytest.raises(BadInput, match=f"device '{device}' cannot be used on this machine"):
            lt.load_file(saved, device=device)
        with pytest.raises(BadInput, match=device):
            lt.safe_open(saved, device=device)


def test_types_that_torch_does_not_have(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F6_E2M3", "shape": [4], "data_offsets": [0, 3]}}).encode()
    (tmp_path / "m.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"abc")
    with pytest.raises(UnsupportedFile, match="F6_E2M3"):
        lt.load_file(tmp_path / "m.safetensors")
    with lt.safe_open(tmp_path / "m.safetensors", framework="np") as file:
        assert file.get_tensor("a").tobytes() == b"abc"


def test_lac_files_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "a.lac").write_bytes(api.encode(b"some text", "bytes", effort=1))
    with pytest.raises(UnsupportedFile, match="no tensors"):
        lt.load_file(tmp_path / "a.lac")


def shard(folder: Path, state: dict[str, Any], suffix: str = ".lac") -> dict[str, str]:
    """Two shards and their index; returns the weight map."""
    names = list(state)
    shards = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for file, part in shards.items():
        lt.save_file({name: state[name] for name in part}, folder / (file + suffix), **({"effort": 1} if suffix else {}))
    where = {name: file for file, part in shards.items() for name in part}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return where


@pytest.mark.parametrize("suffix", ["", ".lac"])
def test_folders_of_shards(suffix: str, tmp_path: Path, state: dict[str, Any]) -> None:
    shard(tmp_path, state, suffix)
    assert same(lt.load_folder(tmp_path), state)
    index = tmp_path / "model.safetensors.index.json"
    api.encode_file(index, f"{index}.lac", "bytes", effort=1)
    index.unlink()
    assert same(lt.load_folder(tmp_path, threads=1), state)


@pytest.fixture(scope="module")
def tuned(state: dict[str, Any]) -> dict[str, Any]:
    """The tensors some steps of training later."""
    return {name: (tensor.float() * 1.001).to(tensor.dtype) if name[:5] == "layer" else tensor for name, tensor in state.items()}


def test_differences_to_a_base(tuned: dict[str, Any], files: dict[str, Path], tmp_path: Path) -> None:
    alone, path = tmp_path / "alone.lac", tmp_path / "tuned.lac"
    lt.save_file(tuned, alone)
    for form, base in files.items():
        lt.save_file(tuned, path, base=base)
        assert path.stat().st_size < 0.7 * alone.stat().st_size
        assert same(lt.load_file(path, base=files["plain"]), tuned)
        assert same(lt.load_file(path, base=files[form]), tuned)
        with lt.safe_open(path, base=base) as file, FileSource(files["plain"]) as opened:
            assert torch.equal(file.get_slice("layer.1.weight")[3:7], tuned["layer.1.weight"][3:7])
            with lt.safe_open(path, base=opened) as other:
                assert bits(other.get_tensor("odd")) == bits(tuned["odd"])
            assert opened.read(0, 8)  # still open
    for base, what in ((None, "not given"), (alone, r"alone\.lac is not"), (tmp_path / "none", "none: cannot be opened")):
        with pytest.raises(BadInput, match=what):
            lt.load_file(path, base=base)
    with pytest.raises(BadInput, match="has no option base"):
        lt.save_file(tuned, tmp_path / "plain.safetensors", base=alone)


def test_folders_of_differences(tuned: dict[str, Any], state: dict[str, Any], tmp_path: Path) -> None:
    shard(tmp_path, state)
    folder = tmp_path / "tuned"
    folder.mkdir()
    where = shard(folder, tuned)
    for name in sorted(set(where.values())):
        part = {key: tuned[key] for key, file in where.items() if file == name}
        lt.save_file(part, folder / f"{name}.lac", base=tmp_path / f"{name}.lac")
    assert same(lt.load_folder(folder, base=tmp_path), tuned)
    with pytest.raises(BadInput, match=r"00001-of-00002.*00001-of-00002\.safetensors' .* not given"):
        lt.load_folder(folder)
    with pytest.raises(BadInput, match="00001-of-00002"):
        lt.load_folder(folder, base=next(tmp_path.glob("*00002-of-00002*.lac")))


def test_folders_with_one_file(tmp_path: Path, saved: Path, state: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="0 .bin files"):
        lt.load_folder(tmp_path)
    (tmp_path / "weights.safetensors.lac").write_bytes(saved.read_bytes())
    assert same(lt.load_folder(tmp_path), state)
    (tmp_path / "other.safetensors").write_bytes(b"")
    with pytest.raises(BadInput, match="2 .safetensors files"):
        lt.load_folder(tmp_path)
    with pytest.raises(BadInput, match="is not a folder"):
        lt.load_folder(saved)


def test_folders_with_files_of_torch(tmp_path: Path) -> None:
    tied = torch.randn(300, 40)
    torch.save({"a": tied, "b": torch.arange(5)}, tmp_path / "one.bin")
    torch.save({"c": tied, "d": tied}, tmp_path / "two.bin")
    where = {"a": "one.bin", "c": "two.bin", "d": "two.bin"}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": where}))
    for name in "one.bin", "two.bin":
        api.encode_file(tmp_path / name, tmp_path / f"{name}.lac", "weights")
        (tmp_path / name).unlink()
    assert same(lt.load_folder(tmp_path), {"a": tied, "c": tied, "d": tied})
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UnsupportedFile, match=r"model\.safetensors"):
        lt.load_folder(tmp_path)


def test_folders_that_lack_something(tmp_path: Path, state: dict[str, Any]) -> None:
    where = shard(tmp_path, state)
    index = tmp_path / "model.safetensors.index.json"
    first, second = (tmp_path / f"model-0000{i}-of-00002.safetensors.lac" for i in (1, 2))
    for strange in (
        {"weight_map": {"a": "../x"}},
        {"weight_map": {"a": 3}},
        {"weight_map": {"a": ""}},
        {"weight_map": []},
        [],
        {},
    ):
        index.write_text(json.dumps(strange))
        with pytest.raises(CorruptFile, match="index.json"):
            lt.load_folder(tmp_path)
    index.write_text('{"weight_map": ' + "[" * 100_000)
    with pytest.raises(CorruptFile, match="not the index"):
        lt.load_folder(tmp_path)
    index.write_text(json.dumps({"weight_map": where | {"missing.weight": "model-00001-of-00002.safetensors"}}))
    with pytest.raises(CorruptFile, match=r"00001-of.*lacks the tensor 'missing\.weight'"):
        lt.load_folder(tmp_path)
    index.write_text(json.dumps({"weight_map": where}))
    whole = second.read_bytes()
    second.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptFile, match="00002-of-00002"):
        lt.load_folder(tmp_path)
    second.unlink()
    with pytest.raises(BadInput, match=r"names the shard 'model-00002-of-00002\.safetensors', which is missing"):
        lt.load_folder(tmp_path)
    assert first.exists()


def test_a_file_that_is_read_in_turn_and_by_name_agrees(files: dict[str, Path]) -> None:
    for path in files.values():
        with TensorFile(path) as file:
            in_turn = {entry.name: data.tobytes() for entry, data in file.all(threads=2)}
            assert in_turn == {name: file.data(entry).tobytes() for name, entry in file.entries.items()}


def test_torch_is_imported_only_when_it_is_used() -> None:
    code = """
import sys
sys.modules["torch"] = None
import lacodec.torch
try:
    lacodec.torch.load_file("x")
except Exception as error:
    print(repr(error))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "MissingDependency" in done.stdout and "lacodec[learned]" in done.stdout


def test_tensors_that_are_not_plain(tmp_path: Path) -> None:
    """Views that torch negates or conjugates when they are read are saved as what they are; others are refused by name."""
    views = {
        "conj": torch.tensor([1 + 2j, 3 - 1j] * 500).conj(),
        "neg": torch._neg_view(torch.arange(500.0)),
        "imag": torch.tensor([1 + 2j] * 500).conj().imag,
    }
    lt.save_file(views, tmp_path / "views.lac")
    found = lt.load_file(tmp_path / "views.lac")
    assert all(torch.equal(found[name], value) for name, value in views.items())
    for name, value in {"sparse": torch.eye(30).to_sparse(), "meta": torch.empty(3, device="meta")}.items():
        for target in ("x.lac", "x.safetensors"):
            with pytest.raises(BadInput, match=f"tensor '{name}' is "):
                lt.save_file({"fine": torch.ones(5), name: value}, tmp_path / target)
            assert not (tmp_path / target).exists()
