"""Files of earlier versions decode to the same latents; mutants of them give only our errors."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import lacodec  # noqa: E402
from benchmarks.fuzz import check  # noqa: E402
from benchmarks.mutations import Corpus, Original, _chunks, mutant  # noqa: E402
from lacodec import api  # noqa: E402
from lacodec.codecs import model_files  # noqa: E402
from lacodec.container import stream  # noqa: E402
from lacodec.io.source import BytesSource  # noqa: E402
from tools import make_golden_learned as maker  # noqa: E402
from tools.golden import FOLDER  # noqa: E402

PATHS = sorted(FOLDER.glob("learned-*.lac"))


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setenv(model_files.VARIABLE, str(maker.MODEL))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_golden_files():
    assert len(PATHS) >= len(maker.PICTURES)
    for path in PATHS:
        original = maker.content(path.stem.removeprefix("learned-")).pixels
        decoded = lacodec.decode(path).pixels  # the content hash in every chunk is that of the latents
        assert api.check(path).ok and decoded.shape == original.shape
        assert np.square(decoded.astype(float) - original).mean() < 100


def test_mutants_give_only_our_errors():
    files = [path.read_bytes() for path in PATHS]
    corpus = Corpus(tuple(Original(data, stream(BytesSource(data))[0].pack(), tuple(_chunks(data))) for data in files))
    outcomes = [check(mutant(corpus, 7, i)[0])[0] for i in range(250)]
    assert outcomes.count("CorruptFile") > 60
