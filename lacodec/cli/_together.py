"""Several small files at a time, in threads: each begins before its turn, and what is printed about it waits for its turn."""

import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from lacodec.cli._files import PIPE, Job
from lacodec.cli._report import Line, kept_lines, print_lines

SMALL = 4 << 20
"""Bytes up to which a file is coded by one thread beside others; larger ones have all threads for themselves."""

Work = Callable[[Job], bool]
_Outcome = tuple[list[Line], bool | Exception]


def in_order(jobs: Sequence[Job], threads: int, alone: Work, beside: Work) -> Iterator[tuple[Job, Callable[[], bool]]]:
    """For each job, in order, what gives its result or raises its error, and prints its lines.

    alone: does a job now. beside: does a small one in a thread.
    """
    if threads == 1 or not _independent(jobs):
        yield from ((job, partial(alone, job)) for job in jobs)
        return
    pool, begun = ThreadPoolExecutor(threads), deque[tuple[Job, Future[_Outcome]]]()
    try:
        for job in jobs:
            small = _is_small(job)
            while begun and (not small or len(begun) >= 2 * threads):
                yield _next(begun)
            if small:
                begun.append((job, pool.submit(_quietly, beside, job)))
            else:
                yield job, partial(alone, job)
        while begun:
            yield _next(begun)
    finally:
        pool.shutdown(cancel_futures=True)


def _independent(jobs: Sequence[Job]) -> bool:
    """Whether no job reads or writes what another one writes."""
    targets = {os.path.realpath(job.target) for job in jobs}
    return len(jobs) > 1 and len(targets) == len(jobs) and targets.isdisjoint(os.path.realpath(job.source) for job in jobs)


def _is_small(job: Job) -> bool:
    """A small regular file, with a folder for its target: making and removing folders is for one at a time."""
    if PIPE in (job.source, job.target):
        return False
    try:
        facts = os.stat(job.source)
    except OSError:
        return False
    return stat.S_ISREG(facts.st_mode) and facts.st_size <= SMALL and Path(job.target).parent.is_dir()


def _quietly(work: Work, job: Job) -> _Outcome:
    with kept_lines() as lines:
        try:
            return lines, work(job)
        except Exception as error:
            return lines, error


def _next(begun: deque[tuple[Job, "Future[_Outcome]"]]) -> tuple[Job, Callable[[], bool]]:
    job, future = begun.popleft()
    return job, partial(_result, future)


def _result(future: "Future[_Outcome]") -> bool:
    lines, outcome = future.result()
    print_lines(lines)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
