"""A page talks to the sandbox's NCALayer over a real TLS WebSocket."""

import json
import ssl
from base64 import b64encode
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
from tests.insecure_sandbox_process import SandboxProcess
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
