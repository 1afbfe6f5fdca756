"""A real Chromium, and a sandbox's NCALayer that it trusts."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from playwright.sync_api import Browser
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from websockets.sync.server import Server, ServerConnection, serve

from insecure_sandbox.credential import Credential
from insecure_sandbox.ncalayer import Manner, signer_for, start
from insecure_sandbox.tls_certificate import LoopbackTls, loopback_tls
from tests.browser.chromium import Chromiums, starting
from tests.verification.borrower import catalogues
from tests.verification.stories.conftest import Issued, authorities, issued, trusted
from tests.verification.stories.story import IIN, Story, begin, lender

__all__ = ["Issued", "authorities", "issued", "trusted"]

Launch = Callable[..., Browser]


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    catalogues.compile_changed()


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> LoopbackTls:
    """The certificate of the sandbox's NCALayer."""
    return loopback_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="package")
def chromiums(django_db_setup: None) -> Iterator[Chromiums]:
    """What starts browsers for all files of this folder: to start one takes as much of a core as a
    test.
    """
    with starting() as browsers:
        yield browsers


@pytest.fixture
def launch(chromiums: Chromiums, tls: LoopbackTls) -> Iterator[Launch]:
    """Gives headless Chromiums that trust the sandbox's NCALayer; further switches are
    arguments.
    """
    trust = f"--ignore-certificate-errors-spki-list={tls.spki_sha256}"
    yield lambda *switches: chromiums.with_switches(trust, *switches)
    chromiums.forget()


class Desk:
    """The borrower's desk: NCALayer can be started on it, and a page of these settings knows
    where.
    """

    def __init__(self, tls: LoopbackTls, settings: Settings) -> None:
        self._tls, self._settings = tls, settings

    @contextmanager
    def ncalayer(self, credential: Credential, manner: Manner | None = None) -> Iterator[None]:
        """NCALayer is running, with one key and a person of this manner before it."""
        signer = signer_for(credential, iin=IIN, manner=manner or Manner())
        with start(signer, tls=self._tls, port=0) as server, self._running(server):
            yield

    @contextmanager
    def impostor(self, converse: Callable[[ServerConnection], None]) -> Iterator[None]:
        """Another programme listens where NCALayer would, and talks in its own way."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._tls.server)
        with serve(converse, "127.0.0.1", 0, ssl=context) as server, self._running(server):
            yield

    @contextmanager
    def _running(self, server: Server) -> Iterator[None]:
        Thread(target=server.serve_forever, daemon=True).start()
        self._settings.TULGA_NCALAYER_URL = f"wss://127.0.0.1:{server.socket.getsockname()[1]}"
        yield
        server.shutdown()

    def empty(self) -> None:
        """Nothing listens where NCALayer would."""
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self._settings.TULGA_NCALAYER_URL = f"wss://127.0.0.1:{unused.getsockname()[1]}"


@pytest.fixture
def desk(tls: LoopbackTls, settings: Settings) -> Desk:
    """Where the borrower sits. Nothing runs on it yet."""
    made = Desk(tls, settings)
    made.empty()
    return made


@pytest.fixture
def site(live_server: LiveServer, settings: Settings) -> str:
    """Where the pages are."""
    settings.TULGA_PUBLIC_URL = live_server.url
    return live_server.url


@pytest.fixture
def at(site: str, settings: Settings) -> str:
    """Where the pages are: at localhost, because a passkey needs a name."""
    settings.TULGA_PUBLIC_URL = site.replace("127.0.0.1", "localhost")
    return str(settings.TULGA_PUBLIC_URL)


@pytest.fixture
def story(site: str) -> Story:
    """A verification that waits for its borrower."""
    return begin(lender("ТОО «МФО Первый кредит»"))
