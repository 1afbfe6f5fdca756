"""Source `people`: all people in the sandbox's registers: registered here, scripted, or
simulated.

A photo becomes a reference at upload: scaled, upright, without the camera's metadata.
"""

import io
import warnings
from base64 import b64decode
from binascii import Error
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Final

from PIL import Image, ImageOps, UnidentifiedImageError

from insecure_sandbox.exchange import (
    Rejected,
    Request,
    Response,
    Route,
    as_json,
    only_fields,
    text_field,
)
from insecure_sandbox.kept import add_line, keep_bytes, read_lines, replace_lines
from insecure_sandbox.manners import MANNERS, Manner
from verification.core.scenarios import SCRIPTED

_MAX_PEOPLE: Final = 10_000
_MAX_STANDING_IN: Final = 1_000  # the oldest is forgotten then
GUIDE_ACCOUNT: Final = "KZ86125KZT5004100100"
"""The account in the lender's guide, which every person registered without one has, so that
copied commands get paid.
"""


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One person for the registers' answers; unchecked, because tests need wrong ones too.

    document: type, number, issued_on, valid_to, status.
    photo_source: STATE, PROVIDER, or empty without a photo.
    consent: the person's answer to a consent request, a status of the consent service.
    refuses_credits: they have refused all credits.
    accounts: theirs, as IBANs.
    credits_today: tiyn that other lenders lent them online today, in Almaty.
    is_answered: whether registers answer about them at all.
    is_known: whether the register of people has them.
    """

    iin: str
    surname: str
    name: str
    patronymic: str
    birth_date: str
    life_status: str
    document: Mapping[str, str | None]
    phone: str
    photo_source: str
    consent: str
    refuses_credits: bool = False
    accounts: tuple[str, ...] = (GUIDE_ACCOUNT,)
    credits_today: str = "0"
    is_answered: bool = True
    is_known: bool = True


def as_registered(person: Registered, manner: Manner) -> Registered:
    """The person in a scenario's registers."""
    return replace(person, **manner.registered, document={**person.document, **manner.document})


class People:
    """The data behind the registers. Threads may share it; one process owns the directory."""

    def __init__(self, directory: Path) -> None:
        """Loads this directory's registrations, or starts with the scripted people only."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._file = directory / "people.jsonl"
        self._lock = Lock()
        self._people = dict[str, Registered]()
        self._standing_in: OrderedDict[str, tuple[Registered, bytes | None]] = OrderedDict()
        for fields in read_lines(self._file):
            self._people[fields["iin"]] = _registered(fields)

    def register(self, person: Registered, photo: bytes | None) -> None:
        """Sets the registers' answer for the number; without a photo an earlier one is deleted."""
        with self._lock:
            if person.iin not in self._people and len(self._people) >= _MAX_PEOPLE:
                raise Rejected(400, "too many people are registered")
            picture = self._picture(person.iin)
            if photo is None:
                picture.unlink(missing_ok=True)
            else:
                keep_bytes(picture, photo)
            person = replace(person, photo_source=person.photo_source if photo else "")
            self._people[person.iin] = person
            add_line(self._file, asdict(person))

    def forget(self, iin: str) -> bool:
        """Removes a person with their photo, or resets a scripted one; returns whether there was
        one.
        """
        with self._lock:
            was_there = self._people.pop(iin, None) is not None or iin in SCRIPTED
            self._picture(iin).unlink(missing_ok=True)
            replace_lines(self._file, (asdict(person) for person in self._people.values()))
            return was_there

    def stand_in(self, reference: str, person: Registered, photo: bytes | None = None) -> None:
        """The registers' data on a person under consents to one verification; in memory only,
        for a simulation.
        """
        with self._lock:
            self._standing_in[reference] = (
                replace(person, photo_source="STATE" if photo else ""),
                photo,
            )
            self._standing_in.move_to_end(reference)
            while len(self._standing_in) > _MAX_STANDING_IN:
                self._standing_in.popitem(last=False)

    def find(self, iin: str, *, reference: str = "") -> Registered | None:
        """The person as registered, with the changes of a scripted one's scenario.

        reference: of the asking verification; its stand-in comes first. Without a reference, a
        person who was never registered is as in their last simulation.
        """
        if (stands_in := self._stand_in(iin, reference)) is not None:
            return stands_in[0]
        person = self._people.get(iin)
        if iin not in SCRIPTED:
            return person
        # A scenario's changes apply to any registration. The simulated borrower plays the rest.
        return as_registered(person or _scripted(iin), MANNERS[SCRIPTED[iin]])

    def photo(self, iin: str, *, reference: str = "") -> bytes | None:
        """The photo registered for this number, or None."""
        if (stands_in := self._stand_in(iin, reference)) is not None:
            return stands_in[1]
        picture = self._picture(iin)
        return picture.read_bytes() if picture.exists() else None

    def _stand_in(self, iin: str, reference: str) -> tuple[Registered, bytes | None] | None:
        with self._lock:
            entry = self._standing_in.get(reference)
            if entry is not None:
                return entry if entry[0].iin == iin else None
            if iin in self._people or (reference and iin in SCRIPTED):
                return None
            return next(
                (
                    entry_of_iin
                    for entry_of_iin in reversed(self._standing_in.values())
                    if entry_of_iin[0].iin == iin
                ),
                None,
            )

    def is_anybodys(self, phone: str) -> bool:
        """Whether a number belongs to any person."""
        with self._lock:
            return any(person.phone == phone for person in (_SCRIPTED, *self._people.values()))

    def has_account(self, account: str) -> bool:
        """Whether an account belongs to any person."""
        with self._lock:
            return any(account in person.accounts for person in (_SCRIPTED, *self._people.values()))

    def _picture(self, iin: str) -> Path:
        # A hash, because file names have more readers than contents.
        return self._directory / f"{sha256(iin.encode(errors='replace')).hexdigest()[:24]}.jpg"


def _registered(fields: Mapping[str, Any]) -> Registered:
    accounts = {"accounts": tuple(fields["accounts"])} if "accounts" in fields else {}
    return Registered(**{**fields, **accounts})


def _scripted(iin: str) -> Registered:
    return replace(_SCRIPTED, iin=iin)


# The person of the lender's guide, so that its copied commands work.
_SCRIPTED: Final = Registered(
    iin="",
    surname="АСАНОВ",
    name="АСАН",
    patronymic="",
    birth_date="1990-01-01",
    life_status="alive",
    document={
        "type": "id_card",
        "number": "045678912",
        "issued_on": "2021-05-01",
        "valid_to": "2031-05-01",
        "status": "valid",
    },
    phone="+77011234567",
    photo_source="",
    consent="valid",
)
MAX_UPLOAD_BYTES: Final = 10 * 1024 * 1024

_MAX_PIXELS: Final = (
    50_000_000  # from the header, before decoding; a phone's photo has 12 to 48 million
)
_LONGEST_SIDE: Final = 1200  # pixels of the stored copy
_QUALITY: Final = 90
_FORMATS: Final = ("JPEG", "PNG")


def reference_photo(untrusted: bytes) -> bytes:
    """A JPEG of at most 1200 pixels a side.

    Raises: `Rejected` for anything but a photo of a usual size.
    """
    if not 1 <= len(untrusted) <= MAX_UPLOAD_BYTES:
        raise Rejected(413, f"choose a photo of at most {MAX_UPLOAD_BYTES // 1024 // 1024} MB")
    try:
        # Pillow only warns of a bomb; ours are refused by their header below.
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(untrusted), formats=_FORMATS) as image,
        ):
            if image.width * image.height > _MAX_PIXELS:
                raise Rejected(413, "the photo has too many pixels")
            return _encoded(image)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
    ) as error:
        raise Rejected(400, "choose a JPEG or PNG photo") from error


def _encoded(image: Image.Image) -> bytes:
    image.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
    upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    # A copy of the pixels only, without the file's other contents.
    copy = Image.new("RGB", upright.size)
    copy.paste(upright)
    buffer = io.BytesIO()
    copy.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


SOURCE: Final = "people"

_FIELDS: Final = {
    "iin",
    "surname",
    "name",
    "patronymic",
    "birth_date",
    "life_status",
    "document",
    "phone",
    "photo",
    "photo_source",
    "consent",
    "refuses_credits",
    "accounts",
    "credits_today",
}
_MAX_ACCOUNTS: Final = 20
_DOCUMENT_FIELDS: Final = {"type", "number", "issued_on", "valid_to", "status"}
# above the product's maximum, so that tests can exceed it
_MAX_PHOTO_BYTES: Final = 4 * 1024 * 1024
_MAX_BODY_BYTES: Final = _MAX_PHOTO_BYTES * 4 // 3 + 64 * 1024


def routes(people: People) -> tuple[Route, ...]:
    """`POST /people` registers, `POST /people/forget` removes."""

    def register(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, _FIELDS)
        people.register(_person(fields), _photo(fields))
        return as_json({"registered": True}, status=201)

    def forget(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, {"iin"})
        return as_json({"forgotten": people.forget(text_field(fields, "iin", limit=64))})

    return (
        Route(
            method="POST",
            path="/people",
            source=SOURCE,
            handle=register,
            max_body_bytes=_MAX_BODY_BYTES,
        ),
        Route(method="POST", path="/people/forget", source=SOURCE, handle=forget),
    )


def stated(fields: object, *, account: str) -> Registered:
    """The person as a lender stated them, in agreeing registers.

    Raises: `Rejected`.
    """
    if not isinstance(fields, dict):
        raise Rejected(400, "subject must be an object")
    only_fields(fields, {"iin", "surname", "name", "patronymic", "birth_date", "phone", "document"})
    return _person({**fields, "accounts": [account] if account else [GUIDE_ACCOUNT]})


def _person(fields: Mapping[str, Any]) -> Registered:
    return Registered(
        iin=text_field(fields, "iin", limit=64),
        surname=text_field(fields, "surname"),
        name=text_field(fields, "name"),
        patronymic=text_field(fields, "patronymic", default=""),
        birth_date=text_field(fields, "birth_date"),
        life_status=text_field(fields, "life_status", default="alive"),
        document=_document(fields.get("document")),
        phone=text_field(fields, "phone", limit=64),
        photo_source=text_field(fields, "photo_source", default="STATE"),
        consent=text_field(fields, "consent", default="valid"),
        refuses_credits=_flag(fields, "refuses_credits"),
        accounts=_accounts(fields),
        credits_today=text_field(fields, "credits_today", default="0"),
    )


def _flag(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise Rejected(400, f"{name} must be true or false")
    return value


def _accounts(fields: Mapping[str, Any]) -> tuple[str, ...]:
    value = fields.get("accounts", [GUIDE_ACCOUNT])
    if (
        not isinstance(value, list)
        or len(value) > _MAX_ACCOUNTS
        or not all(isinstance(account, str) for account in value)
    ):
        raise Rejected(400, f"accounts must be a list of at most {_MAX_ACCOUNTS} strings")
    return tuple(value)


def _document(value: object) -> dict[str, str | None]:
    if not isinstance(value, dict):
        raise Rejected(400, "document must be an object")
    only_fields(value, _DOCUMENT_FIELDS)
    return {
        "type": text_field(value, "type", default="id_card"),
        "number": text_field(value, "number"),
        "issued_on": _text_or_none(value, "issued_on"),
        "valid_to": _text_or_none(value, "valid_to"),
        "status": text_field(value, "status", default="valid"),
    }


def _text_or_none(fields: Mapping[str, Any], name: str) -> str | None:
    return None if fields.get(name) is None else text_field(fields, name)


def _photo(fields: Mapping[str, Any]) -> bytes | None:
    if fields.get("photo") is None:
        return None
    try:
        photo = b64decode(text_field(fields, "photo", limit=_MAX_BODY_BYTES), validate=True)
    except (Error, ValueError) as error:
        raise Rejected(400, "photo must be base64") from error
    if len(photo) > _MAX_PHOTO_BYTES:
        raise Rejected(413, f"the photo is larger than {_MAX_PHOTO_BYTES} bytes")
    return photo
