"""One good answer of each kind, as the sources give them; a test changes one thing."""

import hashlib
import json
from base64 import b64encode
from typing import Any

IIN = "990101100010"
PHONE = "+77010000010"
REQUEST_ID = "ver_test.person.1"
CONSENT_ID = "kdp_0123456789abcdef"
REFERENCE = "ver_aaaaaaaaaaaaaaaaaaaaaaaaaa"
LENDER_BIN = "990240000008"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) + b"\xff\xd9"
_ABOUT = {"request_id": REQUEST_ID, "iin": IIN}

PERSON: dict[str, Any] = _ABOUT | {
    "status": "found",
    "surname": "ӘБДІҒАЛИЕВА",
    "name": "АЙГҮЛ",
    "patronymic": "",
    "birth_date": "1899-01-01",
    "life_status": "alive",
    "documents": [
        {
            "type": "id_card",
            "number": "098765432",
            "issued_on": "2020-01-01",
            "valid_to": None,
            "status": "valid",
        }
    ],
}
PHOTO: dict[str, Any] = _ABOUT | {
    "status": "found",
    "source": "STATE",
    "taken_on": "2020-01-01",
    "media_type": "image/jpeg",
    "sha256": hashlib.sha256(JPEG).hexdigest(),
    "photo": b64encode(JPEG).decode(),
}
OWNERSHIP: dict[str, Any] = _ABOUT | {
    "status": "owned",
    "phone": PHONE,
    "owned_since": "2021-05-06",
}
CONSENT: dict[str, Any] = _ABOUT | {
    "status": "valid",
    "consent_id": CONSENT_ID,
    "reference": REFERENCE,
    "lender_bin": LENDER_BIN,
    "purpose": "online microcredit",
    "services": ["person", "photo"],
    "text_version": "2026-11",
    "language": "kk",
    "text_sha256": "ab" * 32,
    "created_at": "2026-11-24T10:00:00+00:00",
    "expires_at": "2026-11-24T15:00:00+05:00",
}
ACCOUNT = "KZ86125KZT5004100100"
STOP_CREDIT: dict[str, Any] = _ABOUT | {"status": "not_refused"}
ACCOUNT_OWNER: dict[str, Any] = _ABOUT | {"status": "owned", "account": ACCOUNT}
CREDITS: dict[str, Any] = _ABOUT | {"status": "told", "credits": {"2026-11-24": "12345600"}}
SMS: dict[str, Any] = {
    "request_id": REQUEST_ID,
    "status": "accepted",
    "message_id": "sms_0123456789",
}


def spelled(fields: object) -> bytes:
    """The answer's bytes."""
    return json.dumps(fields, ensure_ascii=False).encode()
