"""Codec image.learned on other devices: LACODEC_DEVICE and `--device`."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import lacodec  # noqa: E402
from lacodec.codecs import model_files  # noqa: E402
from lacodec.codecs.image.learned import tiles  # noqa: E402
from lacodec.container import Reader  # noqa: E402
from lacodec.errors import BadInput  # noqa: E402
from lacodec.io.source import BytesSource  # noqa: E402
from lacodec.testing import photo  # noqa: E402
from tests import learned  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture
def encoded(monkeypatch):
    monkeypatch.setenv(model_files.VARIABLE, learned.model_file())
    return lacodec.encode(photo(90, 70, 4), "image.learned", model=learned.model_file(), quality=70)


def test_the_cpu_by_name(encoded, monkeypatch):
    expected = lacodec.decode(encoded).pixels
    monkeypatch.setenv(model_files.DEVICE, "cpu")
    assert np.array_equal(lacodec.decode(encoded).pixels, expected)


@pytest.mark.parametrize(("device", "word"), [("tpu", "must be cpu"), ("cuda:99", "torch sees"), ("cuda\n", "must be cpu")])
def test_devices_that_are_not_there(encoded, monkeypatch, device, word):
    monkeypatch.setenv(model_files.DEVICE, device)
    with pytest.raises(BadInput, match=word):
        lacodec.decode(encoded)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_decodes_the_same_latents(encoded, monkeypatch):
    """Pixels may differ by one."""
    on_cpu = lacodec.decode(encoded).pixels
    monkeypatch.setenv(model_files.DEVICE, "cuda")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    on_gpu = lacodec.decode(encoded).pixels  # the content hash in each chunk is that of the latents
    assert np.abs(on_gpu.astype(int) - on_cpu).max() <= 1 and np.array_equal(on_gpu[:, :, 3], on_cpu[:, :, 3])
    with lacodec.open(encoded) as opened:
        assert np.abs(opened[10:40, 20:60].astype(int) - on_cpu[10:40, 20:60]).max() <= 1
    reader = Reader(BytesSource(encoded))
    network = model_files.by_id(reader.header.model_id).network
    assert tiles.device_of(network).type == "cuda"
