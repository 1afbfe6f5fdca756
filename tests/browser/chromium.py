"""Headless Chromiums, started once for a folder or a file of tests; each test has profiles of its
own.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connections
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.packages import SHELL, WHOLE

# Chromium takes the last list alone, so Playwright's own stands here once more. The popups of the
# address bar are two pages of Chromium's own, drawn ahead for every profile: they take as much of a
# core as the rest of a test.
_FEATURES_OFF = (
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxPopup",
)
_QUIET = [
    f"--disable-features={','.join(_FEATURES_OFF)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# With it a page seems to come from outside; the shell does not ask its person then, as a browser
# with windows does.
_ASKS = "--ip-address-space-overrides"


class Chromiums:
    """Browsers: one for each set of switches."""

    def __init__(self, playwright: Playwright, *, whole: str, shell: str) -> None:
        """`whole`, `shell`: the two programs."""
        self._playwright, self._whole, self._shell = playwright, whole, shell
        self._started: dict[tuple[str, ...], Browser] = {}

    def with_switches(self, *switches: str) -> Browser:
        """The browser with these switches; it is started when it is first asked for."""
        if switches not in self._started:
            asks = any(switch.startswith(_ASKS) for switch in switches)
            self._started[switches] = self._playwright.chromium.launch(
                executable_path=self._whole if asks else self._shell, args=[*_QUIET, *switches]
            )
        return self._started[switches]

    def forget(self) -> None:
        """Closes every profile, and with it the pages: nothing of one test is left for the next."""
        for browser in self._started.values():
            for context in browser.contexts:
                context.close()

    def close(self) -> None:
        """Ends every browser."""
        for browser in self._started.values():
            browser.close()


@contextmanager
def starting() -> Iterator[Chromiums]:
    """What starts browsers. Not for the whole run: other tests want no event loop beside them."""
    whole = shutil.which(WHOLE) or shutil.which("chromium-browser")
    if whole is None:
        pytest.skip("no Chromium here")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, in which Django would otherwise refuse to
        # ask the database.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        started = Chromiums(playwright, whole=whole, shell=shutil.which(SHELL) or whole)
        yield started
        started.close()
        # Beside a running event loop Django keeps connections apart from the usual ones; left open,
        # they would show later tests the database of these.
        connections.close_all()


@pytest.fixture(scope="module")
def chromiums(django_db_setup: None) -> Iterator[Chromiums]:
    """What starts browsers for one file of tests."""
    with starting() as browsers:
        yield browsers


@pytest.fixture
def chromium(chromiums: Chromiums) -> Iterator[Browser]:
    """A browser without further switches."""
    yield chromiums.with_switches()
    chromiums.forget()
