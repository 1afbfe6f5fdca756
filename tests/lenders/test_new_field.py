"""A field of an opening is declared once: it is read, refused, described, sealed and told back from
that alone.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from rest_framework.exceptions import ValidationError

from lenders import openapi, requests
from lenders.resources import verifications
from tests.lenders.samples import opening
from verification.core import opening as openings
from verification.core import stored
from verification.core.opening import Form, Opening

SCHEMA = {"type": "string", "minLength": 1, "maxLength": 5}


@dataclass(frozen=True, kw_only=True)
class WithBranch(Opening):
    """An opening with one field more."""

    branch: Annotated[
        str, Form("text", SCHEMA, limits={"longest": 5}, help="Where it was opened.", is_told=True)
    ] = ""


def test_it_is_read_and_may_be_left_out() -> None:
    assert requests.read(WithBranch, opening(branch="Abay ")).branch == "Abay"
    assert requests.read(WithBranch, opening()).branch == ""


def test_a_bad_value_is_refused_at_its_place() -> None:
    with pytest.raises(ValidationError) as refused:
        requests.read(WithBranch, opening(branch="Almaty"))
    assert refused.value.get_codes() == {"branch": ["length_wrong"]}


def test_who_does_not_declare_it_refuses_it() -> None:
    with pytest.raises(ValidationError) as refused:
        requests.read(Opening, opening(branch="Abay"))
    assert refused.value.get_codes() == {"branch": ["unknown_field"]}


def test_it_is_sealed_and_an_older_case_is_read() -> None:
    given = requests.read(WithBranch, opening(branch="Abay"))
    assert stored.read(stored.as_record(given), into=WithBranch, what="case") == given
    older = stored.as_record(requests.read(Opening, opening()))
    assert stored.read(older, into=WithBranch, what="case").branch == ""


def test_it_is_described_and_told_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifications, "Opening", WithBranch)
    told = verifications.VerificationAnswer().fields["branch"]
    assert told.get_attribute(_Viewed(requests.read(WithBranch, opening(branch="Abay")))) == "Abay"
    [described] = [each for each in openapi.parameters_of(WithBranch) if each.name == "branch"]
    assert (described.type, described.description) == (SCHEMA, "Where it was opened.")


def test_a_field_without_a_form_is_none() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Forgotten(openings.Opening):
        branch: str = ""

    with pytest.raises(TypeError, match="branch"):
        requests.read(Forgotten, opening())


@dataclass(frozen=True)
class _Viewed:
    opening: Any
