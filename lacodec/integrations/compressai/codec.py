"""Image models of CompressAI in `.lac` files: their networks, our container, coder and checks.

    data = encode(model, pixels)        pixels = decode(model, data)

    pixels --model.compress--> symbols, table numbers --tables of the model's update(), rANS--> one stream for all of them

`model` is any of theirs whose `compress` hands whole tensors to the entropy coder: factorized prior, scale and mean-scale
hyperprior, checkerboard, channel groups. Those that call the coder for every single position (mbt2018, cheng2020-anchor and
others with raster scans) are refused.

Such a file is bound to a machine: the networks that choose tables compute in floating point, and where one number comes out
otherwise, what follows cannot be read. So the file says where it was written, each step's table numbers have a digest, and a
machine that chooses others gets an UnsupportedFile instead of a wrong picture. `image.learned` has no such limits.

Payload: u16 steps; for each step u64 xxh3-64 of its table numbers (i32); one rANS stream of width 64. Content: all symbols, i32.
"""

import hashlib
import io
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lacodec.container import CRITICAL, Chunk, Header, Limits, stream, write_container
from lacodec.container.types import MAX_DECODED, content_hash
from lacodec.errors import BadInput, CorruptFile, LacodecError, MissingModel, UnsupportedFile
from lacodec.integrations.compressai._steps import TOKEN, Coder, Decoding, Encoding
from lacodec.integrations.torch.files import require_torch
from lacodec.io.source import BytesSource

NAME = "image.compressai"
STREAM_VERSION = 0
_WIDEST = 4096  # channels that a shape in a file may speak of
_MOST_STEPS = 1024
_swapping = threading.Lock()

Model = Any  # compressai.models.CompressionModel


def encode(model: Model, pixels: np.ndarray, *, verify: bool = True) -> bytes:
    """A `.lac` file of uint8[height, width, 3]; `model` is updated (`model.update()`), on any device.

    verify: decode it again before it is given out. Raises BadInput for other pixels and for models that cannot be used.
    """
    require_torch()
    pixels = np.asarray(pixels)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not 0 < pixels.size <= MAX_DECODED:
        raise BadInput(
            f"pixels are {pixels.dtype}{list(pixels.shape)}; give uint8[height, width, 3], at most {MAX_DECODED} bytes"
        )
    job = Encoding()
    with _coding(model, job):
        found = model.compress(_batch(model, pixels))
    metadata = {
        "model": type(model).__name__,
        "machine_bound": _machine(model),
        "order": _order(found["strings"], len(job.symbols)),
        "latents": _plain(found["shape"]),
    }
    header = Header(NAME, STREAM_VERSION, {}, identical="none", metadata=metadata, model_id=model_id(model))
    height, width, _ = pixels.shape
    chunk = Chunk(CRITICAL, ((0, height), (0, width)), job.payload(), content_hash(job.content()), pixels.size)
    if verify:
        try:
            _decode(model, header, chunk)
        except LacodecError as error:
            raise LacodecError(f"verification failed: this model does not decode what it encodes ({error})") from error
    out = io.BytesIO()
    write_container(header, [chunk], out)
    return out.getvalue()


def decode(model: Model, data: bytes, *, max_size: int | None = 1 << 30) -> np.ndarray:
    """The picture, uint8[height, width, 3], by the same model on the same kind of machine.

    Raises MissingModel for another model, UnsupportedFile for a machine that computes otherwise, CorruptFile for damage.
    """
    require_torch()
    header, chunks = stream(BytesSource(data), Limits(max_size))
    if header.codec != NAME or header.stream_version != STREAM_VERSION:
        raise UnsupportedFile(
            f"is stream version {header.stream_version} of codec {header.codec!r}, not {STREAM_VERSION} of {NAME!r}; "
            "lacodec.decode reads other codecs"
        )
    found = list(chunks)
    if len(found) != 1:
        raise CorruptFile(f"a file of {NAME} must have one chunk, but this one has {len(found)}")
    if header.model_id != (mine := model_id(model)):
        raise MissingModel(
            f"was encoded with another model ({header.metadata.get('model')}, {(header.model_id or b'').hex()[:16]}) than "
            f"the given {type(model).__name__} ({mine.hex()[:16]}); give the one with the same weights and tables (update())"
        )
    return _decode(model, header, found[0])


def model_id(model: Model) -> bytes:
    """SHA-256 of names, dtypes, shapes and values of the model's state, which includes the tables of its `update()`."""
    torch, digest = require_torch(), hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        tensor = value.detach().cpu().contiguous()
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.digest()


@contextmanager
def _coding(model: Model, job: Encoding | Decoding) -> Iterator[None]:
    """The model codes through `job`, without gradients and in full precision."""
    from lacodec.models.exact import exactly

    modules = list(model.modules())
    if any(hasattr(m, "_compress_ar") or type(m).__name__ == "RasterScanLatentCodec" for m in modules):
        raise BadInput(f"{type(model).__name__} codes position by position; only models that code whole tensors can be used")
    owners = [module for module in modules if hasattr(module, "entropy_coder") and hasattr(module, "quantized_cdf")]
    if not owners:
        raise BadInput(f"a {type(model).__name__} is not a CompressAI model: it has no entropy models")
    if not all(owner.quantized_cdf.numel() for owner in owners):
        raise BadInput("the model has no tables yet; call model.update() first")
    with _swapping:
        before = [owner.entropy_coder for owner in owners]
        try:
            for owner in owners:
                owner.entropy_coder = Coder(owner, job)
            with exactly(next(model.parameters()).device):
                yield
        finally:
            for owner, coder in zip(owners, before, strict=True):
                owner.entropy_coder = coder


def _decode(model: Model, header: Header, chunk: Chunk) -> np.ndarray:
    if chunk.kind != CRITICAL or len(chunk.covers) != 2 or any(start for start, _ in chunk.covers):
        raise CorruptFile("its chunk is not a picture")
    (_, height), (_, width) = chunk.covers
    if not 0 < height * width * 3 == chunk.decoded_size:
        raise CorruptFile("its decoded size contradicts its shape")
    strings = [[TOKEN.pack(number)] for number in _checked_order(header.metadata.get("order"))]
    limits = tuple(-(-side // _step(model)) * _step(model) // 4 for side in (height, width))
    shape = _checked_shape(header.metadata.get("latents"), limits)
    job = Decoding(chunk.payload, str(header.metadata.get("machine_bound")))
    try:
        with _coding(model, job):
            picture = model.decompress(strings, shape)["x_hat"]
            pixels: np.ndarray = (picture[0] * 255 + 0.5).clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
    except LacodecError:
        raise
    except Exception as error:  # their models are not made for forged shapes
        raise CorruptFile(f"its latents do not fit the model ({' '.join(str(error).split())[:200]})") from error
    if content_hash(job.content()) != chunk.content_hash or pixels.shape[0] < height or pixels.shape[1] < width:
        raise CorruptFile("its picture differs from the one that was encoded")
    return np.ascontiguousarray(pixels[:height, :width])


def _batch(model: Model, pixels: np.ndarray) -> Any:
    """float32[1, 3, rows, columns] from 0 to 1, sides as the model needs them."""
    torch, step = require_torch(), _step(model)
    padded = np.pad(pixels, ((0, -pixels.shape[0] % step), (0, -pixels.shape[1] % step), (0, 0)), "edge")
    return torch.from_numpy(padded).permute(2, 0, 1)[None].to(next(model.parameters()).device).float() / 255


def _step(model: Model) -> int:
    return int(getattr(model, "downsampling_factor", 64))


def _machine(model: Model) -> str:
    """Where a file is written, as far as it may matter."""
    torch, device = require_torch(), next(model.parameters()).device
    processor = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    return f"torch {torch.__version__}, {platform.machine()}, {processor}, {torch.get_num_threads()} threads"


def _order(strings: Any, count: int) -> list[int]:
    """The step that each of the model's strings is."""
    tokens = [token for batch in strings for token in batch]
    if not all(isinstance(token, bytes) and len(token) == TOKEN.size for token in tokens):
        raise BadInput("the model has an entropy coder of its own; only those of CompressAI's entropy models can be replaced")
    order = [TOKEN.unpack(token)[0] for token in tokens]
    if sorted(order) != list(range(count)) or len(strings) != count:
        raise BadInput("the model does not return every string that it codes, so it cannot be used")
    return order


def _plain(shape: Any) -> Any:
    if isinstance(shape, dict):
        return {str(key): _plain(value) for key, value in shape.items()}
    return [_plain(value) for value in shape] if isinstance(shape, list | tuple) else int(shape)


def _checked_order(order: Any) -> list[int]:
    if not isinstance(order, list) or not all(isinstance(n, int) and 0 <= n < _MOST_STEPS for n in order):
        raise CorruptFile("the header lacks the order of the strings")
    return order


def _checked_shape(shape: Any, limits: tuple[int, ...]) -> Any:
    """Of the latents, as the model gave it: numbers end in rows and columns, which are far fewer than the picture's."""
    if isinstance(shape, dict):
        return {key: _checked_shape(value, limits) for key, value in shape.items()}
    if not isinstance(shape, list) or len(shape) > _MOST_STEPS:
        raise CorruptFile("the header lacks the shape of the latents")
    if all(isinstance(n, list | dict) for n in shape):
        return [_checked_shape(value, limits) for value in shape]
    most = (_WIDEST, *limits)[-len(shape) :]
    if len(most) < len(shape) or not all(isinstance(n, int) and 0 <= n <= top for n, top in zip(shape, most, strict=True)):
        raise CorruptFile("the header gives an impossible shape for the latents")
    return tuple(shape)
