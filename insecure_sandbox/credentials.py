"""Source `ca`: the desk of the test authorities. Hands out anchors, certificates with their
keys, and revocations.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from insecure_sandbox.authority_keeper import ROLES, STATES, AuthorityKeeper, Person
from insecure_sandbox.credential_fields import credential_to_fields
from insecure_sandbox.exchange import (
    Rejected,
    Request,
    Response,
    Route,
    as_json,
    only_fields,
    text_field,
)

SOURCE: Final = "ca"

_SERIAL = re.compile(r"[0-9a-fA-F]{1,40}")  # 20 bytes, RFC 5280 4.1.2.2


def routes(keepers: Mapping[str, AuthorityKeeper]) -> tuple[Route, ...]:
    """`/ca/anchors.json`, `/ca/credentials`, `/ca/revoke`."""

    def anchors(request: Request) -> Response:
        return as_json({"mode": "test", "certificates": _certificates(keepers)})

    def issue(request: Request) -> Response:
        return as_json(_issue(request.fields(), keepers), status=201)

    def revoke(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, {"family", "serial"})
        _choice(fields, "family", keepers).revoke(_serial(fields))
        return as_json({"revoked": True})

    return (
        Route(method="GET", path="/ca/anchors.json", source=SOURCE, handle=anchors),
        Route(method="POST", path="/ca/credentials", source=SOURCE, handle=issue),
        Route(method="POST", path="/ca/revoke", source=SOURCE, handle=revoke),
    )


def _certificates(keepers: Mapping[str, AuthorityKeeper]) -> list[dict[str, str]]:
    certificates = []
    for family, keeper in keepers.items():
        for role, credential in (
            ("anchor", keeper.authority.root),
            ("intermediate", keeper.authority.issuing),
        ):
            certificates.append(
                {
                    "role": role,
                    "sha256": sha256(credential.certificate).hexdigest(),
                    "certificate": b64encode(credential.certificate).decode(),
                    "comment": f"sandbox {family}",
                }
            )
    return certificates


def _issue(fields: Mapping[str, Any], keepers: Mapping[str, AuthorityKeeper]) -> dict[str, str]:
    only_fields(fields, {"iin", "surname", "given_name", "patronymic", "family", "role", "state"})
    person = Person(
        iin=text_field(fields, "iin", limit=64),
        surname=text_field(fields, "surname"),
        given_name=text_field(fields, "given_name"),
        patronymic=text_field(fields, "patronymic", default=""),
    )
    role = ROLES[_place(fields, "role", allowed=ROLES, default="individual")]
    state = STATES[_place(fields, "state", allowed=STATES, default="valid")]
    credential = _choice(fields, "family", keepers).issue(person, role=role, state=state)
    return credential_to_fields(credential) | {"role": role, "state": state}


def _choice(
    fields: Mapping[str, Any], name: str, keepers: Mapping[str, AuthorityKeeper]
) -> AuthorityKeeper:
    return list(keepers.values())[_place(fields, name, allowed=tuple(keepers))]


def _place(
    fields: Mapping[str, Any], name: str, *, allowed: Sequence[str], default: str | None = None
) -> int:
    """The index of a word among the allowed ones.

    Raises: `Rejected` for another word.
    """
    word = text_field(fields, name, default=default)
    if word not in allowed:
        raise Rejected(400, f"{name} must be one of {list(allowed)}")
    return allowed.index(word)


def _serial(fields: Mapping[str, Any]) -> int:
    text = text_field(fields, "serial")
    if not _SERIAL.fullmatch(text):
        raise Rejected(400, "serial must be hexadecimal, at most 20 bytes")
    return int(text, 16)
