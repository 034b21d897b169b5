"""Many items at once: `encode_dataset`, `decode_dataset` and, to read single items, `CodedDataset`.

folder | tar shards | column of tables --> items --codec--> the same, or shards with an index; manifest.jsonl
"""

from lacodec.datasets.decoding import decode_dataset
from lacodec.datasets.encoding import encode_dataset
from lacodec.datasets.opened import CodedDataset
from lacodec.datasets.outcome import Outcome

__all__ = ["CodedDataset", "Outcome", "decode_dataset", "encode_dataset"]
