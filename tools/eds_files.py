"""Files about one signature as the EDS route's evidence. Reads and sorts them; judges nothing."""

import base64
import binascii
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from verification.core import statement_text
from verification.core.errors import BadInput, Refused
from verification.core.route import Evidence
from verification.core.stored import canonical_json
from verification.engines.pki.certificate import (
    Certificate,
    parse_certificate,
    parse_timestamp_certificate,
)
from verification.engines.pki.crl import parse_crl
from verification.engines.pki.ocsp import OcspResponse, parse_response
from verification.engines.pki.signatures import parse_signature
from verification.stages.statement import collect, dialogue
from verification.stages.statement.policy import StatementPolicy

MODES = ("live", "test")
ROLES = ("anchor", "intermediate", "tsa")
"""Roles of a certificate in `pins.txt`, and names of folders in a directory given instead of a
mode.
"""
STATEMENT_MAX_BYTES = (
    64 * 1024 * 1024
)  # ours: any document to be signed; a statement of ours has 1 KB
_CERTIFICATE_SUFFIXES = {".cer", ".crt", ".der", ".pem"}
_CERTIFICATE_FILE_MAX_BYTES = 64 * 1024
# Labels of RFC 7468, §5 and §6.
_PEM = re.compile(rb"-----BEGIN (CERTIFICATE|X509 CRL)-----([A-Za-z0-9+/=\s]*)-----END \1-----")


@dataclass(frozen=True)
class Trust:
    """Certificates as evidence of the kinds `shared.…`, and notes on their origin for a reader."""

    items: dict[str, bytes]
    notes: tuple[str, ...] = ()


def read(path: Path, *, max_bytes: int) -> bytes:
    """The file, or its first `max_bytes` and one more.

    Raises: `BadInput` naming it.
    """
    try:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error


def read_statement(path: Path) -> bytes:
    """The bytes that must have been signed.

    Raises: `BadInput`, also for a false statement of ours: one whose words and data differ. No
    signature makes it valid.
    """
    statement = read(path, max_bytes=STATEMENT_MAX_BYTES)
    if len(statement) > STATEMENT_MAX_BYTES:
        raise BadInput("the statement is too large")
    if is_ours(statement):
        try:
            statement_text.read(statement)
        except Refused as refused:
            raise BadInput(f"{path}: {refused.detail}") from refused
    return statement


def is_ours(statement: bytes) -> bool:
    """Whether it names the form of our statements, in any version and at any place."""
    return statement_text.FORMS_NAMED.encode() in statement


def read_trust(name_or_folder: str) -> Trust:
    """The installed certificates of `live` or `test`, or those in a directory.

    In the directory a certificate lies directly, or in a folder named for its role (`ROLES`).

    Raises: `BadInput`, `Misconfigured`.
    """
    if name_or_folder in MODES:
        return Trust(collect.installed_trust(name_or_folder))
    # A variable left unset by a script would mean the current directory.
    if not name_or_folder.strip():
        raise BadInput("--trust is empty")
    directory = Path(name_or_folder)
    if not directory.is_dir():
        raise BadInput(f"--trust is live, test or a directory, and {directory} is none of them")
    roles: dict[str, list[bytes]] = {role: [] for role in ROLES}
    notes = [f"the certificates of {directory} are trusted without pins"]
    of_roles = [folder for role in ROLES if (folder := directory / role).is_dir()]
    for path in sorted(path for folder in (directory, *of_roles) for path in folder.iterdir()):
        if path.suffix.lower() not in _CERTIFICATE_SUFFIXES or path.name.startswith("."):
            continue
        stated_role = path.parent.name if path.parent != directory else ""
        for der in _unwrap(read(path, max_bytes=_CERTIFICATE_FILE_MAX_BYTES), path=path):
            try:
                # The directory's maker is responsible for the folders. Only for time-stamp
                # authorities may the key be of the old GOST.
                certificate = (
                    parse_timestamp_certificate if stated_role == "tsa" else parse_certificate
                )(der)
                is_root = certificate.subject == certificate.issuer
                roles[stated_role or ("anchor" if is_root else "intermediate")].append(der)
            except Refused as refused:
                if refused.code != "eds_algorithm_refused":
                    raise BadInput(f"{path} is no certificate: {refused.detail}") from refused
                notes.append(f"{path.name} was left out: {refused.detail}")
    if not roles["anchor"]:
        notes.append(f"{directory} holds no self-signed certificate, so nothing ends a path")
    if roles["tsa"]:
        notes.append(
            f"{len(roles['tsa'])} certificates of {directory / 'tsa'} are trusted for time-stamps"
            " alone"
        )
    items = {
        kind: der
        for role, ders in roles.items()
        for kind, der in number(f"shared.{role}", ders).items()
    }
    return Trust(items, tuple(notes))


def _unwrap(content: bytes, *, path: Path) -> list[bytes]:
    """The binary structures of a file: itself, or every PEM block in it."""
    if not content.lstrip().startswith(b"-----BEGIN"):
        return [content]
    blocks = _PEM.findall(content)
    if not blocks:
        raise BadInput(f"{path} has neither a certificate nor a list in PEM")
    try:
        return [base64.b64decode(b"".join(text.split()), validate=True) for _, text in blocks]
    except binascii.Error as error:
        raise BadInput(f"{path} is not PEM") from error


def number(kind: str, contents: Iterable[bytes]) -> dict[str, bytes]:
    """Evidence of one kind, numbered."""
    return {f"{kind}.{position}": content for position, content in enumerate(contents)}


def evidence(
    *,
    signature: bytes,
    statement: bytes,
    trust: Trust,
    ocsp: list[Path],
    crls: list[Path],
    at: datetime,
    policy: StatementPolicy,
) -> Evidence:
    """All of it as one attempt of the route, answered and judged at `at`."""
    items = {
        dialogue.TEXT: statement,
        dialogue.SIGNATURE: signature,
        dialogue.ANSWER: canonical_json({"at": at.isoformat()}),
        **trust.items,
    }
    signer = None
    with suppress(Refused):
        signer = parse_signature(signature, max_bytes=policy.signature_max_bytes).signer
    # Lists by subject: of the signer's issuer, its deltas, or of the authorities above.
    lists: dict[str, list[bytes]] = {
        "shared.crl": [],
        "shared.delta_crl": [],
        "shared.authority_crl": [],
    }
    authorities = {parse_timestamp_certificate(der).subject for der in trust.items.values()}
    for content in (
        der
        for path in crls
        for der in _unwrap(read(path, max_bytes=policy.crl_max_bytes), path=path)
    ):
        kind = "shared.crl"
        with suppress(Refused):
            crl = parse_crl(content, max_bytes=policy.crl_max_bytes)
            is_of_issuer = signer is None or crl.issuer == signer.issuer
            if is_of_issuer and crl.base_number is not None:
                kind = "shared.delta_crl"
            elif not is_of_issuer and crl.issuer in authorities:
                kind = "shared.authority_crl"
        lists[kind].append(content)
    items |= {
        name: crl_bytes
        for kind, contents in lists.items()
        for name, crl_bytes in number(kind, contents).items()
    }
    items |= _choose_answer(
        [read(path, max_bytes=policy.ocsp_max_bytes) for path in ocsp], signer=signer, policy=policy
    )
    return Evidence(items=items, at=at)


def _choose_answer(
    answers: list[bytes], *, signer: Certificate | None, policy: StatementPolicy
) -> dict[str, bytes]:
    """The youngest answer about the signer's serial number, or the first of all, with its own
    nonce.

    The sent nonce is not on file, so it cannot be compared; an answer without one is still refused.
    """
    if not answers:
        return {}
    about = [
        (answer.produced_at, position, answer.nonce or b"")
        for position, content in enumerate(answers)
        # The fourth of a CertID is the serial number (RFC 6960 §4.1.1).
        if (answer := _read_answer(content, policy=policy))
        and signer
        and answer.cert_id[3] == signer.serial
    ]
    _, position, nonce = max(about, default=(None, 0, b""))
    return {dialogue.OCSP: answers[position], dialogue.OCSP_NONCE: nonce}


def _read_answer(content: bytes, *, policy: StatementPolicy) -> OcspResponse | None:
    with suppress(Refused):
        return parse_response(content, max_bytes=policy.ocsp_max_bytes)
    return None


def youngest(evidence: Evidence, *, policy: StatementPolicy) -> datetime:
    """The authority's last statement in this evidence, up to the time of judgement."""
    times = []
    if answer := _read_answer(evidence.items.get(dialogue.OCSP) or b"", policy=policy):
        # RFC 6960 §2.4: when the status was known to be right, and when the answer about it was
        # signed.
        times.append(max(answer.this_update, answer.produced_at))
    for kind, content in evidence.items.items():
        if kind.startswith(("shared.crl.", "shared.delta_crl.", "shared.authority_crl.")):
            with suppress(Refused):
                times.append(parse_crl(content, max_bytes=policy.crl_max_bytes).this_update)
    return min(max(times, default=evidence.at), evidence.at)
