"""Several processes, as torchrun starts them: one model, different crops, one stop, exact resumption."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402

from lacodec.testing import photo  # noqa: E402

pytestmark = pytest.mark.torch

ROOT = Path(__file__).parents[2]


def trained(folder, data, name, *flags, stop_at=0):
    """Parameters and state of both processes at the end, and what the first one said."""
    place = folder / name
    place.mkdir(exist_ok=True)
    command = [sys.executable, str(ROOT / "tests/training/rank_worker.py"), str(place), str(stop_at), "train", "image"]
    command += ["--data", str(data), "-o", str(place), "--device", "cpu", "--precision", "float32", *flags]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    common = {"PYTHONPATH": str(ROOT), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(
            command, env={**os.environ, **common, "RANK": rank, "LOCAL_RANK": rank}, stderr=subprocess.PIPE, text=True
        )
        for rank in "01"
    ]
    try:
        words = [process.communicate(timeout=200)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert {process.returncode for process in processes} == {130 if stop_at else 0}, words
    assert not words[1]
    return [torch.load(place / f"{rank}.pt", weights_only=True) for rank in range(2)], words[0]


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one if name not in ("step", "drawn"))


def test_two_processes_train_one_model_and_resume_exactly(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for seed in range(3):
        Image.fromarray(photo(96, 90, seed=seed)).save(data / f"{seed}.png")
    flags = ["--steps", "6", "--batch", "2", "--crop", "64", "--report", "2"]
    whole, words = trained(tmp_path, data, "whole", *flags)
    assert whole[0]["step"] == whole[1]["step"] == 6
    assert same(*whole)
    assert not torch.equal(whole[0]["drawn"], whole[1]["drawn"])  # of crops
    assert words.count("step 6") == 2  # the line of the curve and the validation

    stopped, _ = trained(tmp_path, data, "parts", *flags, stop_at=3)
    assert stopped[0]["step"] == stopped[1]["step"] == 3
    resumed, _ = trained(tmp_path, data, "parts", "--resume")
    assert resumed[0]["step"] == 6
    assert same(*resumed) and same(resumed[0], whole[0])
