"""A page talks to the sandbox's NCALayer over a real TLS WebSocket."""

import json
import ssl
import subprocess
import sys
import time
from base64 import b64decode, b64encode, encodebytes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from websockets import Origin
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from insecure_sandbox.ncalayer import Manner, fetch_credential, signer_for, start
from insecure_sandbox.ncalayer_protocol import Signer
from insecure_sandbox.tls_certificate import loopback_tls
from tests.insecure_sandbox_process import REPOSITORY, SandboxProcess
from verification.core.errors import Refused
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.signatures import subject_iin

IIN = "990101100010"
REQUEST: dict[str, Any] = {
    "module": "kz.gov.pki.knca.basics",
    "method": "sign",
    "args": {
        "allowedStorages": None,
        "format": "cms",
        "data": b64encode(b"statement").decode(),
        "signingParams": {"decode": True, "encapsulate": True, "digested": False, "tsaProfile": {}},
        "signerParams": {
            "extKeyUsageOids": ["1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.1"],
            "chain": [],
        },
        "locale": "ru",
    },
}

COMMON_REQUEST: dict[str, Any] = {
    "module": "kz.gov.pki.knca.commonUtils",
    "method": "createCAdESFromBase64",
    "args": ["PKCS12", "SIGNATURE", b64encode(b"statement").decode(), True],
}


def signer(sandbox: SandboxProcess, manner: Manner, family: str = "rsa") -> Signer:
    credential = fetch_credential(sandbox.url, iin=IIN, family=family, state="valid")
    return signer_for(credential, iin=IIN, manner=manner)


@contextmanager
def page(directory: Path, who: Signer, *, name: str = "127.0.0.1") -> Iterator[ClientConnection]:
    """A page's open connection, greeted; the server's certificate is verified as a browser that
    trusts it would.
    """
    tls = loopback_tls(directory)
    with start(who, tls=tls, port=0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        trust = ssl.create_default_context(cafile=str(tls.authority))
        url = f"wss://{name}:{server.socket.getsockname()[1]}/"
        with connect(
            url, ssl=trust, origin=Origin("https://borrower.example"), proxy=None
        ) as connection:
            assert json.loads(connection.recv(5)) == {"result": {"version": "1.2"}}
            yield connection
        server.shutdown()


def asked(connection: ClientConnection, message: object) -> Any:
    connection.send(json.dumps(message))
    return json.loads(connection.recv(20))


@pytest.mark.parametrize("family", ["gost512", "rsa"])
def test_a_page_gets_a_signature_that_the_product_verifies(
    sandbox: SandboxProcess, tmp_path: Path, family: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with page(tmp_path, signer(sandbox, Manner(), family), name="localhost") as connection:
        content = asked(connection, REQUEST)
    pem = content["body"]["result"].encode()
    der = ssl.PEM_cert_to_DER_cert(pem.decode().replace(" CMS-", " CERTIFICATE-"))
    signed = parse_cms(der, max_bytes=100_000)
    signed.check_content(statement=b"statement")
    signed.check_signature()
    assert subject_iin(signed.signer) == IIN
    assert "page 'https://borrower.example'" in capsys.readouterr().out


def test_what_either_module_gives_is_read_in_any_line_length_and_nothing_may_trail_it(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    with page(tmp_path, signer(sandbox, Manner())) as connection:
        pem = asked(connection, REQUEST)["body"]["result"].encode()
        bare = asked(connection, COMMON_REQUEST)["responseObject"].encode()
    broken_up = encodebytes(b64decode(bare))
    for given in (
        pem,
        pem.replace(b"\n", b"\r\n"),
        bare,
        broken_up,
        broken_up.replace(b"\n", b"\r\n"),
        bare + b"\n",
    ):
        signed = parse_cms(given, max_bytes=100_000)
        signed.check_content(statement=b"statement")
        signed.check_signature()
        for trailing in (b"x", b"\0", b"-----END CMS-----", b"AAAA", pem):
            with pytest.raises(Refused) as caught:
                parse_cms(given + trailing, max_bytes=100_000)
            assert caught.value.code == "eds_malformed"


def test_a_page_that_does_not_trust_the_certificate_gets_no_further(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    with page(tmp_path, signer(sandbox, Manner())) as connection:
        host, port = connection.remote_address[:2]
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(f"wss://{host}:{port}/", ssl=ssl.create_default_context(), proxy=None)


def test_a_cancelling_person_gives_an_empty_body_and_the_page_may_ask_again(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    answers = iter([False, True])
    with page(tmp_path, signer(sandbox, Manner(ask=lambda: next(answers)))) as connection:
        assert asked(connection, REQUEST) == {"status": True, "body": {}}
        assert asked(connection, REQUEST)["body"]["result"].startswith("-----BEGIN CMS-----")


def test_manners_cancel_fail_and_delay(sandbox: SandboxProcess, tmp_path: Path) -> None:
    with page(tmp_path, signer(sandbox, Manner(cancels=True))) as connection:
        assert asked(connection, REQUEST) == {"status": True, "body": {}}
    with page(tmp_path, signer(sandbox, Manner(error="SIGNING_FAILURE"))) as connection:
        assert asked(connection, REQUEST)["code"] == "SIGNING_FAILURE"
    with page(tmp_path, signer(sandbox, Manner(delay_seconds=0.5))) as connection:
        started = time.monotonic()
        assert asked(connection, REQUEST)["status"] is True
        assert time.monotonic() - started >= 0.5


def test_malformed_messages_are_answered_and_the_connection_lives(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    with page(tmp_path, signer(sandbox, Manner())) as connection:
        for raw in ("", "{", "[1]", "[" * 50_000, b"\x00\x01"):
            connection.send(raw)
            assert json.loads(connection.recv(5))["status"] is False
        assert asked(connection, REQUEST)["status"] is True


def test_a_message_over_the_limit_closes_the_connection(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    with page(tmp_path, signer(sandbox, Manner())) as connection:
        # The other side may close before all of it was sent.
        with suppress(ConnectionClosed):
            connection.send("x" * (5 * 1024 * 1024))
        with pytest.raises(ConnectionClosed) as caught:
            connection.recv(10)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1009


def test_the_command_says_what_to_trust_and_as_whom_it_signs(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    arguments = [
        "--port",
        "0",
        "--sandbox",
        sandbox.url,
        "--state-dir",
        str(tmp_path),
        "--iin",
        IIN,
        "--cancel",
    ]
    command = [sys.executable, "-u", "-m", "insecure_sandbox.ncalayer", *arguments]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(9)]
        process.terminate()
    text = "".join(lines)
    assert f"signs as IIN {IIN} (gost512, valid)" in text
    assert str(tmp_path / "ncalayer-ca.pem") in text
    assert "certutil" in text
    assert loopback_tls(tmp_path).spki_sha256 in text


def test_the_command_says_so_where_no_sandbox_answers(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no sandbox answers"):
        fetch_credential("http://127.0.0.1:1", iin=IIN, family="rsa", state="valid")
