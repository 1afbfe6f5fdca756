"""A stand-in for NCALayer at wss://127.0.0.1:13579, so that a person can sign by hand without a
real key.

`python -m insecure_sandbox.ncalayer`. It signs for any page, with a key from the sandbox.
"""

import argparse
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final

import urllib3
from cryptography import x509
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from insecure_sandbox.credential import Credential
from insecure_sandbox.credential_fields import credential_from_fields
from insecure_sandbox.http_server import DEFAULT_PORT, loopback_address
from insecure_sandbox.ncalayer_protocol import GREETING, Cancelled, Complaint, Sign, Signer, answer
from insecure_sandbox.signing import sign_cms
from insecure_sandbox.tls_certificate import LoopbackTls, loopback_tls

PORT: Final = 13579  # NCALayer's own

_MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
_SECONDS: Final = 30.0  # for the sandbox to issue a certificate


@dataclass(frozen=True, kw_only=True)
class Manner:
    """The behaviour of the person at the keyboard. `error` is NCALayer's code; `ask` gives yes or
    no before a signature.

    `old`: NCALayer was never updated, and lacks the module basics.
    """

    cancels: bool = False
    error: str = ""
    delay_seconds: float = 0.0
    ask: Callable[[], bool] | None = None
    old: bool = False


def fetch_credential(sandbox_url: str, *, iin: str, family: str, state: str) -> Credential:
    """A fresh certificate and key of the sandbox's authority.

    Raises: `SystemExit` without one.
    """
    person = {"iin": iin, "surname": "ТЕСТОВ", "given_name": "ТЕСТ", "patronymic": "ТЕСТОВИЧ"}
    try:
        response = urllib3.request(
            "POST",
            f"{sandbox_url}/ca/credentials",
            json=person | {"family": family, "state": state},
            timeout=_SECONDS,
            redirect=False,
            retries=False,
        )
    except urllib3.exceptions.HTTPError as error:
        raise SystemExit(
            f"no sandbox answers at {sandbox_url}; start `python -m insecure_sandbox`"
        ) from error
    if response.status != 201:
        raise SystemExit(
            f"the sandbox answered {response.status}:"
            f" {response.data.decode('utf-8', 'replace')[:200]}"
        )
    return credential_from_fields(response.json())


def signer_for(credential: Credential, *, iin: str, manner: Manner) -> Signer:
    """The only key of this NCALayer, used with this behaviour."""
    certificate = x509.load_der_x509_certificate(credential.certificate)
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return Signer(
        iin=iin,
        extended_key_usages=frozenset(usage.dotted_string for usage in usages),
        sign=_signing(credential, manner=manner),
        old=manner.old,
    )


def start(signer: Signer, *, tls: LoopbackTls, host: str = "127.0.0.1", port: int = PORT) -> Server:
    """A bound server, to run with `serve_forever`; port 0 takes a free one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.server)
    # One thread reads a session ticket while another writes: OpenSSL then may hang, measured in 4
    # of 640 handshakes.
    context.num_tickets = 0

    def converse(connection: ServerConnection) -> None:
        _converse(connection, signer)

    return serve(
        converse,
        loopback_address(host),
        port,
        ssl=context,
        max_size=_MAX_MESSAGE_BYTES,
        compression=None,
    )


def _signing(credential: Credential, *, manner: Manner) -> Sign:
    one_dialog = Lock()

    def sign(content: bytes, attached: bool) -> bytes:
        with one_dialog:
            time.sleep(manner.delay_seconds)
            if manner.error:
                raise Complaint(manner.error, "scripted error")
            if manner.cancels or (manner.ask is not None and not manner.ask()):
                raise Cancelled
            return sign_cms(credential, content, attached=attached, signed_at=datetime.now(UTC))

    return sign


def _converse(connection: ServerConnection, signer: Signer) -> None:
    origin = connection.request.headers.get("Origin", "none") if connection.request else "none"
    _say(f"connected: page {origin[:200]!a}")
    try:
        connection.send(GREETING)
        for untrusted_message in connection:
            connection.send(answer(untrusted_message, signer=signer))
            _say(f"answered: page {origin[:200]!a}")
    except ConnectionClosed as closed:
        _say(f"closed: {type(closed).__name__}")


def _ask_in_terminal() -> bool:
    try:
        return input("A page asks for a signature. Sign? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _say(line: str) -> None:
    sys.stdout.write(f"ncalayer {line}\n")
    sys.stdout.flush()


def _explain(arguments: argparse.Namespace, tls: LoopbackTls, *, port: int) -> None:
    authority = tls.authority.resolve()
    _say(
        f"at wss://{arguments.host}:{port}, signs as IIN {arguments.iin} ({arguments.family},"
        f" {arguments.state})"
    )
    _say(
        "the browser must trust this certificate (it is good for this machine only; its key is not"
        " kept):"
    )
    _say(f"  {authority}")
    _say("Chromium, Chrome (certutil is in the package libnss3-tools):")
    _say(
        "  mkdir -p $HOME/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -N --empty-password  #"
        " where there is none"
    )
    _say(f'  certutil -d sql:$HOME/.pki/nssdb -A -t "C,," -n tulga-sandbox -i {authority}')
    _say("  or start it with a profile of its own: --user-data-dir=$HOME/tulga-borrower")
    _say(f"    --ignore-certificate-errors-spki-list={tls.spki_sha256}")
    _say("Firefox: Settings, Certificates, View, Authorities, Import: websites;")
    _say(f"  or open https://{arguments.host}:{port} once and accept the exception")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m insecure_sandbox.ncalayer", description=__doc__
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="a loopback address; any other is refused"
    )
    parser.add_argument("--port", type=int, default=PORT, help="pages know only %(default)s")
    parser.add_argument(
        "--sandbox", default=f"http://127.0.0.1:{DEFAULT_PORT}", help="default %(default)s"
    )
    parser.add_argument(
        "--state-dir", type=Path, default=Path("var/sandbox"), help="for the TLS certificate"
    )
    parser.add_argument(
        "--iin", default="900101900015", help="the signer's IIN (default %(default)s)"
    )
    parser.add_argument("--family", choices=("gost512", "rsa"), default="gost512")
    parser.add_argument("--state", choices=("valid", "revoked", "expired"), default="valid")
    parser.add_argument("--cancel", action="store_true", help="the person closes the dialog")
    parser.add_argument("--error", default="", metavar="CODE", help="such as SIGNING_FAILURE")
    parser.add_argument(
        "--delay", type=float, default=0.0, metavar="SECONDS", help="before each signature's answer"
    )
    parser.add_argument(
        "--ask", action="store_true", help="ask in this terminal before each signature"
    )
    parser.add_argument(
        "--old", action="store_true", help="an NCALayer without basics: only commonUtils signs"
    )
    return parser


def main() -> None:
    """Command line; Ctrl-C ends it."""
    arguments = _parser().parse_args()
    loopback_address(arguments.host)
    ask = _ask_in_terminal if arguments.ask else None
    manner = Manner(
        cancels=arguments.cancel,
        error=arguments.error,
        delay_seconds=arguments.delay,
        ask=ask,
        old=arguments.old,
    )
    credential = fetch_credential(
        arguments.sandbox, iin=arguments.iin, family=arguments.family, state=arguments.state
    )
    tls = loopback_tls(arguments.state_dir)
    signer = signer_for(credential, iin=arguments.iin, manner=manner)
    try:
        serving = start(signer, tls=tls, host=arguments.host, port=arguments.port)
    except OSError as error:
        raise SystemExit(
            f"port {arguments.port}: {error.strerror}. Is NCALayer running? Close it first."
        ) from error
    with serving as server:
        _explain(arguments, tls, port=server.socket.getsockname()[1])
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            _say("stopped")


if __name__ == "__main__":
    main()
