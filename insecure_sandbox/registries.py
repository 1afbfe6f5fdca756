"""Sources `person`, `photo` and `phone`: the registers' answers about people known to the
sandbox.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

from insecure_sandbox.consents import Consents
from insecure_sandbox.exchange import (
    Rejected,
    Request,
    Response,
    Route,
    as_json,
    only_fields,
    text_field,
)
from insecure_sandbox.people import People
from insecure_sandbox.questions import request_id

PERSON: Final = "person"
PHOTO: Final = "photo"
PHONE: Final = "phone"

# A register's answer to a question with a valid consent, for the verification of this reference.
Answer = Callable[[People, Mapping[str, str], str], dict[str, object]]


def routes(people: People, consents: Consents) -> tuple[Route, ...]:
    """`POST /person`, `POST /photo`, `POST /phone`."""
    return (
        _route(PERSON, _person, people=people, consents=consents),
        _route(PHOTO, _photo, people=people, consents=consents),
        _route(PHONE, _ownership, people=people, consents=consents, more=("phone",)),
    )


def _route(
    source: str, answer: Answer, *, people: People, consents: Consents, more: tuple[str, ...] = ()
) -> Route:
    def handle(request: Request) -> Response:
        fields = request.fields()
        question = _question_in(fields, about=("iin", *more))
        fields_out: dict[str, object] = {"request_id": request_id(fields), **question}
        consent_id = text_field(fields, "consent_id")
        if not consents.allows(consent_id, iin=question["iin"], service=source):
            return as_json(fields_out | {"status": "consent_refused"})
        consent = consents.find(consent_id, iin=question["iin"])
        reference = consent.request.reference if consent else ""
        person = people.find(question["iin"], reference=reference)
        if person is not None and not person.is_answered:
            raise Rejected(503, "this register says nothing of this person")
        return as_json(fields_out | answer(people, question, reference))

    return Route(method="POST", path=f"/{source}", source=source, handle=handle)


def _question_in(fields: Mapping[str, Any], *, about: tuple[str, ...]) -> dict[str, str]:
    only_fields(fields, {"request_id", "consent_id", *about})
    return {name: text_field(fields, name, limit=64) for name in about}


def _person(people: People, question: Mapping[str, str], reference: str) -> dict[str, object]:
    person = people.find(question["iin"], reference=reference)
    if person is None or not person.is_known:
        return {"status": "not_found"}
    return {
        "status": "found",
        "surname": person.surname,
        "name": person.name,
        "patronymic": person.patronymic,
        "birth_date": person.birth_date,
        "life_status": person.life_status,
        "documents": [dict(person.document)],
    }


def _photo(people: People, question: Mapping[str, str], reference: str) -> dict[str, object]:
    person, photo = (
        people.find(question["iin"], reference=reference),
        people.photo(question["iin"], reference=reference),
    )
    if person is None:
        return {"status": "not_found"}
    if photo is None:
        return {"status": "no_photo"}
    return {
        "status": "found",
        "source": person.photo_source,
        "taken_on": person.document["issued_on"],
        "media_type": "image/jpeg",
        "sha256": hashlib.sha256(photo).hexdigest(),
        "photo": b64encode(photo).decode(),
    }


def _ownership(people: People, question: Mapping[str, str], reference: str) -> dict[str, object]:
    person = people.find(question["iin"], reference=reference)
    if person is not None and person.phone == question["phone"]:
        return {"status": "owned", "owned_since": person.document["issued_on"]}
    return {"status": "owned_by_another" if people.is_anybodys(question["phone"]) else "not_found"}
