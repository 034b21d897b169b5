"""Mutants of golden files give only our errors."""

import pytest

torch = pytest.importorskip("torch")

from benchmarks.fuzz import check  # noqa: E402
from benchmarks.mutations import Corpus, Original, _chunks, mutant  # noqa: E402
from lacodec.codecs import model_files  # noqa: E402
from lacodec.container import stream  # noqa: E402
from lacodec.io.source import BytesSource  # noqa: E402
from tools.golden import FOLDER  # noqa: E402
from tools.golden import learned as maker  # noqa: E402

pytestmark = pytest.mark.torch

PATHS = sorted(FOLDER.glob("v*/learned-*.lac"))


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setenv(model_files.VARIABLE, str(maker.MODEL))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_mutants_give_only_our_errors():
    files = [path.read_bytes() for path in PATHS]
    corpus = Corpus(tuple(Original(data, stream(BytesSource(data))[0].pack(), tuple(_chunks(data))) for data in files))
    outcomes = [check(mutant(corpus, 7, i)[0])[0] for i in range(250)]
    assert outcomes.count("CorruptFile") > 60
