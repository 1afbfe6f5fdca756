"""Which adapter is asked is the operator's word alone; a missing word refuses."""

from dataclasses import dataclass

import pytest
from pytest_django import Settings

from verification.core.errors import Misconfigured
from verification.sources.installed import adapters, resolve, written

HERE = __name__


@dataclass
class Adapter:
    word: str


@dataclass
class InsecureAdapter:
    word: str


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
