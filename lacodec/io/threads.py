"""`ordered_map`: a lazy `map` over threads, with results in order and few items in flight; `Budget`: memory that threads share.

Work that frees the GIL (kernels, hashes, zstd) runs in parallel; memory stays bounded by the number of threads.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from lacodec.errors import BadInput, LimitExceeded

T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """How many cores this process may use: the threads that coding takes unless told otherwise."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ordered_map(function: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Yield `function(item)` for each item, in order, with at most `threads` + 1 items taken and not yet yielded.

    An exception in `function` is raised at its item's turn. With one thread an item is taken only when its result is asked for.
    The work runs in daemon threads even then, so that Ctrl-C is answered at once while a kernel runs for seconds.
    """
    if threads < 1:
        raise BadInput(f"threads is {threads}; give 1 or more")
    return _ordered_map(function, iter(items), threads)


def _ordered_map(function: Callable[[T], R], items: Iterator[T], threads: int) -> Iterator[R]:
    ahead = threads + 1 if threads > 1 else 1
    queue: SimpleQueue[_Task[Any] | None] = SimpleQueue()
    workers: list[threading.Thread] = []
    waiting: deque[_Task[R]] = deque()
    try:
        while True:
            while len(waiting) < ahead:
                try:
                    item = next(items)
                except StopIteration:
                    break
                task = _Task(function, item)
                del item  # the task owns it now: nothing here may keep a chunk alive
                waiting.append(task)
                queue.put(task)
                if len(workers) < threads:
                    workers.append(threading.Thread(target=_work, args=(queue,), daemon=True, name="lacodec-worker"))
                    workers[-1].start()
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        for task in waiting:
            task.cancelled = True
        for _ in workers:
            queue.put(None)


class Budget:
    """Bytes of memory that threads share: each waits until what it needs is free."""

    def __init__(self, total: int | None) -> None:
        """`total` in bytes, None for no limit."""
        self._total = self._free = total
        self._changed = threading.Condition()

    @contextmanager
    def use(self, how_much: Callable[[], int]) -> Iterator[None]:
        """Hold as many bytes inside the block; raises LimitExceeded when there will never be as many. Do not nest.

        how_much: is not asked where there is no limit.
        """
        if self._total is None or self._free is None:
            yield
            return
        need = how_much()
        if need > self._total:
            raise LimitExceeded(f"needs about {need >> 20} MiB of memory, the limit is {self._total >> 20} MiB; raise max_memory")
        with self._changed:
            self._changed.wait_for(lambda: self._free is not None and self._free >= need)
            self._free -= need
        try:
            yield
        finally:
            with self._changed:
                self._free += need
                self._changed.notify_all()


class _Task(Generic[R]):
    """One call: runs in a worker, waits in the caller."""

    def __init__(self, function: Callable[[Any], R], item: Any) -> None:
        self._call: tuple[Callable[[Any], R], Any] | None = (function, item)
        self._done = threading.Event()
        self._value: R
        self._error: BaseException | None = None
        self.cancelled = False

    def run(self) -> None:
        call, self._call = self._call, None
        try:
            if call is not None and not self.cancelled:
                self._value = call[0](call[1])
        except BaseException as error:  # handed to the caller by result()
            self._error = error
        self._done.set()

    def result(self) -> R:
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value


def _work(queue: "SimpleQueue[_Task[Any] | None]") -> None:
    while (task := queue.get()) is not None:
        task.run()
        del task  # do not keep the last result alive while waiting
