"""`--engine ray`: a cluster of two nodes on this machine, of which one is lost, writes what threads write."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lacodec.datasets import encode_dataset
from lacodec.datasets.dictionaries import FILE
from lacodec.datasets.selection import select
from lacodec.errors import LacodecError
from tests.cli.test_dataset import content, pictures
from tests.cli.test_dictionary import row_files
from tests.cli.test_select import content as reports
from tests.cli.test_select import prose, write_lines

os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")  # read by the import: 30 are too few on a busy machine
ray = pytest.importorskip("ray")


@pytest.fixture(scope="module")
def running(repository: Path) -> Iterator[Any]:
    """A node with a core, and this process as the driver."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(repository))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # 15 by default, which other work on the machine could starve
        patch.setenv("RAY_agent_register_timeout_ms", "300000")
        made = Cluster(initialize_head=True, connect=False, head_node_args={"num_cpus": 1, "include_dashboard": False})
        ray.init(address=made.address, log_to_driver=False, logging_level="error")
        yield made
        ray.shutdown()
        made.shutdown()


@pytest.fixture
def cluster(running: Any) -> Any:
    """Two nodes with a core each."""
    if not running.worker_nodes:
        running.add_node(num_cpus=1)
    return running


def workers_of(node: Any) -> list[int]:
    """Processes of our actors on a node."""
    raylet = node.all_processes["raylet"][0].process.pid
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == raylet and b"_Worker" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except OSError:
            pass
    return found


def test_a_lost_node_loses_nothing(cluster: Any, tmp_path: Path) -> None:
    pictures(tmp_path / "in", 300, broken=40)
    lost: list[int] = []

    def progress(done: int, total: int) -> None:
        if not lost and done > total // 4:
            (other,) = cluster.worker_nodes
            while not (workers_of(cluster.head_node) and workers_of(other)):  # starting takes longer than a few pictures
                time.sleep(0.1)
            lost.extend(workers_of(other))
            cluster.remove_node(other, allow_graceful=False)

    options = {"codec": "image.lossless", "effort": 1}
    far = encode_dataset(tmp_path / "in", tmp_path / "far", engine="ray", threads=2, progress=progress, **options)
    near = encode_dataset(tmp_path / "in", tmp_path / "near", threads=2, **options)
    assert lost
    assert far == near and len(far.failures) == 1
    assert content(tmp_path / "far") == content(tmp_path / "near")


def test_a_killed_worker_loses_nothing(cluster: Any, tmp_path: Path) -> None:
    write_lines(tmp_path / "pool.jsonl", prose(1, 100, 1, 900) + prose(2, 900, 1, 900))
    write_lines(tmp_path / "target.jsonl", prose(1, 50, 2))
    arguments = tmp_path / "pool.jsonl", tmp_path / "target.jsonl", "100 docs"
    killed: list[int] = []

    def progress(done: int, total: int) -> None:
        if not killed:
            while not killed:
                killed.extend(workers_of(cluster.head_node))
            for process in killed:
                os.kill(process, signal.SIGKILL)

    far = select(*arguments, tmp_path / "far", engine="ray", progress=progress)
    assert killed
    assert far == select(*arguments, tmp_path / "near")
    assert reports(tmp_path / "far") == reports(tmp_path / "near")


KILLED = """
import os, signal, sys
import ray
from lacodec.datasets import encode_dataset
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="error")
def progress(done, total):
    if done > total // 2:
        os.kill(os.getpid(), signal.SIGKILL)
encode_dataset("in", "far", "image.lossless", engine="ray", effort=1, progress=progress)
"""


@pytest.mark.slow
def test_a_killed_driver_goes_on(cluster: Any, tmp_path: Path, environment: dict[str, str]) -> None:
    """1,000 pictures, one of them broken; the rest on the cluster is the same as all of it here."""
    pictures(tmp_path / "in", 1000, broken=123)
    words = [sys.executable, "-c", KILLED, cluster.address]
    killed = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not (tmp_path / "far/manifest.jsonl").exists()
    options = {"codec": "image.lossless", "effort": 1}
    far = encode_dataset(tmp_path / "in", tmp_path / "far", engine="ray", **options)
    assert 0 < far.done <= 600 and far.items == 1000 and len(far.failures) == 1
    encode_dataset(tmp_path / "in", tmp_path / "near", **options)
    assert content(tmp_path / "far") == content(tmp_path / "near")


def test_workers_share_a_dictionary(cluster: Any, tmp_path: Path) -> None:
    row_files(tmp_path / "in", 1000)
    encode_dataset(tmp_path / "in", tmp_path / "near", effort=2, shard_items=250, threads=1)
    encode_dataset(tmp_path / "in", tmp_path / "far", effort=2, shard_items=250, engine="ray", threads=2)
    assert FILE in content(tmp_path / "far")
    assert content(tmp_path / "far") == content(tmp_path / "near")


def test_errors_of_workers_are_errors_here(cluster: Any, tmp_path: Path) -> None:
    (tmp_path / "pool.jsonl").write_text(json.dumps({"text": "a b c"}) + "\nbroken\n")
    write_lines(tmp_path / "target.jsonl", prose(1, 5, 2))
    arguments = tmp_path / "pool.jsonl", tmp_path / "target.jsonl", "1 docs"
    with pytest.raises(LacodecError, match="entry 2: broken JSON"):
        select(*arguments, tmp_path / "out", engine="ray", stop_on_error=True)
    assert select(*arguments, tmp_path / "out", engine="ray").problems == {"broken JSON": 1}
