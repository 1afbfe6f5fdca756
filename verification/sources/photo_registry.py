"""The register of document photos: the only source of a reference picture. Needs the person's
consent.

An adapter asks only the state or a licensed provider.
"""

from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final

from verification.core.answers import PHOTO_ANSWER_MAX_BYTES, PhotoAnswer, parse_photo
from verification.core.ids import Iin
from verification.sources.asking import HttpAdapter, Source, spell

SOURCE: Final = "photo_registry"


@dataclass(frozen=True, kw_only=True)
class PhotoQuestion:
    """The person of the picture. The same `request_id` may be repeated and is charged once."""

    request_id: str
    iin: Iin
    consent_id: str


def spell_photo(answer: PhotoAnswer) -> bytes:
    """An answer in the protocol of docs/operator/sources.md, source `photo`."""
    if answer.status != "found":
        return spell(answer, without=("source", "taken_on", "jpeg"))
    picture = {
        "media_type": "image/jpeg",
        "sha256": sha256(answer.jpeg).hexdigest(),
        "photo": b64encode(answer.jpeg).decode(),
    }
    return spell(answer, without=("jpeg",), **picture)


HttpPhotoRegistry = ADAPTER = partial(
    HttpAdapter[PhotoQuestion, PhotoAnswer],
    source=SOURCE,
    read=parse_photo,
    max_bytes=PHOTO_ANSWER_MAX_BYTES,
)
"""The register by the protocol of docs/operator/sources.md, source `photo`."""

REGISTRY: Final = Source[PhotoQuestion, PhotoAnswer](
    name=SOURCE,
    answer=PhotoAnswer,
    read=parse_photo,
    spell=spell_photo,
    repeated=("request_id", "iin"),
)
