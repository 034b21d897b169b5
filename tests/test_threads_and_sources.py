import io
import threading
import time

import pytest

from lacodec.errors import BadInput, LimitExceeded
from lacodec.io.source import BytesSource, FileSource
from lacodec.io.streams import IteratorSource, PipeSource
from lacodec.io.threads import Budget, ordered_map


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_order_and_laziness(threads):
    taken = []

    def items():
        for i in range(50):
            taken.append(i)
            yield i

    def work(i):
        time.sleep(0.001 * (i % 3))
        return i * i

    results = ordered_map(work, items(), threads)
    for i in range(50):
        assert next(results) == i * i
        assert len(taken) <= i + threads + 2
    assert next(results, None) is None


@pytest.mark.parametrize("threads", [1, 3])
def test_errors_come_at_their_turn_and_threads_end(threads):
    def work(i):
        if i == 5:
            raise KeyError(i)
        return i

    results, seen = ordered_map(work, range(100), threads), []
    with pytest.raises(KeyError):
        for result in results:
            seen.append(result)
    assert seen == [0, 1, 2, 3, 4]
    abandoned = ordered_map(work, range(4), threads)
    next(abandoned)
    abandoned.close()
    deadline = time.monotonic() + 5
    while any(thread.name == "lacodec-worker" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(BadInput):
        ordered_map(work, [], 0)


def test_budget_lets_threads_wait():
    budget, running, most = Budget(100), [], []

    def work(need):
        with budget.use(lambda: need):
            running.append(need)
            most.append(sum(running))
            time.sleep(0.002)
            running.remove(need)
        return need

    needs = [40, 60, 100, 10, 90, 50, 50, 50] * 5
    assert list(ordered_map(work, needs, 4)) == needs
    assert max(most) <= 100
    with pytest.raises(LimitExceeded), budget.use(lambda: 101):
        pass
    with Budget(None).use(lambda: pytest.fail("without a limit nobody needs to know")):
        pass


def test_sources_agree(tmp_path):
    data = bytes(range(256)) * 20
    (tmp_path / "x").write_bytes(data)
    pieces = [data[:1], b"", data[1:3000], data[3000:]]
    for make in (
        lambda: BytesSource(data),
        lambda: FileSource(tmp_path / "x"),
        lambda: PipeSource(io.BytesIO(data)),
        lambda: IteratorSource(iter(pieces)),
    ):
        for n in (1, 7, 512, 5120, 5121, 9999):
            with make() as source:
                blocks = list(source.blocks(n))
                assert b"".join(blocks) == data and all(len(block) == n for block in blocks[:-1]) and blocks[-1]
        with make() as source:
            assert source.read(100, 5) == data[100:105]
            assert source.read(5115, 100) == data[5115:]
            assert source.read(6000, 5) == b""
            assert source.size in (None, len(data))
    assert list(BytesSource(b"").blocks(5)) == list(PipeSource(io.BytesIO()).blocks(5)) == []


def test_pipes_only_go_forwards():
    source = PipeSource(io.BytesIO(b"0123456789"))
    assert source.read(0, 2) == b"01"
    assert source.read(5, 2) == b"56" and source.position == 7
    with pytest.raises(BadInput):
        source.read(0, 1)
    assert source.read(7, 100) == b"789"


def test_a_pipe_that_does_not_wait_is_no_end():
    class NotReady(io.RawIOBase):
        def read(self, n=-1):
            return None

    with pytest.raises(BadInput):
        PipeSource(NotReady()).read(0, 1)


def test_files_that_cannot_be_opened(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(BadInput):
            FileSource(path)
