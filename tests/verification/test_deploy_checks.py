"""Nothing live starts on less than a complete live set."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from django.core import checks
from django.db import connection

from config import celery
from config.imprint import Operator
from tests.verification.engines.liveness import insecure_detectors
from verification import clock, routes
from verification.case import stages
from verification.case.stages import live_is_complete
from verification.core import profiles
from verification.core.errors import Misconfigured, TokenUnreadable
from verification.deploy_checks import check_live_set
from verification.engines.faces import backends
from verification.engines.faces.backends import Choice
from verification.engines.liveness import passive
from verification.management.commands.make_keys import make_missing
from verification.stages import live_capture, statement
from verification.stages.register import CONSENT

ANCHORS = {"directory": "/nonexistent"}

CRLS = {
    "adapter": "verification.sources.revocation.HttpRevocationSource",
    "options": {
        "crl_urls": {"gost512": ["http://crl.example/g.crl"], "rsa": ["http://crl.example/r.crl"]}
    },
}

ASKED = {
    name: {
        "adapter": f"verification.sources.{adapter}",
        "options": {"url": f"https://registers.example/{name}"},
    }
    for name, adapter in (
        ("person_registry", "person_registry.HttpPersonRegistry"),
        ("photo_registry", "photo_registry.HttpPhotoRegistry"),
        ("phone_registry", "phone_registry.HttpPhoneRegistry"),
        ("consent", "consent.HttpConsentSource"),
        ("sms", "sms.HttpSmsGateway"),
        ("stop_credit", "stop_credit.HttpStopCredit"),
        ("account_owner", "account_owner.HttpAccountOwner"),
    )
}


def put(monkeypatch, route, *stages):
    """The route has these stages."""
    monkeypatch.setitem(routes.ROUTES, route.name, replace(route, stages=stages))


@pytest.fixture
def complete(settings, tmp_path):
    """Settings under which live mode may run."""
    (tmp_path / "root.cer").write_bytes(b"a certificate")
    (tmp_path / "pins.txt").write_text(
        f"mode live\n{sha256(b'a certificate').hexdigest()} anchor\n"
    )
    settings.TULGA_MODES_LIVE = True
    settings.TULGA_PUBLIC_URL = "https://tulga.example"
    settings.DEBUG = False
    settings.TULGA_OPERATOR = Operator(
        "ТОО «Оператор»", "120340000133", "010000, Астана", "+7 7172 00 00 00"
    )
    settings.TULGA_KEYS_MADE_BY_DEMO = frozenset()
    settings.TULGA_PROCESS, settings.TULGA_OTHERS_KEYS = "worker", []
    live = {"revocation": CRLS, "trust_anchors": {"directory": tmp_path}, **ASKED}
    settings.TULGA_SOURCES = {"test": {}, "live": live}
    settings.TULGA_ROUTES = ["eds", "live_face"]
    return settings


class TokenOfWorkers:
    """The adapter of a process whose user may not read the token."""

    def __init__(self, **options):
        raise TokenUnreadable("the token file of sms is another user's")


def faults():
    return [error.msg for error in check_live_set(None)]


def test_a_complete_live_set_has_no_faults(complete):
    assert faults() == []
    assert live_is_complete()


@pytest.mark.parametrize("name", ["name", "bin", "address", "telephone"])
def test_an_operator_without_contact_details_is_a_fault(complete, name):
    complete.TULGA_OPERATOR = replace(complete.TULGA_OPERATOR, **{name: ""})
    assert faults() == [
        f"TULGA_OPERATOR_{name.upper()} is empty: /about could not say who runs this address."
    ]


def test_a_route_that_no_release_knows_is_a_fault(complete, monkeypatch):
    fewer = {
        name: check for name, check in statement.STAGE.checks.items() if name != "eds.revocation"
    }
    put(monkeypatch, routes.EDS, statement.STAGE.differing(checks=fewer))
    assert faults() == [
        "Route eds matches no release in core/releases.py: its verdicts could not be verified."
    ]


def test_web_needs_the_public_half_of_the_senders_key(complete):
    complete.TULGA_WEBHOOK_PUBLIC_KEYS = {}
    assert faults() == []  # a worker seals no secret of webhooks
    complete.TULGA_PROCESS = "web"
    [fault] = faults()
    assert "No webhook-N.pub in public/" in fault


def test_web_and_workers_need_the_public_half_of_the_key_of_evidence(complete):
    complete.TULGA_EVIDENCE_PUBLIC_KEYS = {}
    for process in ("web", "worker"):
        complete.TULGA_PROCESS = process
        [fault] = faults()
        assert "No evidence-N.pub in public/" in fault
    complete.TULGA_PROCESS = "tick"
    assert faults() == []


def test_no_process_starts_on_an_unsafe_live_set(complete):
    stages.refuse_unsafe_live()
    complete.DEBUG = True
    with pytest.raises(Misconfigured, match="TULGA_DEBUG"):
        stages.refuse_unsafe_live()


_STARTS = [["-c", "import config.wsgi"], ["-m", "celery", "-A", "config", "worker", "--pool=solo"]]


@pytest.mark.service
@pytest.mark.usefixtures("django_db_setup")  # without tables they would be what is told
@pytest.mark.parametrize("start", _STARTS)
def test_the_web_server_and_a_worker_do_not_start_on_one(start):
    command = [
        "env",
        "TULGA_MODES_LIVE=1",
        "TULGA_PROCESS=",
        "DJANGO_SETTINGS_MODULE=config.settings",
        sys.executable,
        *start,
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert "live mode is unsafe" in ended.stdout + ended.stderr


@pytest.mark.service
@pytest.mark.usefixtures("django_db_setup")  # the same
@pytest.mark.parametrize("start", _STARTS)
def test_after_an_upgrade_nothing_starts_before_there_is_a_key_for_documents(start, tmp_path):
    for path in make_missing(tmp_path / "keys", made_by="operator"):
        if path.name.startswith(("document-", "door-")):
            path.unlink()
    variables = [f"TULGA_KEYS_DIR={tmp_path / 'keys'}", "TULGA_PROCESS="]
    of_before = [
        "env",
        *variables,
        "DJANGO_SETTINGS_MODULE=config.settings",
        sys.executable,
        *start,
    ]
    ended = subprocess.run(of_before, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert "a key of test mode is missing" in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("process", "missing"),
    [
        ("worker", {"TULGA_DOCUMENT_KEYS": {"live": {1: b"x" * 32}}}),
        ("worker", {"TULGA_SIGNING_KEYS": {"decision": {}, "door": {}, "sender": {}}}),
        ("web", {"TULGA_SIGNING_KEYS": {"decision": {}, "door": {}, "sender": {}}}),
        ("sender", {"TULGA_SIGNING_KEYS": {"decision": {}, "door": {}, "sender": {}}}),
        ("tick", {"TULGA_LOG_KEYS": {"live": b"x" * 32}}),
    ],
)
def test_a_process_needs_its_keys_of_test_mode_whatever_live_has(settings, process, missing):
    settings.TULGA_PROCESS = process
    stages.refuse_unsigned()
    for name, value in missing.items():
        setattr(settings, name, value)
    with pytest.raises(Misconfigured, match="make_keys"):
        stages.refuse_unsigned()


def test_an_uncertified_key_keeps_its_process_from_starting(settings):
    settings.TULGA_UNCERTIFIED_KEYS = ("decision-test-2",)
    with pytest.raises(Misconfigured, match=r"certified decision-test-2.*\n.*certify_keys"):
        stages.refuse_unsigned()


def test_test_mode_alone_is_never_complete(settings):
    assert faults() == []
    assert not live_is_complete()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TULGA_PUBLIC_URL", "http://tulga.example", "not https"),
        ("DEBUG", True, "TULGA_DEBUG"),
        ("TULGA_KEYS_MADE_BY_DEMO", frozenset({"kek-1.key"}), "made by the demo"),
        ("TULGA_CERTIFIED", (), "No certified public key of kind decision"),
        ("TULGA_PROCESS", "every", "everything in one process"),
        ("TULGA_OTHERS_KEYS", ["root/root.key"], "give each process its own user"),
        ("TULGA_ROUTES", ["eds", "unknown"], "does not load"),
        ("TULGA_SOURCES", {"live": {}}, "has no revocation"),
        ("TULGA_SOURCES", {"live": {"revocation": CRLS, "trust_anchors": ANCHORS}}, "anchors"),
    ],
)
def test_each_missing_or_unsafe_part_is_named_and_keeps_live_from_running(
    complete, name, value, says
):
    setattr(complete, name, value)
    assert any(says in fault for fault in faults())
    assert not live_is_complete()


@pytest.mark.parametrize("name", ASKED)
def test_a_live_set_without_a_register_or_gateway_names_it(complete, name):
    del complete.TULGA_SOURCES["live"][name]
    assert faults() == [f"TULGA_SOURCES['live'] has no {name}."]


def test_a_bureau_of_all_lenders_may_be_missing_and_may_not_be_the_sandbox(complete):
    live = complete.TULGA_SOURCES["live"]
    url = f"{complete.TULGA_SANDBOX_URL}/credit_bureau"
    live["credit_bureau"] = {
        "adapter": "verification.sources.credit_bureau.HttpCreditBureau",
        "options": {"url": url},
    }
    assert faults() == ["TULGA_SOURCES['live']['credit_bureau'] points to the sandbox."]
    del live["credit_bureau"]
    assert faults() == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": "http://registers.example/sms"}, "must be https"),
        ({"url": "https://registers.example/sms", "token_file": "/nonexistent"}, "cannot be read"),
        ({"url": ""}, "must start with"),
    ],
)
def test_a_live_source_that_could_not_be_asked_is_named_before_somebody_waits_for_it(
    complete, options, says
):
    complete.TULGA_SOURCES["live"]["sms"] = ASKED["sms"] | {"options": options}
    (fault,) = faults()
    assert fault.startswith("Live source sms: ")
    assert says in fault


def test_an_adapter_that_is_not_there_is_named_with_those_that_are(complete):
    complete.TULGA_SOURCES["live"]["sms"] = {"adapter": "smcs", "options": {}}
    (fault,) = faults()
    assert fault.startswith("Live source sms: no adapter 'smcs' of sms can be found")
    assert "name one of ours (http, mobizon, smsc), or the dotted path of your own" in fault
    assert not live_is_complete()


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

    put(monkeypatch, routes.EDS, statement.STAGE.differing(ready=broken))
    assert faults() == ["Route eds cannot judge: no GOST backend passes its self-test."]


def test_a_face_net_whose_calibration_admits_too_many_strangers_keeps_live_from_running(
    complete, monkeypatch
):
    def unfit():
        return {
            "calibration": "own",
            "unfit_for_live": ["calibration own may match wrongly more often than 2e-04"],
        }

    complete.TULGA_ROUTES, capture = ["biometric"], CONSENT.beside(live_capture.STAGE)
    put(monkeypatch, routes.BIOMETRIC, capture.differing(ready=lambda: {"unfit_for_live": []}))
    assert faults() == []
    put(monkeypatch, routes.BIOMETRIC, capture.differing(ready=unfit))
    assert faults() == ["Route biometric: calibration own may match wrongly more often than 2e-04."]


def test_the_shipped_face_net_and_calibration_may_run_live(complete):
    complete.TULGA_ROUTES = ["biometric", "live_face"]
    assert faults() == []
    for said in stages.route_readiness().values():
        assert said.in_use["backend"] == "sface-onnx"
        assert said.in_use["embedding"] == "sface-2021dec-yunet5/single-l2"
        assert said.in_use["calibration"] == "lfw-2026-11.sface-single-l2"
        assert "FMR" in str(said.in_use["calibration_told"])
        assert len(str(said.in_use["model_sha256"])) == 64


def test_live_mode_says_at_start_how_often_faces_are_taken_for_others_and_on_whose_word(complete):
    complete.TULGA_ROUTES = ["biometric", "live_face"]
    (told,) = stages.calibrations()
    for word in (
        "match ≤ 1, review ≤ 1.08",
        "east-asian (quoted, 192247 impostor pairs)",
        "FMR 1.0e-04",
        "FNMR 0.043",
        "by person 0.087",
        "median-of-5: match ≤ 1",
        "undocumented",
    ):
        assert word in told
    complete.TULGA_MODES_LIVE = False
    assert stages.calibrations() == []


def test_live_mode_says_at_start_what_an_installed_detector_of_attacks_is_worth(
    complete, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("detector")
    complete.TULGA_ROUTES = ["biometric", "live_face"]
    passive.use(insecure_detectors.install(folder, insecure_detectors.saying(1.0)))
    try:
        (_, told) = stages.calibrations()
        names = {str(said.in_use["passive"]) for said in stages.route_readiness().values()}
        assert faults() == []
        passive.use(
            insecure_detectors.install(
                folder, insecure_detectors.saying(1.0), of_net={"sha256": "ab" * 32}
            )
        )
        (fault, _) = faults()
    finally:
        passive.use(None)
    assert "APCER prints 0.389 (7 of 18" in told
    assert {name.partition("@")[0] for name in names} == {"small"}
    assert fault.startswith(
        "Route biometric cannot judge: the passive detector's 0.onnx is not the one"
    )


@pytest.mark.django_db
@pytest.mark.parametrize("is_live", [True, False])
def test_a_worker_tells_it_as_it_starts_in_live_mode(is_live, complete, caplog):
    if is_live and connection.vendor == "postgresql":
        pytest.skip("the tests' role may do more than a worker's")
    complete.TULGA_ROUTES, complete.TULGA_MODES_LIVE = ["biometric", "live_face"], is_live
    celery._refuse_to_start()
    told = [record.getMessage() for record in caplog.records if record.name == "config.celery"]
    assert [
        ("match ≤ 1, review ≤ 1.08" in sentence, "FMR 1.0e-04" in sentence) for sentence in told
    ] == [(True, True)] * is_live


def test_without_the_built_face_model_both_camera_routes_say_what_to_run(complete, tmp_path):
    complete.TULGA_ROUTES = ["biometric", "live_face"]
    backends.use(Choice(models=tmp_path / "empty"))
    try:
        assert [said.detail for said in stages.route_readiness().values()] == [
            "cannot judge: the face model is not built: run manage.py build_face_model"
        ] * 2
    finally:
        backends.use(Choice(models=complete.TULGA_FACE_MODELS_DIR))


@pytest.mark.parametrize("process", ["web", "tick", "sender"])
def test_a_token_that_only_workers_may_read_keeps_no_other_process_from_starting(complete, process):
    live = complete.TULGA_SOURCES["live"]
    live["sms"] = {"adapter": f"{__name__}.TokenOfWorkers", "options": {}}
    complete.TULGA_PROCESS = process
    assert faults() == []


def test_a_worker_that_may_not_read_its_token_does_not_start(complete):
    live = complete.TULGA_SOURCES["live"]
    live["sms"] = {"adapter": f"{__name__}.TokenOfWorkers", "options": {}}
    assert faults() == ["Live source sms: the token file of sms is another user's."]


# A deployment is told in December that the next year has no value of the MCI.


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 11, 30, 18, 59, tzinfo=UTC), []),
        (datetime(2026, 11, 30, 19, tzinfo=UTC), ["tulga.W901"]),  # 1 December in Almaty
        (datetime(2026, 12, 31, 18, 59, tzinfo=UTC), ["tulga.W901"]),
        (datetime(2026, 12, 31, 19, tzinfo=UTC), ["tulga.E901"]),
    ],
)
def test_a_year_without_an_mci_is_missed_from_december_and_stops_nothing(
    settings, monkeypatch, at, expected
):
    settings.TULGA_MODES_LIVE = True
    monkeypatch.setattr(clock, "now", lambda: at)
    monkeypatch.setattr(
        profiles,
        "MCI_VALUES",
        [one for one in profiles.MCI_VALUES if one.in_force_from.year <= 2026],
    )

    def named():
        found = checks.run_checks(tags=[stages.LIVE_TAG], include_deployment_checks=True)
        return [one.id for one in found if one.id in ("tulga.W901", "tulga.E901")]

    assert named() == expected
    told = checks.run_checks(tags=[stages.LIVE_TAG], include_deployment_checks=True)
    assert ["take_law" in str(message.hint) for message in told if message.id in expected] == [
        True
    ] * len(expected)
    assert not any("MCI" in str(one.msg) for one in checks.run_checks(tags=[stages.LIVE_TAG]))
    monkeypatch.setattr(
        profiles,
        "MCI_VALUES",
        [*profiles.MCI_VALUES, profiles.Mci(at.date().replace(2027, 1, 1), 4500, "a test")],
    )
    assert named() == []
    settings.TULGA_MODES_LIVE = False
    monkeypatch.setattr(profiles, "MCI_VALUES", ())
    assert named() == []
