"""The other process of jpeg.py. For each line of standard input, {"encoded": [...], "originals": [...]}, it decodes the files on
one thread, compares the bytes, and answers {"wrong": names of files, "decode_s": processor time of decoding file to file}."""

import json
import resource
import sys
import time
from pathlib import Path

import lacodec


def processor_s() -> float:
    """Seconds that this process and its children have computed."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        wrong, took = [], 0.0
        lacodec.decode(asked["encoded"][0], threads=1)  # kernels are loaded
        for encoded, original in zip(asked["encoded"], asked["originals"], strict=True):
            target = f"{encoded}.jpg"
            start = processor_s()
            lacodec.decode_file(encoded, target, threads=1, force=True)
            took += processor_s() - start
            if Path(target).read_bytes() != Path(original).read_bytes():
                wrong.append(Path(original).name)
        print(json.dumps({"wrong": wrong, "decode_s": took}), flush=True)


if __name__ == "__main__":
    main()
