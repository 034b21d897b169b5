"""Mutates valid `.lac` files and decodes them: only LacodecErrors may come out, in bounded time and memory.

    python benchmarks/fuzz.py [-n 100000] [--seed 1] [--codecs bytes,image.lossless] [--efforts 1,5] [--save DIR]

At least half of the files have every checksum and hash made right again after the mutation, so that forged headers, tables and
payloads reach the decoders. Each worker process handles one batch under RLIMIT_AS; input that kills or stops it is a failure,
found by its number and saved.
"""

import argparse
import io
import json
import multiprocessing
import resource
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.mutations import CODECS, LEARNED, Corpus, mutant
from lacodec import api
from lacodec.container import Limits, Reader, salvage
from lacodec.errors import LacodecError
from lacodec.io.source import BytesSource

MEMORY = 6 << 30  # address space of a worker: numba and its LLVM take most of it
GROWTH = 512 << 20  # resident bytes that a whole batch may add
SECONDS = 10.0  # of processor time for one file
PATIENCE = 180.0  # seconds by the clock: a worker that waits for ever takes no processor time
MAX_SIZE = 4 << 20  # the decoder's own limit, so that an honest 64 MiB chunk does not pass for a hang
BATCH = 500


def check(data: bytes) -> tuple[str, bytes | None]:
    """Read one file in every way; (name of the outcome, content if it decodes). Anything but a LacodecError propagates."""

    def opened() -> None:
        with api.open(data, max_size=MAX_SIZE) as file:
            file["layers.0.w" if file.header.codec == "weights" else slice(3, 50)]
            if file.header.codec == "image.jpeg":
                file[3:50, 2:40]

    outcomes, content = [], None
    for read in (
        lambda: _file_of(data),
        opened,
        lambda: list(salvage(BytesSource(data), Limits(MAX_SIZE))[1]),
        lambda: Reader(BytesSource(data), Limits(MAX_SIZE), partial=True),
    ):
        try:
            found = read()
            content = found if not outcomes else content
            outcomes.append("decoded")
        except LacodecError as error:
            if "\n" in str(error):
                raise ValueError(f"a message of several lines: {error}") from error
            outcomes.append(type(error).__name__)
    return outcomes[0], content


def _file_of(data: bytes) -> bytes:
    """The file that `data` decodes to, as `lacodec decode` would write it."""
    out = io.BytesIO()
    api.decode_file(BytesSource(data), out, max_size=MAX_SIZE)
    return out.getvalue()


def run_batch(corpus: Corpus, seed: int, numbers: range, connection: "multiprocessing.connection.Connection") -> None:
    """In a worker: check the mutants `numbers`, sending (number, outcome, seconds, repaired) for each."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGPROF, _too_slow)
    contents = {check(data)[1] for data in corpus.originals()}  # compiles what has to be compiled, too
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in numbers:
        data, repaired = mutant(corpus, seed, number)
        connection.send((number, "started", 0.0, repaired))
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            outcome, content = check(data)
            if content is not None and not repaired and not _is_right(data, content, contents):
                outcome = "FAILURE silent damage: decodes to something else"
        except BaseException as error:
            outcome = f"FAILURE {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        signal.setitimer(signal.ITIMER_PROF, 0)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
        if grown > GROWTH:
            outcome, before = f"FAILURE memory grew by {grown >> 20} MiB", before + (grown >> 10)
        connection.send((number, outcome, time.process_time() - start, repaired))
    connection.send(None)


def fuzz(corpus: Corpus, seed: int, numbers: range, save: Path | None = None) -> tuple[Counter[str], Counter[str], float]:
    """(outcomes, kinds of mutant, longest processor time of one file) for the mutants `numbers`; failures are saved."""
    outcomes: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    longest, position = 0.0, numbers.start
    context = multiprocessing.get_context("fork")  # the kernels are compiled already when the corpus has been made
    while position < numbers.stop:
        batch = range(position, min(position + BATCH, numbers.stop))
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(target=run_batch, args=(corpus, seed, batch, theirs))
        worker.start()
        theirs.close()
        current: int | None = None
        while position < batch.stop:
            message = _receive(ours, PATIENCE if current is not None else 300)
            if message is None:  # the worker died or hangs in compiled code
                worker.kill()
                worker.join()
                number = current if current is not None else position
                outcome = f"FAILURE worker ended with {worker.exitcode}"
                outcomes[outcome] += 1
                _report(corpus, seed, number, outcome, save)
                position = number + 1
                break
            number, outcome, seconds, repaired = message
            if outcome == "started":
                current = number
                continue
            current, position = None, number + 1
            longest = max(longest, seconds)
            outcomes[outcome] += 1
            kinds["repaired" if repaired else "plain"] += 1
            if outcome.startswith("FAILURE"):
                _report(corpus, seed, number, outcome, save)
        worker.join(30)
        ours.close()
    return outcomes, kinds, longest


def main() -> int:
    """Run, print a table and a JSON line; exit code 1 when anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=100_000, help="files to try (default 100000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant, to repeat one")
    parser.add_argument(
        "--efforts", type=lambda text: [int(e) for e in text.split(",")], help="efforts of the codecs, e.g. 1,2,5"
    )
    parser.add_argument(
        "--codecs",
        type=lambda text: text.split(","),
        default=CODECS,
        help=f"of {','.join(CODECS + LEARNED)}; default those without torch",
    )
    parser.add_argument("--save", type=Path, default=Path("fuzz-failures"), help="folder for files that fail")
    args = parser.parse_args()
    start = time.perf_counter()
    corpus = Corpus.make(args.efforts, args.codecs)
    outcomes, kinds, longest = fuzz(corpus, args.seed, range(args.first, args.first + args.n), args.save)
    seconds = time.perf_counter() - start
    print(f"{sum(outcomes.values())} files in {seconds:.0f} s from {len(corpus.files)} originals; slowest {longest:.2f} s")
    for kind, count in kinds.most_common():
        print(f"  {kind:40} {count:8}")
    for outcome, count in outcomes.most_common():
        print(f"  {outcome:40} {count:8}")
    failed = sum(count for outcome, count in outcomes.items() if outcome.startswith("FAILURE"))
    print(json.dumps({"files": sum(outcomes.values()), "failures": failed, **kinds, "outcomes": outcomes, "seconds": seconds}))
    return 1 if failed else 0


def _is_right(data: bytes, content: bytes, contents: set[bytes | None]) -> bool:
    """Whether the file `data` decodes to what a valid one does, or, being a sequence of tokens, to its first ones."""
    if content in contents:
        return True
    found = _sequence_in(content) if b"image.tokens" in data else None
    wholes = (_sequence_in(whole) for whole in contents if whole is not None)
    return found is not None and any(whole is not None and np.array_equal(found, whole[: len(found)]) for whole in wholes)


def _sequence_in(content: bytes) -> np.ndarray | None:
    """The array with one axis in an .npy file; None for all other content."""
    if not content.startswith(b"\x93NUMPY"):
        return None
    found: np.ndarray = np.load(io.BytesIO(content), allow_pickle=False)
    return found if found.ndim == 1 and len(found) else None


def _too_slow(*_: object) -> None:
    raise TimeoutError(f"more than {SECONDS} s of processor time")


def _receive(connection: "multiprocessing.connection.Connection", seconds: float) -> tuple[int, str, float, bool] | None:
    try:
        return connection.recv() if connection.poll(seconds) else None
    except EOFError:
        return None


def _report(corpus: Corpus, seed: int, number: int, outcome: str, save: Path | None) -> None:
    print(f"mutant {number} (seed {seed}): {outcome}", file=sys.stderr, flush=True)
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
        (save / f"seed{seed}-{number}.lac").write_bytes(mutant(corpus, seed, number)[0])


if __name__ == "__main__":
    sys.exit(main())
