"""Units on a Ray cluster: one actor for each worker, which keeps `how`; units go there, and results come back.

    driver --unit--> actor --work(unit, how)--> outputs, written where the actor runs; result --> driver

Units name files and ranges, so a node reads and writes the data itself. For an actor that dies
another one is started, where there is a node, and does its units again; outputs appear whole, so that half of one is never seen.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from lacodec.errors import LacodecError, MissingDependency

U = TypeVar("U")
H = TypeVar("H")
R = TypeVar("R")

_AHEAD = 2  # units at an actor: one in work, one that waits
_RETRIES = 3  # of a unit whose worker dies: it may be the reason


class _Worker:
    """The actor."""

    def __init__(self, work: Callable[[U, H], R], how: H) -> None:
        self._work: Callable[[Any, Any], Any] = work
        self._how = how

    def done(self, unit: Any) -> Any:
        """What the work makes of a unit."""
        return self._work(unit, self._how)


def on_ray(work: Callable[[U, H], R], units: Sequence[U], how: H, workers: int | None) -> Iterator[tuple[int, R]]:
    """Results of all units with their places, as they become ready. See `lacodec.datasets.engines.results`.

    Uses the cluster that this process is connected to, or that RAY_ADDRESS or a running one on this machine offers, or starts
    one here for the time of the call.
    """
    ray = _require_ray()
    begun = not ray.is_initialized()
    if begun:
        ray.init(log_to_driver=False, logging_level="warning")
    try:
        count = min(len(units), workers or max(1, int(ray.cluster_resources().get("CPU", 1))))
        shared, places = ray.put(how), _places(ray, count)

        def start() -> Any:
            # No CPU is reserved while actors run: those of a node that is lost must find a place on the others.
            kind = ray.remote(scheduling_strategy=places.pop() if places else "SPREAD")(_Worker)
            return kind.remote(work, shared)

        yield from _all(ray, start, count, units)
    finally:
        if begun:
            ray.shutdown()


def _all(ray: Any, start: Callable[[], Any], count: int, units: Sequence[U]) -> Iterator[tuple[int, Any]]:
    """start: makes an actor. Ray's own retries would be used up before it notices that a node is gone, so they are made here."""
    actors = [start() for _ in range(count)]
    waiting = deque((place, 0) for place in range(len(units)))
    running: dict[Any, tuple[int, int, Any]] = {}
    try:
        while waiting or running:
            for actor in actors * _AHEAD:
                if waiting and sum(other is actor for _, _, other in running.values()) < _AHEAD:
                    place, failed = waiting.popleft()
                    running[actor.done.remote(units[place])] = place, failed, actor
            (reference,), _ = ray.wait(list(running), num_returns=1)
            place, failed, actor = running.pop(reference)
            try:
                result = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error
            except ray.exceptions.RayActorError as error:
                if failed == _RETRIES:
                    raise LacodecError(f"workers were lost {failed + 1} times in the same work; the last one: {error}") from error
                waiting.appendleft((place, failed + 1))
                actors = [start() if other is actor else other for other in actors]
                continue
            yield place, result
    finally:
        for actor in actors:
            ray.kill(actor)


def _places(ray: Any, count: int) -> list[Any]:
    """Where so many actors should run: on each node in proportion to its cores. Ray's "SPREAD" may put all on one."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [(node["NodeID"], int(node["Resources"].get("CPU", 0))) for node in ray.nodes() if node["Alive"]]
    cores = [name for name, number in nodes for _ in range(number)]
    chosen = [
        cores[i * len(cores) // count] if count < len(cores) else cores[i % len(cores)] for i in range(count if cores else 0)
    ]
    return [NodeAffinitySchedulingStrategy(name, soft=True) for name in chosen]


def _require_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingDependency("the engine ray needs Ray; install it with: pip install 'lacodec[ray]'") from error
    return ray
