"""A person registers themselves on `/you`; the page shows messages, runs nothing, and listens to no
foreign page.
"""

import io
from collections.abc import Mapping

import pytest
import urllib3
from PIL import Image

from insecure_sandbox.exchange import Rejected
from insecure_sandbox.people import reference_photo
from tests.insecure_sandbox.asked import (
    consent_of,
    new_id,
    new_iin,
    person_of,
    picture,
)
from tests.insecure_sandbox_process import SandboxProcess
from verification.core.ids import Phone
from verification.sources.sms import HttpSmsGateway, Message

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
