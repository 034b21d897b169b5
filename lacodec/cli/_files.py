"""Which file goes where: (inputs, -o) -> jobs. Folders become mirrored folders; "-" is a pipe."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from lacodec.errors import BadInput, LacodecError
from lacodec.io.places import descriptor_named, is_special

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
    """The request of one command line.

    `folders`: mirrored folders -> those that they mirror. `left_out`: a sentence about each thing in folders that is not read.
    """

    jobs: list[Job]
    folders: dict[Path, Path] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def encoded_name(name: str) -> str:
    """photo.png -> photo.png.lac"""
    return name + SUFFIX


def decoded_name(name: str) -> str:
    """photo.png.lac -> photo.png; a name without the suffix gets another one."""
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) and name != SUFFIX else name + ".decoded"


def make_plan(inputs: list[str], output: str | None, rename: Callable[[str], str]) -> Plan:
    """Pair every input file with its output file; raises UsageError or BadInput before anything is written."""
    folders_in = [name for name in inputs if name != PIPE and os.path.isdir(name)]
    if output is not None and descriptor_named(output) == 1:
        output = PIPE  # another name of standard output; messages must not get between the data
    if PIPE in inputs and len(inputs) > 1:
        raise UsageError("- (standard input) cannot be combined with other inputs")
    if output == PIPE and (len(inputs) > 1 or folders_in):
        raise UsageError("-o - writes one file to standard output; give one file, or a folder to write to")
    for name in inputs:
        if name != PIPE and not os.path.exists(name):
            raise BadInput(f"{name}: no such file or folder")
    if inputs == [PIPE]:
        return Plan([Job(PIPE, PIPE if output is None else output)])
    into_folder = output is not None and output != PIPE and (output.endswith(os.sep) or os.path.isdir(output) or len(inputs) > 1)
    if output not in (None, PIPE) and (into_folder or folders_in) and os.path.isfile(str(output)):
        raise BadInput(f"{output}: is a file; -o must name a folder for several inputs or a folder")
    plan = Plan([])
    for name in inputs:
        if name in folders_in:
            base = Path(os.path.abspath(name))
            if output is None and not base.name:
                raise UsageError(f"{name}: give the output folder with -o")
            if output is None:
                root = base.with_name(rename(base.name))
            else:
                root = Path(output) / base.name if len(inputs) > 1 else Path(output)
            _mirror(plan, Path(name), root, rename)
        elif output is None and is_special(name):
            raise UsageError(f"{name}: is not a regular file; give the output with -o")
        elif output is None:
            plan.jobs.append(Job(name, str(Path(name).with_name(rename(Path(name).name)))))
        else:
            plan.jobs.append(Job(name, str(Path(output) / rename(Path(name).name)) if into_folder else output))
    _check_distinct(plan.jobs)
    return plan


def without(plan: Plan, named: list[str], skip: Callable[[str], bool]) -> Plan:
    """The plan less those files of folders that `skip` is true for; files that were named themselves stay.

    One that cannot be opened stays too: its own turn will tell.
    """

    def stays(job: Job) -> bool:
        try:
            return job.source in named or not skip(job.source)
        except (LacodecError, OSError):
            return True

    return replace(plan, jobs=[job for job in plan.jobs if stays(job)])


def walk_files(folder: Path, leave_out: Callable[[str], None]) -> Iterator[Path]:
    """All regular files under `folder` (links to files included), sorted; `leave_out` gets a sentence about all else.

    That is: links to folders, which could lead in circles, folders that cannot be listed, devices, pipes, links to nothing.
    """

    def unreadable(error: OSError) -> None:
        leave_out(f"{error.filename}: cannot be listed ({error.strerror}); left out")

    for parent, folders, files in os.walk(folder, onerror=unreadable):
        folders.sort()
        for name in folders:
            if os.path.islink(os.path.join(parent, name)):
                leave_out(f"{os.path.join(parent, name)}: is a link to a folder; left out")
        for name in sorted(files):
            path = Path(parent) / name
            why = _why_unread(path)
            if why is None:
                yield path
            else:
                leave_out(f"{path}: {why}; left out")


def _why_unread(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return "is a broken link" if path.is_symlink() else f"cannot be read ({error.strerror})"
    return None if stat.S_ISREG(mode) else "is not a regular file"


@contextmanager
def parents_of(target: str) -> Iterator[None]:
    """Make the folders that `target` needs; remove them again if the block fails."""
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


@contextmanager
def mirrored_folders(plan: Plan) -> Iterator[None]:
    """Around the work: new mirrored folders are the user's alone until the end, then as accessible and old as their originals.

    Folders without files are made; those into which nothing could be written go away again.
    """
    new = {folder: source for folder, source in plan.folders.items() if not folder.exists()}
    filled = {parent for job in plan.jobs for parent in Path(job.target).parents}
    for folder in new:
        if folder.parent not in new and folder.parent.exists():
            folder.mkdir(mode=0o700)
    done = False
    try:
        yield
        for folder in plan.folders:
            if folder not in filled:
                folder.mkdir(parents=True, exist_ok=True)
        done = True
    finally:
        for folder, source in sorted(new.items(), reverse=True):  # deeper folders first: making them changed the time
            with suppress(OSError):
                if not any(folder.iterdir()) and not (done and folder not in filled):
                    folder.rmdir()
                    continue
                facts = source.stat()
                folder.chmod(stat.S_IMODE(facts.st_mode) & 0o777)
                os.utime(folder, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _mirror(plan: Plan, source: Path, root: Path, rename: Callable[[str], str]) -> None:
    for path in walk_files(source, plan.left_out.append):
        relative = path.relative_to(source)
        plan.jobs.append(Job(str(path), str(root / relative.with_name(rename(relative.name)))))
    for parent, _, _ in os.walk(source):
        plan.folders[root / Path(parent).relative_to(source)] = Path(parent)


def _check_distinct(jobs: list[Job]) -> None:
    """No output may be written twice or be an input."""
    sources = {os.path.realpath(job.source): job.source for job in jobs}
    seen: dict[str, str] = {}
    for job in jobs:
        if job.target == PIPE or is_special(job.target):
            continue
        place = os.path.realpath(job.target)
        if place in seen:
            raise UsageError(f"{seen[place]} and {job.source} would both be written to {job.target}")
        if sources.get(place, job.source) != job.source:
            raise UsageError(f"{job.target} is an input too, and {job.source} would be written to it")
        seen[place] = job.source
