"""Codec `features`: activations of a layer of a network in steps of each channel; without steps, codec `arrays`.

    features / steps --round--> numbers --`_kernel`--> chunks of items
    chunks --`_kernel`--> numbers --* steps--> features

Numbers are coded exactly, and what they give is the same on every machine.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lacodec.codecs import registry
from lacodec.codecs.base import Codec
from lacodec.codecs.features._header import Form, form_of
from lacodec.codecs.features._options import Options
from lacodec.codecs.options import unusual
from lacodec.codecs.regions import Layout, Lost, Range
from lacodec.codecs.session import DEFAULT, Session
from lacodec.container.types import CRITICAL, MAX_DECODED, Chunk, ChunkHead, Header, content_hash
from lacodec.errors import BadInput, CorruptFile
from lacodec.io.threads import ordered_map
from lacodec.media.features.files import FEATURES
from lacodec.media.features.value import Features

if TYPE_CHECKING:
    import numpy as np

_NUMBERS = 1 << 22  # in a chunk


class FeaturesCodec(Codec[Features]):
    """Features with loss, by a step for each channel."""

    name = "features"
    stream_version = 0
    identical = "none"
    media = FEATURES
    sample_options: ClassVar[Mapping[str, Any]] = {"step": 0.25}
    Options = Options

    @classmethod
    def suiting(cls, options: Any) -> Codec[Any]:
        """Without steps, codec `arrays`, which is lossless."""
        if options.lossy:
            return cls(options)
        lossless = registry.get("arrays")
        return lossless(lossless.Options(effort=options.effort, chunk=options.chunk))

    @classmethod
    def samples(cls) -> list[Any]:
        """Smooth features, with numbers near 0 and far from it."""
        import numpy as np

        rng = np.random.default_rng(1)
        values = rng.normal(size=(2, 6, 12, 12)).cumsum(axis=2) * np.array([8, 4, 2, 1, 0.3, 0.1])[:, None, None]
        return [values.astype(np.float32)]

    @classmethod
    def samples_at(cls, effort: int) -> list[Any]:
        """At one effort, which is for lossless coding; that is by codec `arrays`."""
        return cls.samples() if effort == 1 else []

    def options_dict(self) -> dict[str, Any]:
        """Those that differ from the defaults; steps are in the metadata."""
        return unusual(self.options, ("step", "relative", "steps", "layout", "effort"))

    def metadata(self, value: Features, session: Session = DEFAULT) -> dict[str, Any]:
        """Axes, type, layout, steps."""
        return self._form(value, session).plain()

    @staticmethod
    def describe(header: Header, index: Sequence[ChunkHead]) -> dict[str, Any]:
        """The metadata as `lacodec info` shows it."""
        try:
            form = form_of(header)
        except CorruptFile:  # decoding will report it
            return header.metadata
        steps = [float(step) for step in form.steps]
        return {
            "shape": list(form.shape),
            "dtype": form.dtype,
            "layout": form.layout,
            "steps": steps if len(steps) > 1 else steps[0],
        }

    def content_size(self, value: Features) -> int | None:
        """Bytes of the features."""
        return int(value.values.nbytes)

    def memory(self, size: int, payload: bytes | None = None) -> int:
        """Numbers and values of a chunk, some in double precision; what the coder knows of each channel."""
        return 24 * size + (64 << 20)

    def encode(self, value: Features, session: Session = DEFAULT) -> Iterator[Chunk]:
        """Chunks of items."""
        from lacodec.codecs.features._payload import encode_numbers, numbers_of

        form = self._form(value, session)
        step = self._items(form)

        def chunk(start: int) -> Chunk:
            stop = min(start + step, form.items)
            numbers = numbers_of(value.values[start:stop] if len(form.shape) == 4 else value.values, form)
            content = content_hash(numbers.astype("<i4").tobytes())
            return Chunk(CRITICAL, ((start, stop),), encode_numbers(numbers), content, (stop - start) * form.size)

        return ordered_map(chunk, range(0, form.items, step), session.threads)

    def decode_chunk(
        self, header: Header, chunk: Chunk, shared: Sequence[Chunk] = (), session: Session = DEFAULT
    ) -> "np.ndarray":
        """Its items; the numbers are checked against the hash."""
        from lacodec.codecs.features._payload import decode_numbers, values_of

        form = form_of(header)
        if len(chunk.covers) != 1:
            raise CorruptFile("it needs one range of items")
        start, stop = chunk.covers[0]
        if not 0 <= start < stop <= form.items or (stop - start) * form.size != chunk.decoded_size:
            raise CorruptFile("its decoded size contradicts the items that it covers")
        height, width = form.item[1:] if form.layout == "CHW" else form.item[:2]
        numbers = decode_numbers(chunk.payload, (stop - start, form.channels, height, width))
        if content_hash(numbers.astype("<i4").tobytes()) != chunk.content_hash:
            raise CorruptFile("its numbers differ from those that were encoded")
        return values_of(numbers, form)

    def assemble(self, header: Header, parts: "Iterator[np.ndarray | Lost]", session: Session = DEFAULT) -> Features:
        """The features; zeros stand for lost ones."""
        import numpy as np

        form = form_of(header)
        found = [np.empty((0, *form.item), form.dtype)]
        for part in parts:
            if isinstance(part, Lost):
                count = len(part.zeros("u1"))
                form.require(count * form.size)
                part = np.zeros((count, *form.item), form.dtype)
            found.append(part)
        items = np.concatenate(found)
        if len(form.shape) == 4:
            return Features(items, header.format or "npy")
        if len(items) != 1:
            raise CorruptFile("it does not hold the one item that its header has")
        return Features(items[0], header.format or "npy")

    def layout(self, header: Header, index: Sequence[ChunkHead], part: Callable[[int], Any]) -> Layout | None:
        """One array, if it has an axis for items."""
        form = form_of(header)
        return Layout(form.shape, form.dtype) if len(form.shape) == 4 else None

    def select(self, header: Header, index: Sequence[ChunkHead], key: Any) -> list[int]:
        """Chunks that hold these items."""
        return self._range(header, key).chunks(index)

    def extract(
        self, header: Header, index: Sequence[ChunkHead], key: Any, parts: Sequence[Any], session: Session = DEFAULT
    ) -> Any:
        """These items."""
        import numpy as np

        form = form_of(header)
        return np.concatenate([np.empty((0, *form.item), form.dtype), *self._range(header, key).pieces(index, parts)])

    def embed(self, content: Any, session: Session = DEFAULT) -> bytes:
        """The payload of whole numbers i32[items, channels, rows, columns], for other codecs."""
        from lacodec.codecs.features._payload import encode_numbers

        return encode_numbers(content)

    def unembed(self, payload: bytes, expected: Any, header: Header, session: Session = DEFAULT) -> Any:
        """The numbers; `expected`: their shape."""
        from lacodec.codecs.features._payload import decode_numbers

        return decode_numbers(payload, expected)

    def _range(self, header: Header, key: Any) -> Range:
        form = form_of(header)
        if len(form.shape) != 4:
            raise BadInput("these features are one item; decode the whole file")
        return Range.of(key, form.items, "features")

    def _items(self, form: Form) -> int:
        """In a chunk."""
        return max(1, min(self.options.chunk or max(1, _NUMBERS * int(form.dtype[2]) // form.size), MAX_DECODED // form.size))

    def _form(self, value: Features, session: Session) -> Form:
        """Steps by standard deviations are found once in a session."""
        from lacodec.codecs.features._payload import form_for

        def made() -> tuple[Form, Features]:
            return form_for(value, self.options), value

        return session.once((Form, id(value)), made)[0]
