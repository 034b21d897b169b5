"""Small files of a folder are coded several at a time; what is printed and kept is the same as one by one."""

import re

import numpy as np

from lacodec.cli import _together
from lacodec.cli._files import Job


def outcome(done):
    """Code and both streams, without speeds."""
    return done.returncode, re.sub(rb", [\d.]+ [kM]?B/s", b"", done.stdout), done.stderr


def test_lines_and_errors_come_in_order(lacodec, tmp_path, monkeypatch):
    monkeypatch.setattr(_together, "SMALL", 100_000)
    (tmp_path / "in").mkdir()
    chance = np.random.default_rng(0)
    for i in range(12):
        size = 200_000 if i == 5 else 500 * (i + 1)  # one that is not small
        (tmp_path / "in" / f"{i:02}").write_bytes(chance.integers(0, 9, size, np.uint8).tobytes())
    outcomes = []
    for threads in (1, 4):
        out = f"out{threads}"
        (tmp_path / out).mkdir()
        for taken in ("03", "08"):
            (tmp_path / out / f"{taken}.lac").write_bytes(b"taken")
        done = lacodec("encode", "in", "-o", out, "--effort", "1", "--threads", threads, code=1)
        outcomes.append((outcome(done)[0], outcome(done)[1], done.stderr.replace(out.encode(), b"out")))
        assert done.stderr.count(b"exists") == 2 and b"2 of 12 files failed" in done.stderr
    assert outcomes[0] == outcomes[1]
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / f"out{n}").iterdir()} for n in (1, 4))
    assert first == second and len(first) == 12


def test_who_begins_before_its_turn(tmp_path, monkeypatch):
    for name in "abc":
        (tmp_path / name).write_bytes(b"x" * (10 if name != "b" else _together.SMALL + 1))
    jobs = [Job(str(tmp_path / name), str(tmp_path / f"{name}.lac")) for name in "abc"]
    calls = []

    def alone(job):
        calls.append(("alone", job.source[-1]))
        return True

    def beside(job):
        calls.append(("beside", job.source[-1]))
        return job.source[-1] == "a"

    results = [(job.source[-1], outcome()) for job, outcome in _together.in_order(jobs, 2, alone, beside)]
    assert results == [("a", True), ("b", True), ("c", False)]
    assert sorted(calls) == [("alone", "b"), ("beside", "a"), ("beside", "c")]
    calls.clear()
    same = [jobs[0], Job(jobs[2].source, jobs[0].target)]  # two for one target
    assert [outcome() for _, outcome in _together.in_order(same, 2, alone, beside)] == [True, True]
    assert calls == [("alone", "a"), ("alone", "c")]
