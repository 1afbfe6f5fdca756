"""The sandbox as a process: its pages, its people and its demo."""

import io
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3
from PIL import Image
from pytest_django import Settings

from insecure_sandbox.credential_fields import credential_from_fields
from insecure_sandbox.demo.lender import LenderApi, opening
from insecure_sandbox.demo.processes import Processes
from insecure_sandbox.demo.stage import Stage, phone_of
from insecure_sandbox.exchange import Rejected
from insecure_sandbox.install_trust import write_anchors
from insecure_sandbox.people import reference_photo
from insecure_sandbox.signing import sign_cms
from tests.insecure_sandbox.asked import (
    consent_of,
    new_id,
    new_iin,
    ownership_of,
    person_of,
    photo_of,
    picture,
    register,
)
from tests.insecure_sandbox_process import REPOSITORY, SandboxProcess, running_sandbox
from tests.verification.engines.pki.lists import check_not_revoked
from verification.core.errors import Refused
from verification.core.ids import Iin, Phone
from verification.core.spelling import code_sms
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.crl import RevocationList, parse_crl
from verification.engines.pki.path import build_path
from verification.engines.pki.signatures import subject_iin
from verification.sources import revocation
from verification.sources.installed import trust_anchors
from verification.sources.sms import HttpSmsGateway, Message

# The sandbox as a process: it keeps its authorities, hands out what it says, and the product's
# engines agree.


IIN = "990101100010"
FAMILIES = ("gost512", "rsa")
MAX_BYTES = 1_000_000


@pytest.fixture
def _mended(sandbox: SandboxProcess) -> Iterator[None]:
    """No fault outlives its test."""
    yield
    sandbox.mend()


@pytest.fixture
def configured(sandbox: SandboxProcess, settings: Settings, tmp_path: Path) -> None:
    """The product's test set, pointed at the running sandbox."""
    write_anchors(sandbox.url, tmp_path / "anchors")
    crl_urls = {family: [f"{sandbox.url}/crl/{family}"] for family in FAMILIES}
    adapter = "verification.sources.revocation.HttpRevocationSource"
    settings.TULGA_SOURCES = {
        "test": {
            "revocation": {"adapter": adapter, "options": {"crl_urls": crl_urls, "seconds": 5.0}},
            "trust_anchors": {"directory": tmp_path / "anchors"},
        }
    }


def issue(sandbox: SandboxProcess, family: str, **fields: str) -> dict[str, Any]:
    person = {"iin": IIN, "surname": "Тестова", "given_name": "Айгүл", "patronymic": "Тестқызы"}
    return sandbox.post("/ca/credentials", family=family, **person | fields)


def certificate_of(answer: dict[str, Any]) -> Certificate:
    return parse_certificate(credential_from_fields(answer).certificate)


def path_of(leaf: Certificate, *, at: datetime) -> tuple[Certificate, ...]:
    trusted = trust_anchors("test")
    return build_path(
        leaf,
        anchors=[parse_certificate(der) for der in trusted.anchors],
        intermediates=[parse_certificate(der) for der in trusted.intermediates],
        at=at,
    )


def current_crl(family: str) -> RevocationList:
    question = revocation.RevocationQuestion(family=family, kind=revocation.CRL)
    return parse_crl(revocation.fetch("test", question)[0].parsed, max_bytes=MAX_BYTES)


@pytest.mark.usefixtures("_mended")
@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_credential_signs_what_the_product_verifies(sandbox: SandboxProcess, family: str) -> None:
    credential = credential_from_fields(issue(sandbox, family))
    at = datetime.now(UTC)
    signed = parse_cms(sign_cms(credential, b"statement", signed_at=at), max_bytes=MAX_BYTES)
    signed.check_content(statement=b"statement")
    signed.check_signature()
    assert subject_iin(signed.signer) == IIN
    path = path_of(signed.signer, at=at)
    assert len(path) == 3
    check_not_revoked(signed.signer, crl=current_crl(family), issuer=path[1], at=at)


@pytest.mark.usefixtures("_mended")
@pytest.mark.usefixtures("configured")
def test_a_certificate_is_on_the_list_as_soon_as_it_is_revoked(sandbox: SandboxProcess) -> None:
    answer = issue(sandbox, "rsa")
    leaf, at = certificate_of(answer), datetime.now(UTC)
    issuer = path_of(leaf, at=at)[1]
    check_not_revoked(leaf, crl=current_crl("rsa"), issuer=issuer, at=at)
    sandbox.post("/ca/revoke", family="rsa", serial=answer["serial"])
    with pytest.raises(Refused):
        check_not_revoked(leaf, crl=current_crl("rsa"), issuer=issuer, at=at)


@pytest.mark.usefixtures("_mended")
@pytest.mark.service
def test_a_restart_keeps_authorities_revocations_and_numbers(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "state") as before:
        anchors, serial = (
            before.get("/ca/anchors.json"),
            issue(before, "rsa", state="revoked")["serial"],
        )
        crl = parse_crl(before.get("/crl/rsa"), max_bytes=MAX_BYTES)
        assert before.stop() == 0
    with running_sandbox(tmp_path / "state") as after:
        later_der = after.get("/crl/rsa")
        later = parse_crl(later_der, max_bytes=MAX_BYTES)
        assert after.get("/ca/anchors.json") == anchors
    assert bytes.fromhex(serial) in later_der
    assert later.number is not None
    assert later.number > (crl.number or 0)


@pytest.mark.usefixtures("_mended")
def test_keys_are_readable_by_their_owner_only(sandbox: SandboxProcess) -> None:
    kept = list(sandbox.state.rglob("authority*.json"))
    assert len(kept) == 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


@pytest.mark.usefixtures("_mended")
@pytest.mark.service
def test_the_process_refuses_to_listen_to_the_world(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "insecure_sandbox",
        "--host",
        "0.0.0.0",  # noqa: S104
        "--state",
        str(tmp_path / "s"),
    ]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30)
    assert ended.returncode != 0
    assert "loopback only" in ended.stderr
    assert not (tmp_path / "s").exists()


# The demo's people are known to the sandbox's registers as its lender states them, and read
# their own messages.


LANGUAGES = ("en", "ru", "kk")


@pytest.fixture
def stage(sandbox: SandboxProcess, tmp_path: Path) -> Stage:
    """A stage before anybody has opened anything."""
    processes = Processes(environment={}, logs=tmp_path / "logs")
    return Stage(
        LenderApi("http://127.0.0.1:9", ""),
        "http://127.0.0.1:9",
        sandbox.url,
        processes,
        lambda: None,
    )


def test_a_person_of_the_demo_is_who_the_lender_says(
    stage: Stage, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(picture())
    iin = stage.person(photo)
    subject = opening("reference", iin=iin, routes=["biometric"], phone=phone_of(iin))["subject"]
    known = person_of(sandbox, iin).person
    assert known is not None
    assert (known.surname, known.name, str(known.birth_date)) == (
        subject["surname"],
        subject["name"],
        subject["birth_date"],
    )
    assert known.documents[0].number == subject["document"]["number"]
    assert ownership_of(sandbox, subject["phone"], iin=iin).status == "owned"
    assert photo_of(sandbox, iin).jpeg == picture()


def test_each_person_has_another_number_that_is_no_living_persons(stage: Stage) -> None:
    iins = {stage.iin() for _ in range(50)}
    assert len(iins) == 50
    assert {(Iin.parse(iin).is_invented, str(Iin.parse(iin).birth_date)[:4]) for iin in iins} == {
        (True, "1990")
    }
    assert len({Phone.parse(phone_of(iin)).value for iin in iins}) == 50


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_is_read_and_not_the_amount(
    stage: Stage, sandbox: SandboxProcess, language: str
) -> None:
    iin = stage.iin()
    register(sandbox, iin=iin, phone=phone_of(iin))
    consent_of(
        sandbox, iin, phone=Phone(phone_of(iin))
    )  # of which a message without a code tells them
    gateway = HttpSmsGateway(f"{sandbox.url}/sms", seconds=2.0)
    for code in ("111111", "482019"):
        text = code_sms(
            code,
            lender="Sandbox Credit LLP",
            amount="150000.00",
            currency="KZT",
            language=language,
            host="localhost",
        )
        gateway.fetch(Message(request_id=new_id(), phone=Phone(phone_of(iin)), text=text))
    assert stage.code_for(iin) == "482019"


# A person registers themselves on `/you`; the page shows messages, runs nothing, and listens to
# no foreign page.


Field = str | bytes
NOISE = bytes(range(256)) * 3 + b"\r\n--\r\n\n\r"


def fields(iin: str, /, **changes: Field) -> dict[str, Field]:
    usual: dict[str, Field] = {
        "iin": iin,
        "surname": "ӘБДІҒАЛИЕВА",
        "name": "Айгүл",
        "patronymic": "",
        "phone": "8 (702) 555-40-01",
        "document_number": "098765432",
        "valid_to": "2030-02-01",
        "photo": picture(),
    }
    return usual | changes


def post(
    sandbox: SandboxProcess, path: str, form: Mapping[str, Field], *, origin: str | None = ""
) -> urllib3.BaseHTTPResponse:
    headers = {} if origin is None else {"Origin": origin or sandbox.url}
    parts = {
        name: ("me.jpg", value) if isinstance(value, bytes) else value
        for name, value in form.items()
    }
    return urllib3.request(
        "POST", sandbox.url + path, fields=parts, headers=headers, timeout=20, retries=False
    )


def test_who_asks_to_be_forgotten_is(sandbox: SandboxProcess) -> None:
    iin = new_iin()
    post(sandbox, "/you", fields(iin))
    terms = consent_of(sandbox, iin).terms
    assert terms is not None
    assert "Forgotten" in post(sandbox, "/you/forget", {"iin": iin}).data.decode()
    assert consent_of(sandbox, iin).status == "not_found"
    assert person_of(sandbox, iin, terms.consent_id).status == "consent_refused"
    assert not any(
        iin.encode() in path.read_bytes() for path in (sandbox.state / "people").iterdir()
    )
    assert "not registered" in post(sandbox, "/you/forget", {"iin": iin}).data.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"iin": "850101300016"},
        {"iin": "850101300015"},
        {"iin": "123456789011"},
        {"iin": "x"},
        {"surname": ""},
        {"surname": "Aхметов"},
        {"phone": "+7 7172 906984"},
        {"valid_to": "x" * 401},
        {"valid_to": "31.12.2099"},
        {"document_number": ""},
        {"document_number": "1" * 21},
        {"document_number": "12 34"},
        {"photo": b"no picture"},
        {"photo": b""},
        {"photo": picture(kind="GIF")},
    ],
)
def test_a_mistake_is_told_and_registers_no_person(
    sandbox: SandboxProcess, changes: dict[str, Field]
) -> None:
    form = fields(new_iin(), **changes)
    answer = post(sandbox, "/you", form)
    assert answer.status in (400, 413)
    assert 'role="alert"' in answer.data.decode()
    if "iin" not in changes:
        assert consent_of(sandbox, str(form["iin"])).status == "not_found"


@pytest.mark.parametrize(
    "origin", [None, "http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"]
)
@pytest.mark.parametrize("path", ["/you", "/you/forget", "/you/consent"])
def test_a_foreign_page_cannot_post(sandbox: SandboxProcess, origin: str | None, path: str) -> None:
    iin = new_iin()
    assert post(sandbox, path, fields(iin), origin=origin).status == 403
    assert consent_of(sandbox, iin).status == "not_found"


def test_the_page_shows_messages_escaped_and_allows_nothing_foreign(
    sandbox: SandboxProcess,
) -> None:
    gateway = HttpSmsGateway(f"{sandbox.url}/sms", seconds=5.0)
    for text in ("Code 111222 <script>a()</script>", "Code 333444"):
        gateway.fetch(Message(request_id=new_id(), phone=Phone("+77025554002"), text=text))
    answer = urllib3.request("GET", f"{sandbox.url}/you", timeout=10)
    text = answer.data.decode()
    assert "Code 111222 &lt;script&gt;a()&lt;/script&gt;" in text
    assert "+77025554002" in text
    assert text.index("333444") < text.index("111222")  # the newest first
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/x-www-form-urlencoded", b"iin=1", 415),
        ("multipart/form-data", b"", 415),
        ("multipart/form-data; boundary=" + "x" * 71, b"", 415),
        ("multipart/form-data; boundary=b", b"", 400),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--", 400),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="iin"\r\n\r\nx',
            400,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a b"\r\n\r\nx\r\n--b--',
            400,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' * 40 + b"\r\n--b--",
            400,
        ),
        ("multipart/form-data; boundary=b", b"\x00\xff" * 1000, 400),
    ],
)
def test_what_is_no_form_is_rejected(
    sandbox: SandboxProcess, content_type: str, body: bytes, status: int
) -> None:
    headers = {"Content-Type": content_type, "Origin": sandbox.url}
    assert (
        urllib3.request("POST", f"{sandbox.url}/you", body=body, headers=headers, timeout=10).status
        == status
    )


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


def test_a_photo_is_scaled_turned_upright_and_stripped() -> None:
    camera = Image.Exif()
    camera[0x0112] = 6  # orientation: a quarter turn
    camera[0x010F] = "a maker"
    kept = opened(reference_photo(picture(3000, 2000, exif=camera, comment=b"hidden" + NOISE)))
    assert kept.format == "JPEG"
    assert kept.size == (800, 1200)
    assert not kept.getexif()
    assert "comment" not in kept.info


def blank(width: int, height: int) -> bytes:
    kept = io.BytesIO()
    Image.new("1", (width, height)).save(kept, "PNG", compress_level=1)
    return kept.getvalue()


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"\xff\xd8\xff",
        picture()[:-200],
        picture(kind="PNG")[:60],
        picture(kind="BMP"),
        blank(10_000, 5_001),
        blank(14_000, 14_000),
        b"\xff" * 10_485_761,
    ],
    ids=["nothing", "a beginning", "cut", "cut png", "bitmap", "many pixels", "bomb", "too large"],
)
def test_what_is_no_photo_of_a_usual_size_is_rejected(untrusted: bytes) -> None:
    with pytest.raises(Rejected):
        reference_photo(untrusted)
