"""Which file goes where: (inputs, -o) -> jobs. Folders become mirrored folders; "-" is a pipe."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lacodec.errors import BadInput, LacodecError

PIPE = "-"
SUFFIX = ".lac"


class UsageError(LacodecError):
    """Arguments that do not go together; exit code 2."""


@dataclass(frozen=True)
class Job:
    """One file to read and one to write, either of which may be PIPE."""

    source: str
    target: str


@dataclass(frozen=True)
class Plan:
    """What one command line asks for. `folders` are output folders without any file in them, to be mirrored too."""

    jobs: list[Job]
    folders: list[Path]


def encoded_name(name: str) -> str:
    """photo.png -> photo.png.lac"""
    return name + SUFFIX


def decoded_name(name: str) -> str:
    """photo.png.lac -> photo.png; a name without the suffix gets another one."""
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) and name != SUFFIX else name + ".decoded"


def make_plan(inputs: list[str], output: str | None, rename: Callable[[str], str]) -> Plan:
    """Pair every input file with its output file; raises UsageError or BadInput before anything is written."""
    folders_in = [name for name in inputs if name != PIPE and os.path.isdir(name)]
    if PIPE in inputs and len(inputs) > 1:
        raise UsageError("- (standard input) cannot be combined with other inputs")
    if output == PIPE and (len(inputs) > 1 or folders_in):
        raise UsageError("-o - writes one file to standard output; give one file, or a folder to write to")
    for name in inputs:
        if name != PIPE and not os.path.exists(name):
            raise BadInput(f"{name}: no such file or folder")
    if inputs == [PIPE]:
        return Plan([Job(PIPE, PIPE if output is None else output)], [])
    into_folder = output is not None and output != PIPE and (output.endswith(os.sep) or os.path.isdir(output) or len(inputs) > 1)
    if output not in (None, PIPE) and (into_folder or folders_in) and os.path.isfile(str(output)):
        raise BadInput(f"{output}: is a file; -o must name a folder for several inputs or a folder")
    jobs, empty = [], []
    for name in inputs:
        if name in folders_in:
            base = Path(os.path.abspath(name))
            if output is None and not base.name:
                raise UsageError(f"{name}: say with -o where the encoded folder shall be")
            if output is None:
                root = base.with_name(rename(base.name))
            else:
                root = Path(output) / base.name if len(inputs) > 1 else Path(output)
            found, without_files = _mirror(Path(name), root, rename)
            jobs += found
            empty += without_files
        elif output is None:
            jobs.append(Job(name, str(Path(name).with_name(rename(Path(name).name)))))
        else:
            jobs.append(Job(name, str(Path(output) / rename(Path(name).name)) if into_folder else output))
    _check_distinct(jobs)
    return Plan(jobs, empty)


def without(plan: Plan, named: list[str], skip: Callable[[str], bool]) -> Plan:
    """The plan less those files of folders that `skip` is true for; files that were named themselves stay.

    One that cannot be opened stays too: its own turn will tell.
    """

    def stays(job: Job) -> bool:
        try:
            return job.source in named or not skip(job.source)
        except OSError:
            return True

    return replace(plan, jobs=[job for job in plan.jobs if stays(job)])


def walk_files(folder: Path) -> Iterator[Path]:
    """All regular files under `folder` (links to files included, links to folders not followed), sorted."""
    for parent, folders, files in os.walk(folder, onerror=_unreadable):
        folders.sort()
        yield from (Path(parent) / name for name in sorted(files) if (Path(parent) / name).is_file())


@contextmanager
def parents_of(target: str) -> Iterator[None]:
    """Make the folders that `target` needs; take them away again when what happens inside fails."""
    made: list[Path] = []
    missing = [] if target == PIPE else [folder for folder in Path(os.path.abspath(target)).parents if not folder.exists()]
    try:
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            made.append(folder)
        yield
    except BaseException:
        for folder in reversed(made):
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def _mirror(source: Path, root: Path, rename: Callable[[str], str]) -> tuple[list[Job], list[Path]]:
    jobs = []
    for path in walk_files(source):
        relative = path.relative_to(source)
        jobs.append(Job(str(path), str(root / relative.with_name(rename(relative.name)))))
    used = {parent for job in jobs for parent in Path(job.target).parents}
    mirrored = [root / Path(parent).relative_to(source) for parent, _, _ in os.walk(source)]
    return jobs, [folder for folder in mirrored if folder not in used]


def _check_distinct(jobs: list[Job]) -> None:
    seen: dict[str, str] = {}
    for job in jobs:
        if job.target in seen:
            raise UsageError(f"{seen[job.target]} and {job.source} would both be written to {job.target}")
        seen[job.target] = job.source


def _unreadable(error: OSError) -> None:
    raise BadInput(f"{error.filename}: cannot be listed ({error.strerror})") from error
