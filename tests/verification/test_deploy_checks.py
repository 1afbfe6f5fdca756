"""Nothing live starts on less than a complete live set."""

import subprocess
import sys
from dataclasses import replace
from hashlib import sha256

import pytest

from verification.core.errors import Misconfigured
from verification.deploy_checks import check_live_set
from verification.routes import eds
from verification.workflow import readiness
from verification.workflow.readiness import live_is_complete

ANCHORS = {"directory": "/nonexistent"}
CRLS = {
    "adapter": "verification.sources.revocation.HttpRevocationSource",
    "options": {"crl_urls": {"gost512": ["http://crl.example/g.crl"], "rsa": ["http://crl.example/r.crl"]}},
}
ASKED = {
    name: {"adapter": f"verification.sources.{adapter}", "options": {"url": f"https://registers.example/{name}"}}
    for name, adapter in (
        ("person_registry", "person_registry.HttpPersonRegistry"),
        ("photo_registry", "photo_registry.HttpPhotoRegistry"),
        ("phone_registry", "phone_registry.HttpPhoneRegistry"),
        ("consent", "consent.HttpConsentSource"),
        ("sms", "sms.HttpSmsGateway"),
    )
}


@pytest.fixture
def complete(settings, tmp_path):
    """Settings under which live mode may run."""
    (tmp_path / "root.cer").write_bytes(b"a certificate")
    (tmp_path / "pins.txt").write_text(f"mode live\n{sha256(b'a certificate').hexdigest()} anchor\n")
    settings.TULGA_MODES_LIVE = True
    settings.TULGA_PUBLIC_URL = "https://tulga.example"
    settings.DEBUG = False
    settings.TULGA_KEYS_MADE_BY_DEMO = frozenset()
    live = {"revocation": CRLS, "trust_anchors": {"directory": tmp_path}, **ASKED}
    settings.TULGA_SOURCES = {"test": {}, "live": live}
    settings.TULGA_ROUTES = ["eds", "live_face"]
    return settings


def faults():
    return [error.msg for error in check_live_set(None)]


def test_a_complete_live_set_has_no_faults(complete):
    assert faults() == []
    assert live_is_complete()


def test_no_process_starts_on_an_unsafe_live_set(complete):
    readiness.refuse_unsafe_live()
    complete.DEBUG = True
    with pytest.raises(Misconfigured, match="TULGA_DEBUG"):
        readiness.refuse_unsafe_live()


@pytest.mark.parametrize(
    "start", [["-c", "import config.wsgi"], ["-m", "celery", "-A", "config", "worker", "--pool=solo"]]
)
def test_the_web_server_and_a_worker_do_not_start_on_one(start):
    command = ["env", "TULGA_MODES_LIVE=1", "DJANGO_SETTINGS_MODULE=config.settings", sys.executable, *start]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert "live mode is not safe" in ended.stdout + ended.stderr


def test_test_mode_alone_is_never_complete(settings):
    assert faults() == []
    assert not live_is_complete()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TULGA_PUBLIC_URL", "http://tulga.example", "not https"),
        ("DEBUG", True, "TULGA_DEBUG"),
        ("TULGA_KEYS_MADE_BY_DEMO", frozenset({"kek-1.key"}), "made by the demo"),
        ("TULGA_KEY_ENCRYPTION_KEYS", {}, "make_keys"),
        ("TULGA_INDEX_KEYS", {}, "make_keys"),
        ("TULGA_LOG_KEYS", {"test": b"x" * 32}, "live log"),
        ("TULGA_ROUTES", ["eds", "unknown"], "does not load"),
        ("TULGA_SOURCES", {"live": {}}, "has no revocation"),
        ("TULGA_SOURCES", {"live": {"revocation": CRLS, "trust_anchors": ANCHORS}}, "anchors"),
    ],
)
def test_each_missing_or_unsafe_part_is_named_and_keeps_live_from_running(complete, name, value, says):
    setattr(complete, name, value)
    assert any(says in fault for fault in faults())
    assert not live_is_complete()


@pytest.mark.parametrize("name", ASKED)
def test_a_live_set_without_a_register_or_gateway_names_it(complete, name):
    del complete.TULGA_SOURCES["live"][name]
    assert faults() == [f"TULGA_SOURCES['live'] has no {name}."]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": "http://registers.example/sms"}, "must be https"),
        ({"url": "https://registers.example/sms", "token_file": "/nonexistent"}, "cannot be read"),
        ({"url": ""}, "must start with"),
    ],
)
def test_a_live_source_that_could_not_be_asked_is_named_before_somebody_waits_for_it(complete, options, says):
    complete.TULGA_SOURCES["live"]["sms"] = ASKED["sms"] | {"options": options}
    (fault,) = faults()
    assert fault.startswith("Live source sms: ")
    assert says in fault


def test_a_live_source_that_is_insecure_or_the_sandbox_is_refused(complete):
    live = complete.TULGA_SOURCES["live"]
    live["revocation"] = {"adapter": "tests.insecure_thing.InsecureThing", "options": {}}
    assert any("insecure" in fault for fault in faults())
    urls = {"gost512": [f"{complete.TULGA_SANDBOX_URL}/crl/gost512"]}
    live["revocation"] = {**CRLS, "options": {"crl_urls": urls}}
    assert any("sandbox" in fault for fault in faults())


def test_a_route_whose_self_test_fails_keeps_live_from_running_and_says_why(complete, monkeypatch):
    def broken():
        raise Misconfigured("no GOST backend passes its self-test")

    monkeypatch.setattr(eds, "ROUTE", replace(eds.ROUTE, ready=broken))
    assert faults() == ["Route eds cannot judge: no GOST backend passes its self-test."]
