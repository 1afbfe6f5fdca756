"""Lenders and people with their statements in the log, as commands add them."""

from collections.abc import Collection
from io import StringIO
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db.models import Model

from lenders import register as lender_register
from lenders.models import ApiKey, Lender
from people import register
from people.models import Role, SecondFactor, User
from verification import transactions
from verification.core.events import API_KEY, LENDER
from verification.fields import columns_of
from verification.log import actors
from verification.management.commands.make_keys import ROOT_KEY


def lender(**fields: Any) -> Lender:
    """A lender on record."""
    with transactions.writing():
        row = Lender.objects.create(**fields)
        lender_register.keep_lender(row)
    return row


def person(**fields: Any) -> Any:
    """A person on record, without a second factor."""
    with transactions.writing():
        row = get_user_model().objects.create_user(**fields)
        register.keep(row)
    return row


def reviewer(person_id: str, of: Lender) -> None:
    """A reviewer of this id and lender is on record, whom a test lets act without a page."""
    row = User(
        id=person_id,
        email=f"{person_id}@lender.example",
        full_name=person_id,
        role=Role.REVIEWER,
        lender=of,
    )
    with transactions.writing():
        if not User.objects.filter(pk=person_id).exists():
            row.save(force_insert=True)
            register.keep(row)


def factor_of(person: Any) -> SecondFactor:
    """The second factor of a person, on record; a fresh one if there is none."""
    with transactions.writing():
        factor = SecondFactor.objects.filter(user=person).first() or SecondFactor.make(person)
        register.keep(person)
    return factor


def passkey_of(person: Any) -> str:
    """The id of a passkey that stands on record for a person; nothing can be signed with it."""
    person.passkeys = [{"id": "AAAA", "public_key": "AAAA", "origin": "https://tulga.kz"}]
    with transactions.writing():
        person.save(update_fields=["passkeys"])
        register.keep(person)
    return "AAAA"


def saved(row: Model, *, logs: Collection[str] = ()) -> None:
    """Saves a changed lender or key, and states it, by default in the logs that are ordered."""
    kind = API_KEY if isinstance(row, ApiKey) else LENDER
    in_logs = [row.mode] if isinstance(row, ApiKey) else logs
    with transactions.writing():
        row.save()
        actors.state(kind, str(row.pk), columns_of(row), logs=in_logs)


def everybody(log: str) -> None:
    """States all people and lenders in a log that was not kept when they were added."""
    root = settings.TULGA_KEYS_DIR / ROOT_KEY
    call_command("state_actors", log=log, root=root, stdout=StringIO())


def every_lender() -> None:
    """States the lenders whose rows a test wrote itself."""
    with transactions.writing():
        for row in Lender.objects.all():
            lender_register.keep_lender(row)
