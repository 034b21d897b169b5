"""Who works on the units of a data set: threads of this process (`local`), or actors on the nodes of a Ray cluster (`ray`).

units --work(unit, how)--> results, as they become ready
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from lacodec.errors import BadInput
from lacodec.io.threads import cores

U = TypeVar("U")
H = TypeVar("H")
R = TypeVar("R")

LOCAL, RAY = "local", "ray"
NAMES = (LOCAL, RAY)


def check_engine(name: str) -> None:
    """Raise BadInput if there is no such engine."""
    if name not in NAMES:
        raise BadInput(f"there is no engine {name!r}; there are {', '.join(NAMES)}")


def results(work: Callable[[U, H], R], units: Sequence[U], how: H, engine: str, workers: int | None) -> Iterator[tuple[int, R]]:
    """(place of a unit, what `work` makes of it) for each unit, as they become ready; few begin before earlier ones are ready.

    workers: threads, or actors; by default one for each core, of this machine or of the cluster. For Ray, `work` must be a
    function of a module, and units and `how` must be picklable.
    """
    if engine == RAY:
        from lacodec.datasets._ray import on_ray

        return on_ray(work, units, how, workers)
    return _on_threads(work, units, how, cores() if workers is None else workers)


def in_order(found: Iterator[tuple[int, R]]) -> Iterator[R]:
    """Results in the order of their units."""
    early: dict[int, R] = {}
    turn = 0
    for place, result in found:
        early[place] = result
        while turn in early:
            yield early.pop(turn)
            turn += 1


def _on_threads(work: Callable[[U, H], R], units: Sequence[U], how: H, threads: int) -> Iterator[tuple[int, R]]:
    if threads == 1 or len(units) < 2:
        yield from ((place, work(unit, how)) for place, unit in enumerate(units))
        return
    waiting, running = deque(enumerate(units)), dict[Future[R], int]()
    with ThreadPoolExecutor(threads) as pool:
        try:
            while waiting or running:
                while waiting and len(running) < 2 * threads:
                    place, unit = waiting.popleft()
                    running[pool.submit(work, unit, how)] = place
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        finally:
            pool.shutdown(cancel_futures=True)
