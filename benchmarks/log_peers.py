"""Log tools that logs.py compares with; each says how many bytes it makes of a log, and in how many seconds of processor time."""

import json
import lzma
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

DRAIN_MOST = 6 << 20
"""Bytes of a log that drain3, which takes minutes for more, is given."""


def clp(data: bytes) -> tuple[int, float] | None:
    """`clp-s` of yscope-clp-core, level 19: it takes JSON only, so each line is the one value of an object."""
    program = shutil.which("clp-s")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        lines = data.decode("latin-1").split("\n")
        source = Path(folder, "log.jsonl")
        source.write_text("".join(json.dumps({"m": line}) + "\n" for line in lines))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [program, "c", "--compression-level", "19", "--single-file-archive", f"{folder}/archive", str(source)]
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        size = sum(path.stat().st_size for path in Path(folder, "archive").rglob("*") if path.is_file())
        return size, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def drain(data: bytes) -> tuple[int, float] | None:
    """Templates of drain3, the values of each slot together, all by xz -9e: how most papers' compressors are built."""
    try:
        from drain3 import TemplateMiner
    except ImportError:
        return None
    if len(data) > DRAIN_MOST:
        return None
    begin, miner = time.process_time(), TemplateMiner()
    ids, columns = [], {}
    for line in data.decode("latin-1").split("\n"):
        values = re.findall(r"\S*\d\S*", line)
        found = miner.add_log_message(re.sub(r"\S*\d\S*", "<*>", line))
        ids.append(found["cluster_id"])
        cluster = miner.drain.id_to_cluster[found["cluster_id"]]
        others = [
            word
            for word, static in zip(line.split(), cluster.log_template_tokens, strict=False)
            if static == "<*>" and not re.search(r"\d", word)
        ]
        for slot, value in enumerate((*values, *others)):
            columns.setdefault((found["cluster_id"], slot), []).append(value)
    texts = ["\n".join(map(str, ids)), "\n".join(cluster.get_template() for cluster in miner.drain.clusters)]
    texts += ["\n".join(values) for values in columns.values()]
    size = len(lzma.compress("\0".join(texts).encode("latin-1", "replace"), preset=9 | lzma.PRESET_EXTREME))
    return size, time.process_time() - begin


LOG_TOOLS: dict[str, Callable[[bytes], tuple[int, float] | None]] = {"clp-s": clp, "drain3 + xz": drain}
"""By name; None where a tool is not installed, or takes no log of that size."""
