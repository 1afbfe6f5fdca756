"""Where `manage.py tulga_trigger` takes its key from: nowhere that another user of the machine can
read.
"""

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from lenders.management.commands import tulga_trigger

KEY = "tlg_test_x"


@pytest.fixture
def used(monkeypatch):
    """The keys by which events were asked for; nothing is called."""
    keys = []

    def bring_about(trigger, event, *, seconds):
        keys.append(trigger.key)
        return {"type": event, "id": "evt_1", "lender_sequence": 1}

    monkeypatch.setattr(tulga_trigger, "bring_about", bring_about)
    monkeypatch.delenv("TULGA_KEY", raising=False)
    return keys


def trigger(*given):
    call_command("tulga_trigger", "verification.created", *given, stdout=io.StringIO())


def test_it_is_taken_from_the_environment_a_file_or_the_input(used, monkeypatch, tmp_path):
    (tmp_path / "key").write_text(f"{KEY}file\n")
    trigger("--key-file", str(tmp_path / "key"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{KEY}input\n"))
    trigger("--key-file", "-")
    monkeypatch.setenv("TULGA_KEY", f"{KEY}variable")
    trigger()
    assert used == [f"{KEY}file", f"{KEY}input", f"{KEY}variable"]


def test_the_command_line_takes_none(used):
    with pytest.raises(CommandError):
        trigger("--key", KEY)
    assert used == []


@pytest.mark.parametrize("given", [(), ("--key-file", "/nonexistent/key")])
def test_without_one_nothing_is_asked(used, given):
    with pytest.raises(CommandError) as refused:
        trigger(*given)
    assert ("TULGA_KEY" if not given else "FileNotFoundError") in str(refused.value)
    assert used == []
