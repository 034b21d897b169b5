"""Peers give back what they were given; measurements add up."""

import pytest

from lacodec.evaluation.bench import Measurement, Ours, measure, measure_all, our_candidate, total
from lacodec.evaluation.peers import PEERS, Peer, installed_peers

SAMPLES = [b"", b"x", b"ab\0" * 2000, bytes(range(256)) * 9]


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_peer_round_trip(peer: Peer) -> None:
    if not peer.installed:
        pytest.skip(f"not installed: {peer.install}")
    for sample in SAMPLES:
        assert peer.decode(peer.encode(sample)) == sample


def test_the_standard_library_peers_are_always_there() -> None:
    assert {"gzip -9", "bzip2 -9", "xz -9e", "zstd -19"} <= {peer.name for peer in installed_peers()}
    assert len({peer.name for peer in PEERS}) == len(PEERS)


def test_measuring_our_codec() -> None:
    sample = b"brevity is the soul of wit. " * 500
    row = measure(our_candidate("bytes", effort=1), "sample", sample)
    assert row.identical
    assert row.size == len(sample)
    assert 0 < row.encoded < len(sample) / 4
    assert row.candidate == "bytes --effort 1"


def test_a_wrong_answer_is_seen() -> None:
    broken = Ours("broken", lambda data: data[:1], lambda data: b"?")
    rows = list(measure_all([broken], [("a", b"aa"), ("b", b"bb")]))
    assert [row.identical for row in rows] == [False, False]


def test_total_adds_up() -> None:
    rows = [Measurement("c", "a", 100, 10, 1.0, 2.0, True), Measurement("c", "b", 300, 30, 3.0, 2.0, False)]
    both = total(rows)
    assert (both.size, both.encoded, both.encode_s, both.decode_s, both.identical) == (400, 40, 4.0, 4.0, False)
    assert both.ratio == 10
    assert both.encode_mb_s == pytest.approx(1e-4)
