"""Which adapter is asked is the operator's word alone; a missing word refuses."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_django import Settings

from config.sources import at_sandbox
from verification.core.errors import Misconfigured
from verification.sources.asking import HttpAdapter
from verification.sources.installed import adapters, resolve, written
from verification.sources.sms_mobizon import MobizonGateway
from verification.sources.sms_smsc import SmscGateway

HERE = __name__


@dataclass
class Adapter:
    word: str
    source: str = "clock"


@dataclass
class InsecureAdapter:
    word: str
    source: str = "clock"


def entry(name: str = "Adapter", **options: str) -> dict[str, object]:
    return {"adapter": f"{HERE}.{name}", "options": options}


def test_the_adapter_of_the_mode_is_built_with_its_options(settings: Settings) -> None:
    settings.TULGA_SOURCES = {
        "test": {"clock": entry(word="test")},
        "live": {"clock": entry(word="live")},
    }
    assert resolve("test", "clock") == Adapter("test")
    assert resolve("live", "clock") == Adapter("live")


@pytest.mark.parametrize(
    "sources",
    [
        None,
        {},
        {"test": None},
        {"test": {}},
        {"live": {"clock": entry(word="x")}},
        {"test": {"other": entry(word="x")}},
        {"test": {"clock": {}}},
        {"test": {"clock": entry(word="x"), "other": "x"}},
        {"test": {"clock": {"options": {"word": "x"}}}},
        {"test": {"clock": {"adapter": f"{HERE}.Adapter", "options": ["x"]}}},
        {"test": {"clock": entry("Missing", word="x")}},
        {"test": {"clock": {"adapter": "no.such.module", "options": {}}}},
        {"test": {"clock": entry(wrong="x")}},
        {"test": {"clock": entry()}},
        {"test": {"clock": entry(word="x", source="other")}},
    ],
)
def test_anything_missing_or_wrong_is_a_misconfiguration(
    settings: Settings, sources: object
) -> None:
    settings.TULGA_SOURCES = sources
    with pytest.raises(Misconfigured):
        resolve("test", "clock")


def test_an_unset_setting_is_a_misconfiguration(settings: Settings) -> None:
    settings.TULGA_SOURCES = {}
    del settings.TULGA_SOURCES
    with pytest.raises(Misconfigured):
        resolve("test", "clock")


def test_an_insecure_adapter_works_in_test_and_never_in_live(settings: Settings) -> None:
    insecure = {"clock": entry("InsecureAdapter", word="x")}
    settings.TULGA_SOURCES = {"test": insecure, "live": insecure}
    assert resolve("test", "clock") == InsecureAdapter("x")
    with pytest.raises(Misconfigured, match="insecure"):
        resolve("live", "clock")


def test_deployment_checks_can_read_what_is_configured(settings: Settings) -> None:
    settings.TULGA_SOURCES = {
        "test": {"clock": entry(word="x"), "trust_anchors": {"directory": "d"}},
        "live": {},
    }
    assert adapters("test") == {"clock": f"{HERE}.Adapter"}
    assert adapters("live") == {}
    assert written("test")["trust_anchors"] == {"directory": "d"}
    assert "clock" in written("test")
    assert "clock" not in written("live")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("smcs", "no adapter 'smcs' of sms can be found"),
        ("HTTP", "no adapter 'HTTP' of sms can be found"),
        ("mobizon.", "no adapter 'mobizon.' of sms can be found"),
        ("../smsc", "no adapter '../smsc' of sms can be found"),
        (f"{HERE}.Missing", "http, mobizon, smsc"),
        ("verification.sources.person_registry.ADAPTER", "does not say that it asks sms"),
        ("builtins.dict", "does not say that it asks sms"),
    ],
)
def test_a_wrong_name_is_refused_with_what_may_be_named(
    settings: Settings, name: str, says: str
) -> None:
    options = {"url": "https://sms.example"} if "person" in name else {}
    settings.TULGA_SOURCES = {"live": {"sms": {"adapter": name, "options": options}}}
    with pytest.raises(Misconfigured, match=re.escape(says)) as caught:
        resolve("live", "sms")
    assert caught.value.code == "adapter_unknown"


def test_ours_are_named_by_a_short_name(settings: Settings, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_text("an-api-key-of-the-operator")
    for name, kind in (("smsc", SmscGateway), ("mobizon", MobizonGateway)):
        live = {"sms": {"adapter": name, "options": {"token_file": str(key)}}}
        settings.TULGA_SOURCES = {"live": live}
        assert isinstance(resolve("live", "sms"), kind)
    settings.TULGA_SOURCES = {
        "live": {"sms": {"adapter": "http", "options": {"url": "https://sms.example"}}}
    }
    assert isinstance(resolve("live", "sms"), HttpAdapter)


@pytest.mark.parametrize("name", at_sandbox("http://127.0.0.1:9"))
def test_every_source_of_the_test_set_has_its_adapter(settings: Settings, name: str) -> None:
    settings.TULGA_SOURCES = {"test": at_sandbox("http://127.0.0.1:9")}
    assert resolve("test", name).source == name
