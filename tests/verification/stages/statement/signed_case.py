"""A case, its statement, and evidence as the workflow hands it to the checks."""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from insecure_sandbox.authority import Authority
from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import sign_cms
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.story import IIN, opening, person
from verification.core.lender import LenderFacts
from verification.core.person import Case
from verification.core.results import Passed, Result
from verification.core.route import Evidence
from verification.core.stored import canonical_json
from verification.stages.statement import STAGE
from verification.stages.statement.dialogue import statement
from verification.stages.statement.policy import POLICY

NOW = datetime.now(UTC).replace(microsecond=0)
LATER = NOW + timedelta(minutes=15)


def case(iin: str = IIN) -> Case:
    return Case(
        verification_id="ver_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        mode="test",
        profile="KZ-2021-04",
        lender=LenderFacts(
            id="len_a", name="Sandbox Credit", bin="120340000014", phone="+77270000044"
        ),
        person=person(iin),
        loan=opening().loan,
        purpose="microcredit",
        locale="ru",
        expires_at=NOW + timedelta(hours=1),
    )


def text(of: Case, *, nonce: str = "00" * 16, issued: datetime = NOW) -> bytes:
    expires = issued + (LATER - NOW)
    return statement(
        of, language="kk", nonce=nonce, issued=issued.isoformat(), expires=expires.isoformat()
    )


def evidence(
    content: bytes,
    signature: bytes,
    *,
    trusted: Iterable[Authority],
    lists: Iterable[bytes] | None = None,
    answered: datetime = NOW,
    at: datetime | None = None,
    seen: frozenset[str] = frozenset(),
) -> Evidence:
    trusted = tuple(trusted)
    items = {
        "statement.text": content,
        "statement.signature": base64.b64encode(signature),
        "statement.answer": canonical_json({"at": answered.isoformat()}),
    }
    for number, authority in enumerate(trusted):
        items[f"shared.anchor.{number}"] = authority.root.certificate
        items[f"shared.intermediate.{number}"] = authority.issuing.certificate
    given = [crl_of(authority) for authority in trusted] if lists is None else lists
    items |= {f"shared.crl.{number}": one for number, one in enumerate(given)}
    return Evidence(items=items, at=at or datetime.now(UTC), presented=seen)


def sign(credential: Credential, content: bytes, *, at: datetime = NOW) -> bytes:
    return sign_cms(credential, content, signed_at=at)


def judge(of: Case, given: Evidence) -> tuple[Result, ...]:
    return STAGE.judge(STAGE.measure(of, given, POLICY), POLICY)


def refusals(results: Iterable[Result]) -> dict[str, str]:
    return {result.check: result.code for result in results if not isinstance(result, Passed)}
