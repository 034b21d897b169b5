"""Models of CompressAI in our container: round trips, machines and models that differ, forged files."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import lacodec  # noqa: E402
from benchmarks import compressai_models  # noqa: E402
from benchmarks.mutations import Corpus, Original, _chunks, mutant  # noqa: E402
from lacodec.container import Reader, stream  # noqa: E402
from lacodec.errors import BadInput, CorruptFile, LacodecError, MissingModel, UnsupportedFile  # noqa: E402
from lacodec.integrations import compressai  # noqa: E402
from lacodec.io.source import BytesSource  # noqa: E402
from lacodec.testing import photo  # noqa: E402

pytestmark = pytest.mark.torch

NAMES = (
    "bmshj2018-factorized", "bmshj2018-hyperprior", "mbt2018-mean", "cheng2020-anchor-checkerboard", "elic2022-official",
)  # fmt: skip
installed = pytest.mark.skipif(not compressai_models.available(), reason="needs CompressAI")


class Entropy(torch.nn.Module):
    """As CompressAI's entropy models behave towards the coder."""

    entropy_coder, entropy_coder_precision = None, 16

    def __init__(self, tables=3):
        super().__init__()
        freqs = np.array([1000, 20000, 40000, 4000, 536]).cumsum()
        self.register_buffer("quantized_cdf", torch.tensor([[0, *freqs]] * tables, dtype=torch.int32))
        self.register_buffer("cdf_length", torch.full((tables,), 6, dtype=torch.int32))
        self.register_buffer("offset", torch.full((tables,), -2, dtype=torch.int32))

    def arguments(self):
        return self.quantized_cdf.tolist(), self.cdf_length.tolist(), self.offset.tolist()


class Model(torch.nn.Module):
    """Two steps; the second one's tables come from the first one's symbols by a float weight."""

    downsampling_factor = 8

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(1.0))
        self.entropy = Entropy()
        self.error = 0.0  # of this machine's arithmetic

    def index(self, first):
        return ((first.abs() + self.error) * self.weight).round().clamp(0, 2).int().flatten().tolist()

    def compress(self, x):
        y = (torch.nn.functional.avg_pool2d(x, 8)[0] * 8).round() - 4
        first, second = y[:1], y[1:2]
        codes = [self.entropy.entropy_coder.encode_with_indexes(
            part.flatten().int().tolist(), index, *self.entropy.arguments()
        ) for part, index in ((first, [0] * first.numel()), (second, self.index(first)))]  # fmt: skip
        return {"strings": [[codes[1]], [codes[0]]], "shape": first.shape[1:]}

    def decompress(self, strings, shape):
        count, coder = shape[0] * shape[1], self.entropy.entropy_coder
        first = torch.tensor(coder.decode_with_indexes(strings[1][0], [0] * count, *self.entropy.arguments())).reshape(shape)
        second = coder.decode_with_indexes(strings[0][0], self.index(first.float()), *self.entropy.arguments())
        pixels = (torch.stack([first, torch.tensor(second).reshape(shape), first]).float() + 4) / 8
        return {"x_hat": torch.nn.functional.interpolate(pixels[None], scale_factor=8.0)}


def test_symbols_and_pixels_come_back():
    model, pixels = Model(), photo(37, 50)
    data = compressai.encode(model, pixels)
    decoded = compressai.decode(model, data)
    assert decoded.shape == pixels.shape and decoded.dtype == np.uint8
    padded = np.pad(pixels, ((0, 3), (0, 6), (0, 0)), "edge")
    x = torch.from_numpy(padded).permute(2, 0, 1).float() / 255
    means = (torch.nn.functional.avg_pool2d(x[None], 8)[0] * 8).round() / 8
    assert abs(decoded[::8, ::8, 1] / 255 - means[1].numpy()).max() < 0.01
    assert model.entropy.entropy_coder is None
    with pytest.raises(UnsupportedFile, match=r"lacodec\.integrations\.compressai"):
        lacodec.decode(data)


def test_files_say_that_they_are_bound_to_a_machine(tmp_path):
    (tmp_path / "x.lac").write_bytes(compressai.encode(Model(), photo(16, 16)))
    metadata = lacodec.api.info(tmp_path / "x.lac").metadata
    assert torch.__version__ in metadata["machine_bound"] and metadata["model"] == "Model"


def test_another_arithmetic_is_told_from_damage():
    model, pixels = Model(), photo(64, 64)
    data = compressai.encode(model, pixels)
    model.error = 1e-7
    assert np.array_equal(compressai.decode(model, data), compressai.decode(model, data))  # no table changed
    model.error = 0.6
    with pytest.raises(UnsupportedFile, match="other tables"):
        compressai.decode(model, data)


def test_another_model_is_refused():
    data, other = compressai.encode(Model(), photo(20, 20)), Model()
    with torch.no_grad():
        other.weight.mul_(2)
    with pytest.raises(MissingModel, match="another model"):
        compressai.decode(other, data)
    with pytest.raises(UnsupportedFile, match="lacodec.decode"):
        compressai.decode(other, lacodec.encode(b"text"))


@pytest.mark.parametrize("pixels", [photo(8, 8, 4), photo(8, 8).astype(np.float32), photo(8, 8)[:, :, 0], photo(8, 8)[:0]])
def test_other_pixels(pixels):
    with pytest.raises(BadInput, match="uint8"):
        compressai.encode(Model(), pixels)


def test_other_models():
    with pytest.raises(BadInput, match="not a CompressAI model"):
        compressai.encode(torch.nn.Conv2d(3, 3, 1), photo(8, 8))
    model = Model()
    model.entropy.quantized_cdf = torch.zeros(0)
    with pytest.raises(BadInput, match="update"):
        compressai.encode(model, photo(8, 8))
    model = Model()
    model.compress = lambda x: {"strings": [[b"a string"]], "shape": (1, 1)}
    with pytest.raises(BadInput, match="own entropy coder"):
        compressai.encode(model, photo(8, 8))


def test_mutants_give_only_our_errors():
    model = Model()
    files = [compressai.encode(model, photo(*shape)) for shape in ((20, 30), (8, 8), (64, 50))]
    corpus = Corpus(tuple(Original(data, stream(BytesSource(data))[0].pack(), tuple(_chunks(data))) for data in files))
    outcomes = []
    for number in range(400):
        try:
            compressai.decode(model, mutant(corpus, 3, number)[0], max_size=1 << 20)
            outcomes.append("decoded")
        except LacodecError as error:
            outcomes.append(type(error).__name__)
    assert outcomes.count("CorruptFile") > 200


@pytest.mark.parametrize("latents", [None, [[1 << 40, 2]], {"y": [1 << 20, 1 << 20]}, [[[[]]]] * 2000, [5000, 1, 1], ["x"]])
def test_forged_shapes(latents):
    import dataclasses
    import io

    import msgspec

    from lacodec.container import write_container

    model = Model()
    data = compressai.encode(model, photo(16, 16))
    reader = Reader(BytesSource(data))
    header = msgspec.structs.replace(reader.header, metadata={**reader.header.metadata, "latents": latents})
    out = io.BytesIO()
    write_container(header, [dataclasses.replace(reader.chunk(0))], out)
    with pytest.raises(CorruptFile):
        compressai.decode(model, out.getvalue())


@installed
@pytest.mark.parametrize("name", NAMES)
def test_models_of_compressai(name):
    """The same picture as by their own coder, and no more bytes but for the header."""
    model, pixels = compressai_models.model(name), photo(60, 70)
    step = getattr(model, "downsampling_factor", 64)
    padded = np.pad(pixels, ((0, -60 % step), (0, -70 % step), (0, 0)), "edge")
    x = torch.from_numpy(padded).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        theirs = model.compress(x)
        expected = model.decompress(theirs["strings"], theirs["shape"])["x_hat"]
    data = compressai.encode(model, pixels)
    wanted = (expected[0] * 255).round().clamp(0, 255).permute(1, 2, 0).numpy()[:60, :70]
    assert np.abs(wanted - compressai.decode(model, data)).max() <= 1
    strings = sum(len(string) for batch in theirs["strings"] for string in batch)
    payload = Reader(BytesSource(data)).index[0].payload_size
    assert payload <= 1.01 * strings + 10 * len(theirs["strings"]) + 10 and strings > 100


@installed
def test_models_that_code_single_positions_are_refused():
    with pytest.raises(BadInput, match="position by position"):
        compressai.encode(compressai_models.model("mbt2018"), photo(64, 64))
