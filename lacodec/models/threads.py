"""torch on one thread, for networks whose steps are too short to be worth dividing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_lock = threading.Lock()
_inside = 0
_threads = 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Sets the number of torch's threads, which is one for the whole process, and puts the user's back when all have left."""
    global _inside, _threads
    with _lock:
        if _inside == 0:
            _threads = torch.get_num_threads()
        _inside += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                torch.set_num_threads(_threads)
