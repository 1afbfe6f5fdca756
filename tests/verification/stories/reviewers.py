"""People of a lender who may vote: without two of them nothing is left to people."""

from functools import partial
from typing import Any

from django.contrib.auth import get_user_model

from lenders.models import Lender
from people import register
from tests import registered
from tests.scenes import same
from verification import transactions


def with_two(employer: Lender) -> Lender:
    """This lender, for whom two people review who have no part in any case."""
    for number in range(2):
        same(f"reviewer {number} of {employer.pk}", partial(_reviewer, employer, number))
    return employer


def leave(employer: Lender, *, number: int = 2) -> None:
    """So many of them go: their accounts are closed."""
    people = get_user_model().objects.filter(lender=employer, is_active=True).order_by("email")
    for person in people[:number]:
        person.is_active = False
        with transactions.writing():
            person.save()
            register.keep(person)


def _reviewer(employer: Lender, number: int) -> Any:
    fields = {"email": f"{number}@{employer.pk}.example".lower(), "full_name": f"Reviewer {number}"}
    # This password signs no person in.
    return registered.person(**fields, role="reviewer", lender=employer)
