"""For authors of codecs: `check_codec` tests a codec against its contract; sample inputs to test it with.

from lacodec.testing import check_codec, photo
check_codec(MyCodec, {"a photo": photo(40, 60), "one pixel": photo(1, 1)}, effort=3)
"""

from lacodec.testing.contract import check_codec
from lacodec.testing.samples import photo, pictures, texts, tone, wav_file

__all__ = ["check_codec", "photo", "pictures", "texts", "tone", "wav_file"]
