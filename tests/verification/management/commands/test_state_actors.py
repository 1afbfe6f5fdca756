"""On the day live mode is turned on, people and lenders enter its log; before, they act in none."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests import registered
from verification import transactions
from verification.log import actors
from verification.log.verify_actors import verify_actors
from verification.management.commands.make_keys import ROOT_KEY

ROOT = settings.TULGA_KEYS_DIR / ROOT_KEY
pytestmark = pytest.mark.django_db(transaction=True)


def run(**way: Any) -> list[str]:
    out = StringIO()
    call_command("state_actors", stdout=out, **(way or {"root": ROOT}))
    return out.getvalue().splitlines()


def test_it_states_each_once_and_names_it(settings: Any) -> None:
    lender = registered.lender(name="Ақша LLP", bin="180440012349", phone="+77270000044")
    person = registered.person(email="r@example.kz", full_name="R", role="regulator")
    settings.TULGA_MODES_LIVE = True
    assert [finding.code for finding in verify_actors()] == ["row_unsaid", "row_unsaid"]
    entered = [f"{lender.pk} {lender.bin}", f"{person.pk} regulator"]
    assert run() == [*entered, "2 stated in the live log"]
    assert actors.read("live", [lender.pk, person.pk]).keys() == {lender.pk, person.pk}
    assert run() == ["0 stated in the live log"]
    assert list(verify_actors()) == []


def test_it_does_not_restate_a_row_that_was_changed(settings: Any) -> None:
    settings.TULGA_MODES_LIVE = True
    lender = registered.lender(name="Ақша LLP", bin="180440012349", phone="+77270000044")
    type(lender).objects.update(phone="+77019999999")
    with pytest.raises(CommandError, match=f"not entered: {lender.pk}"):
        run()
    assert {finding.field for finding in verify_actors()} == {"phone"}


def test_a_row_that_was_changed_before_is_not_entered(settings: Any) -> None:
    lender = registered.lender(name="Ақша LLP", bin="180440012349", phone="+77270000044")
    type(lender).objects.update(return_urls=["https://thief.example"])
    settings.TULGA_MODES_LIVE = True
    with pytest.raises(CommandError, match=f"not entered: {lender.pk}"):
        run()
    assert actors.read("live", [lender.pk]) == {}


def test_changes_while_live_mode_was_off_are_entered_when_it_is_on_again(settings: Any) -> None:
    settings.TULGA_MODES_LIVE = True
    lender = registered.lender(name="Ақша LLP", bin="180440012349", phone="+77270000044")
    settings.TULGA_MODES_LIVE = False
    lender.phone = "+77270000045"
    registered.saved(lender)
    settings.TULGA_MODES_LIVE = True
    assert run() == [f"{lender.pk} {lender.bin}", "1 stated in the live log"]
    assert list(verify_actors()) == []


@pytest.mark.usefixtures("no_root")
def test_the_root_signs_elsewhere_what_live_mode_takes(settings: Any, tmp_path: Path) -> None:
    lender = registered.lender(name="Ақша LLP", bin="180440012349", phone="+77270000044")
    settings.TULGA_MODES_LIVE = True
    request, signed = tmp_path / "request.json", tmp_path / "signed.json"
    assert run(request=request)[-1] == "1 to be signed for the live log"
    assert actors.read("live", [lender.pk]) == {}
    call_command("sign_actors", request, signed, root=ROOT, stdout=StringIO())
    assert run(signed=signed)[-1] == "1 stated in the live log"
    assert list(verify_actors()) == []


@pytest.mark.usefixtures("no_root")
@pytest.mark.parametrize(
    ("content", "detail"),
    [("{}", "the root did not sign"), ("[]", "no file of sign_actors"), ("{", "cannot be read")],
)
def test_a_file_without_the_roots_signature_states_nothing(
    settings: Any, tmp_path: Path, content: str, detail: str
) -> None:
    lender = registered.lender(name="Ақша LLP", bin="180440012349", phone="+77270000044")
    settings.TULGA_MODES_LIVE = True
    signed = tmp_path / "signed.json"
    signed.write_text(content)
    with pytest.raises(CommandError, match=detail):
        run(signed=signed)
    assert actors.read("live", [lender.pk]) == {}


@pytest.mark.usefixtures("no_root")
def test_live_mode_asks_for_the_root(settings: Any) -> None:
    settings.TULGA_MODES_LIVE = True
    with pytest.raises(CommandError, match="asks for the root"):
        run(log="live")


@pytest.mark.usefixtures("no_root")
def test_a_change_that_web_alone_signed_is_taken_back_in_the_test_log(settings: Any) -> None:
    lender = registered.lender(name="Ақша LLP", bin="180440012349", phone="+77270000044")
    settings.TULGA_MODES_LIVE = True
    call_command("state_actors", root=ROOT, stdout=StringIO())
    row = type(lender).objects.filter(pk=lender.pk)
    row.update(phone="+77019999999")
    with transactions.writing():
        actors.state("actor.lender", lender.pk, row.values().get(), logs=["test"])
    row.update(phone="+77270000044")
    assert {finding.field for finding in verify_actors()} == {"phone"}
    assert run(log="test") == [f"{lender.pk} {lender.bin}", "1 stated in the test log"]
    assert list(verify_actors()) == []


@pytest.mark.usefixtures("no_root")
def test_the_test_log_takes_no_row_that_the_live_log_does_not_state(settings: Any) -> None:
    settings.TULGA_MODES_LIVE = True
    lender = registered.lender(name="Ақша LLP", bin="180440012349", phone="+77270000044")
    type(lender).objects.update(phone="+77019999999")
    with pytest.raises(CommandError, match=f"not entered: {lender.pk}"):
        run(log="test")


@pytest.mark.usefixtures("no_root")
def test_a_file_that_cannot_be_written_is_named(settings: Any, tmp_path: Path) -> None:
    settings.TULGA_MODES_LIVE = True
    with pytest.raises(CommandError, match="cannot be written"):
        run(request=tmp_path / "absent" / "request.json")
    request = tmp_path / "request.json"
    run(request=request)
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("sign_actors", request, tmp_path, root=ROOT, stdout=StringIO())


def test_a_signature_counts_for_its_statement_alone(settings: Any, tmp_path: Path) -> None:
    lender = registered.lender(name="Ақша LLP", bin="180440012349", phone="+77270000044")
    settings.TULGA_MODES_LIVE = True
    request, signed = tmp_path / "request.json", tmp_path / "signed.json"
    run(request=request)
    call_command("sign_actors", request, signed, root=ROOT, stdout=StringIO())
    settings.TULGA_MODES_LIVE = False
    lender.phone = "+77270000045"
    registered.saved(lender)
    settings.TULGA_MODES_LIVE = True
    with pytest.raises(CommandError, match="the root did not sign"):
        run(signed=signed)


def test_a_log_that_cannot_be_read_is_named(settings: Any) -> None:
    registered.lender(name="Ақша LLP", bin="180440012349", phone="+77270000044")
    settings.TULGA_MODES_LIVE = True
    settings.TULGA_CERTIFIED = ()
    with pytest.raises(CommandError, match="no certified public key"):
        run()


def test_a_log_that_is_not_kept_is_refused(settings: Any) -> None:
    settings.TULGA_MODES_LIVE = False
    with pytest.raises(CommandError, match="not kept here"):
        run()
