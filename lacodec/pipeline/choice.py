"""Which codec takes a file, and the value in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from lacodec.codecs import registry
from lacodec.codecs.base import Codec
from lacodec.errors import BadInput, UnsupportedFile
from lacodec.io.remote import is_url
from lacodec.io.source import FileSource, Source
from lacodec.io.streams import seekable
from lacodec.pipeline.blame import blamed

DEFAULT_CODEC = "bytes"


def make_codec(name: str | None, options: Mapping[str, Any]) -> Codec[Any]:
    """The codec `name` (None: `bytes`) with these options; raises BadInput for unknown names and values."""
    codec_class = registry.get(name or DEFAULT_CODEC)
    known = list(codec_class.Options.__dataclass_fields__)
    for option in options:
        if option not in known:
            raise BadInput(f"codec {codec_class.name!r} has no option {option!r}; it has: {', '.join(known) or 'none'}")
    return codec_class.suiting(codec_class.Options(**options))


def default_codec(options: Mapping[str, Any]) -> Codec[Any]:
    """The codec for files that another one, chosen by content, does not suit; of that one's options, those that it has, too."""
    known = registry.get(DEFAULT_CODEC).Options.__dataclass_fields__
    return make_codec(None, {name: value for name, value in options.items() if name in known})


@dataclass(frozen=True)
class Job:
    """A file ready to be encoded: `source` holds its bytes, `remark` is a note for the user about the choice of codec, and
    `detail` one for users who want to know more."""

    codec: Codec[Any]
    value: Any
    source: Source
    remark: str | None = None
    detail: str | None = None


def prepare(source: Source, name: str | None, options: Mapping[str, Any]) -> Job:
    """The value in `source` and the codec `name` for it (None: lossless, chosen by content).

    A file that looks like one of a kind but cannot be restored exactly by that kind's codec goes to codec `bytes`.
    """
    remark = detail = kind = None
    if name is None:
        head = source.peek(registry.HEAD_SIZE)
        remark = registry.remark_on(head)
        for chosen in registry.by_content(head):
            if not chosen.media.streams:
                source = seekable(source)
            if not chosen.suits(source, options):
                continue
            codec = make_codec(chosen.name, _for_this(chosen, options))
            try:
                value = from_source(codec, source)
                if source.size is None or source.size >= codec.media.smallest:
                    return Job(codec.suited(value), value, source, remark)
                kind = getattr(value, "format", None)
            except UnsupportedFile as error:
                remark = f"{str(error).removeprefix(f'{source.name}: ')}; codec {DEFAULT_CODEC} keeps its bytes"
                if chosen.media.quiet:
                    remark, detail = None, remark
            break
    codec = make_codec(name, options)
    if not codec.media.streams:
        source = seekable(source)
    value = from_source(codec, source)
    if kind is not None:
        value = replace(value, format=kind)
    return Job(codec.suited(value), value, source, remark or getattr(value, "note", None), detail)


def _for_this(chosen: type[Codec[Any]], options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for a codec that the content chose: of the common ones, such as the effort, only those that it has."""
    own, general = (codec.Options.__dataclass_fields__ for codec in (chosen, registry.get(DEFAULT_CODEC)))
    return {name: value for name, value in options.items() if name in own or name not in general}


def from_source(codec: Codec[Any], source: Source) -> Any:
    """The value that the codec's media finds in a file; an unexpected error of its code names the codec."""
    with blamed(codec, f"reading {source.name}"):
        return codec.media.from_source(source)


def stored_name(source: Source) -> str | None:
    """The name that the header keeps: a file's own, unless a header cannot hold it (control characters, undecodable bytes)."""
    name = source.path.name if isinstance(source, FileSource) else ""
    if is_url(source.name):
        name = PurePosixPath(unquote(urlsplit(source.name).path)).name
    return name if name and name.isprintable() else None
