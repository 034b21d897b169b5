"""PyTorch checkpoints: every tensor that torch loads comes out right, under all its names, or an error names it."""

import io
import warnings
from collections import OrderedDict, defaultdict, deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import lacodec
from lacodec import api
from lacodec.errors import BadInput, LacodecError, UnsupportedFile
from lacodec.io.source import BytesSource
from lacodec.media.tensors.files import TENSORS

torch = pytest.importorskip("torch")

from lacodec.torch import load_file, safe_open, save_file  # noqa: E402

W = torch.arange(5000, dtype=torch.float32).reshape(100, 50)
Z = torch.tensor([1 + 2j, 3 - 4j] * 300)


class Own(torch.Tensor):
    """A class of its own, as many libraries have."""


class Bag(dict):  # type: ignore[type-arg]
    """A dict that is not one for pickle."""


class Pile(list):  # type: ignore[type-arg]
    """A list that is not one for pickle."""


def saved(value: Any, path: Path, zipped: bool = True) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(value, path, _use_new_zipfile_serialization=zipped)
    return path


def same(found: Any, wanted: Any) -> bool:
    wanted = wanted.detach().resolve_conj().resolve_neg()
    if isinstance(found, np.ndarray):
        data = np.ascontiguousarray(found).reshape(-1).view(np.uint8)
        return (
            found.shape == tuple(wanted.shape)
            and bytes(data) == wanted.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        )
    return found.dtype == wanted.dtype and not found.is_conj() and torch.equal(found, wanted)


def odd_ordered() -> Any:
    value: Any = OrderedDict(a=W)
    value.extra = W + 1  # an attribute of the dict itself
    return value


ALIKE = {"x": W}
FOUND: dict[str, tuple[Any, dict[str, Any]]] = {
    "tuple key": ({"w": W, (1, 2): W + 1}, {"w": W, "(1, 2)": W + 1}),
    "keys of other types": (
        {True: W, "w": W + 1, None: W + 2, 0.5: W + 3},
        {"True": W, "w": W + 1, "None": W + 2, "0.5": W + 3},
    ),
    "empty key": ({"": W, "a": {"": W + 1}}, {"": W, "a.": W + 1}),
    "bare tensor": (W, {"array": W}),
    "list": ([W, (W + 1, [W + 2])], {"0": W, "1.0": W + 1, "1.1.0": W + 2}),
    "part": ({"w": W, "v": W[:50], "u": W[10:20, 3:7]}, {"w": W, "v": W[:50], "u": W[10:20, 3:7]}),
    "expanded": ({"w": W, "e": W[:1].expand(40, 50)}, {"w": W, "e": W[:1].expand(40, 50)}),
    "every other": ({"w": W, "h": W.clone()[::2]}, {"w": W, "h": W[::2]}),
    "only gaps": ({"h": W.clone()[:, ::2]}, {"h": W[:, ::2]}),
    "turned": ({"w": W, "t": W.t()}, {"w": W, "t": W.t()}),
    "conjugated": ({"c": Z.conj(), "z": Z, "d": Z.clone().conj()}, {"c": Z.conj(), "z": Z, "d": Z.conj()}),
    "negated": ({"n": torch._neg_view(W), "i": Z.conj().imag}, {"n": -W, "i": -Z.imag}),
    "negated bfloat16": ({"n": torch._neg_view(W.bfloat16())}, {"n": -W.bfloat16()}),
    "parameter": ({"p": torch.nn.Parameter(W), "b": torch.nn.Buffer(W + 1)}, {"p": W, "b": W + 1}),
    "subclass": ({"s": (W + 1).as_subclass(Own), "w": W}, {"s": W + 1, "w": W}),
    "tied": ({"a": W, "b": W, "c": {"d": W}}, {"a": W, "b": W, "c.d": W}),
    "one dict twice": ({"a": ALIKE, "b": ALIKE}, {"a.x": W, "b.x": W}),
    "deque, defaultdict, own classes": (
        {
            "q": deque([W]),
            "d": defaultdict(list, {"k": W + 1}),
            "b": Bag(k=W + 2),
            "p": Pile([W + 3]),
            "n": SimpleNamespace(x=W + 4),
        },
        {"q.0": W, "d.k": W + 1, "b.k": W + 2, "p.0": W + 3, "n.x": W + 4},
    ),
    "set": ({"s": {W}, "f": frozenset([W + 1])}, {"s.0": W, "f.0": W + 1}),
    "attribute of an OrderedDict": (odd_ordered(), {"a": W, "extra": W + 1}),
    "called as storages are": ({"a": W.clone()[::2], "storage.0": W}, {"a": W[::2], "storage.0": W}),
    "empty": ({"w": W, "e": W[:0], "g": W[:, :0][::2]}, {"w": W, "e": W[:0], "g": W[:50, :0]}),
}
LOST: dict[str, tuple[Any, str]] = {
    "sparse": ({"w": W, "s": torch.eye(40).to_sparse()}, "tensor 's' is sparse"),
    "sparse rows": ({"w": W, "s": torch.eye(40).to_sparse_csr()}, "tensor 's' is sparse"),
    "quantised": ({"w": W, "q": torch.quantize_per_tensor(W, 0.1, 10, torch.quint8)}, "tensor 'q' is quantised"),
    "meta": ({"w": W, "deep": [torch.empty(3, device="meta")]}, r"tensor 'deep\.0' is on the meta device"),
    "nested": ({"w": W, "n": torch.nested.nested_tensor([W[0], W[1, :9]])}, "tensor 'n' is nested"),
    "two of one name": ({"a.b": W, "a": {"b": W + 1}}, r"tensor 'a\.b' has the same name as another one"),
    "two keys of one name": ({1: W, "1": W + 1}, "tensor '1' has the same name as another one"),
}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older"])
@pytest.mark.parametrize("name", FOUND)
def test_all_tensors_are_found(name: str, zipped: bool, tmp_path: Path) -> None:
    value, wanted = FOUND[name]
    path = saved(value, tmp_path / "m.pt", zipped)
    encoded = tmp_path / "m.lac"
    api.encode_file(path, encoded, "weights")
    for place in path, encoded:
        found = load_file(place)
        assert found.keys() == wanted.keys()
        assert all(same(found[key], wanted[key]) for key in wanted)
        for framework in "pt", "np":
            with safe_open(place, framework) as file:
                assert file.keys() == sorted(wanted)
                assert all(same(file.get_tensor(key), wanted[key]) for key in wanted)
                assert all(file.get_slice(key).get_shape() == list(wanted[key].shape) for key in wanted)
                assert all(same(file.get_slice(key)[0:1], wanted[key][0:1]) for key in wanted)
    arrays = lacodec.decode(encoded)
    assert arrays.keys() == wanted.keys()
    assert all(same(arrays[key], wanted[key]) for key in wanted)
    with lacodec.open(encoded) as opened:
        for key in wanted:
            try:
                assert same(opened[key], wanted[key])
            except BadInput as error:
                assert repr(key) in str(error)
    api.decode_file(encoded, tmp_path / "again.pt")
    assert (tmp_path / "again.pt").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", LOST)
def test_tensors_that_cannot_be_had_are_named(name: str, tmp_path: Path) -> None:
    value, message = LOST[name]
    path = saved(value, tmp_path / "m.pt")
    encoded = tmp_path / "m.lac"
    api.encode_file(path, encoded, "weights")
    for place in path, encoded:
        with pytest.raises(UnsupportedFile, match=message):
            load_file(place)
        with safe_open(place) as file, pytest.raises(UnsupportedFile, match=message):
            file.keys()
    with pytest.raises(UnsupportedFile, match=message):
        lacodec.decode(encoded)
    if "w" in value:
        with lacodec.open(encoded) as opened:
            assert same(opened["w"], value["w"])
        with safe_open(encoded) as file:
            assert same(file.get_tensor("w"), value["w"])
    api.decode_file(encoded, tmp_path / "again.pt")
    assert (tmp_path / "again.pt").read_bytes() == path.read_bytes()


def test_objects_that_hold_each_other(tmp_path: Path) -> None:
    parent, child = SimpleNamespace(w=W), SimpleNamespace(w=W + 1)
    parent.child, child.parent, parent.me = child, parent, parent
    found = load_file(saved({"p": parent}, tmp_path / "m.pt"))
    assert found.keys() == {"p.w", "p.child.w"} and same(found["p.child.w"], W + 1)


def test_too_many_names_are_refused(tmp_path: Path) -> None:
    value: Any = [W]
    for _ in range(40):
        value = [value, value]
    path = saved(value, tmp_path / "m.pt")
    assert TENSORS.from_source(BytesSource(path.read_bytes())).entries
    with pytest.raises(UnsupportedFile, match="too many names"):
        load_file(path)


def test_tensors_of_a_program(tmp_path: Path) -> None:
    state = {
        "grad": torch.nn.Parameter(W),
        "half": W.bfloat16(),
        "gaps": W[::2, ::3],
        "turned": W.t(),
        "conj": Z.conj(),
        "neg": torch._neg_view(W),
        "own": W.as_subclass(Own),
        "expanded": W[:1].expand(3, 50),
    }
    decoded = lacodec.decode(lacodec.encode(state))
    save_file(state, tmp_path / "m.lac")
    save_file(state, tmp_path / "m.safetensors")
    for found in decoded, load_file(tmp_path / "m.lac"), load_file(tmp_path / "m.safetensors"):
        assert all(same(found[name], state[name]) for name in state)


@pytest.mark.parametrize("name", ["sparse", "sparse rows", "quantised", "meta", "nested"])
def test_tensors_of_a_program_that_are_no_arrays(name: str, tmp_path: Path) -> None:
    value, _ = LOST[name]
    key = next(key for key in value if key != "w")
    tensor = value[key][0] if isinstance(value[key], list) else value[key]
    for target in "m.lac", "m.safetensors":
        with pytest.raises(BadInput, match=f"tensor {key!r} is "):
            save_file({key: tensor}, tmp_path / target)
        assert not (tmp_path / target).exists()
    for given in tensor, {key: tensor}, [tensor]:
        with pytest.raises(BadInput, match="is (a|on)"):
            lacodec.encode(given)


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_arrays_that_torch_does_not_have_are_named(tmp_path: Path) -> None:
    plain = np.arange(1000.0)
    cases = {
        "text": np.array(["ab", "cde"] * 100),
        "records": np.zeros(300, [("x", "<i4"), ("y", "<f8")]),
        "times": np.arange("2000", "2001", dtype="M8[D]"),
        "big": np.arange(500, dtype=">f4"),
        "objects": np.array([{}, None]),
    }
    for name, array in cases.items():
        (tmp_path / "a.npz").write_bytes(npz(plain=plain, **{name: array}))
        with pytest.raises(UnsupportedFile, match=name):
            load_file(tmp_path / "a.npz")
        with safe_open(tmp_path / "a.npz") as file:
            assert same(file.get_tensor("plain"), torch.from_numpy(plain))
            with pytest.raises(LacodecError, match=name):
                file.get_tensor(name)
        if name != "objects":
            with safe_open(tmp_path / "a.npz", "np") as file:
                assert np.array_equal(file.get_tensor(name), array) and file.get_tensor(name).dtype == array.dtype
                assert np.array_equal(file.get_slice(name)[2:5], array[2:5])
            (tmp_path / "a.lac").write_bytes(lacodec.encode({"plain": plain, name: array}))
            if name != "big":  # its numbers are kept as torch has them
                with pytest.raises(UnsupportedFile, match=name):
                    load_file(tmp_path / "a.lac")
    np.save(tmp_path / "o.npy", np.array([{}, None] * 100), allow_pickle=True)
    with pytest.raises(LacodecError, match="Python objects"):
        load_file(tmp_path / "o.npy")


def test_a_compressed_array_is_named(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name, how in ("stored", zipfile.ZIP_STORED), ("packed", zipfile.ZIP_DEFLATED):
            member = io.BytesIO()
            np.save(member, np.arange(1000))
            archive.writestr(f"{name}.npy", member.getvalue(), how)
    with pytest.raises(UnsupportedFile, match="'packed' is compressed"):
        load_file(tmp_path / "a.npz")


def test_a_base_that_is_stored_as_differences_itself(tmp_path: Path) -> None:
    for i in range(4):
        save_file({"w": W + i / 1000}, tmp_path / f"s{i}.safetensors")
        if i:
            options = {"base": tmp_path / f"s{i - 1}.safetensors"}
            api.encode_file(tmp_path / f"s{i}.safetensors", tmp_path / f"s{i}.lac", "weights", **options)
    others = [tmp_path / "s0.safetensors", tmp_path / "s1.lac", tmp_path / "s2.lac"]
    folder = tmp_path / "bases"
    folder.mkdir()
    for number, path in enumerate(reversed(others)):
        (folder / f"{number}{path.suffix}").write_bytes(path.read_bytes())
    for base in others, others[::-1], [others[1], others[2], others[0]], folder:
        api.decode_file(tmp_path / "s3.lac", tmp_path / "back", force=True, base=base)
        assert (tmp_path / "back").read_bytes() == (tmp_path / "s3.safetensors").read_bytes()
    with pytest.raises(BadInput, match="give that file"):
        api.decode_file(tmp_path / "s3.lac", tmp_path / "back", force=True, base=others[1:])
