"""ONNX models by onnxruntime, on one thread: (a file, inputs by name) -> outputs."""

import importlib.util
from pathlib import Path
from typing import Any

from lacodec.evaluation.perception.task import missing


def package_folder(module: str, what: str, extra: str) -> Path:
    """Where a package lies that carries weights, without importing it; raises MissingDependency, which names `what`."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise missing(what, extra)
    return Path(next(iter(spec.submodule_search_locations)))


def session(path: Path, extra: str) -> Any:
    """A model ready to run; raises MissingDependency without onnxruntime."""
    try:
        import onnxruntime
    except ImportError:
        raise missing("onnxruntime, which runs ONNX models,", extra) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
