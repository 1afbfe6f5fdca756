"""Who may come to the desk: reviewers of the case's own lender, with both factors, and by a form of
ours.
"""

import pytest
from django.test import Client
from django.urls import reverse

from tests.verification.oversight import rows
from tests.verification.review import desk
from tests.verification.stories.insecure_glance import glanced, see
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import lender
from verification.models import AuditEntry, ReviewVote
from verification.review import urls

NAMES = tuple(str(pattern.name) for pattern in urls.urlpatterns)
_IDS = {"verification_id": "ver_" + "a" * 26, "evidence_id": "evd_" + "a" * 26}
_OF_CASE = {"verification_id": _IDS["verification_id"]}
_WANTED = {"picture": _IDS, "case": _OF_CASE, "vote": _OF_CASE, "link": _OF_CASE}
_WANTED |= {"confirmation": _OF_CASE, "attest": _OF_CASE | {"kind": "age_confirmation"}}


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["nobody", "one_factor", "regulator", "operator", "closed"])
def test_no_other_person_gets_in_or_leaves_a_trace(who):
    of = lender()
    client = {
        "nobody": Client,
        "one_factor": lambda: rows.signed_in(desk.reviewer(of), both_factors=False),
        "regulator": lambda: rows.signed_in(rows.person("regulator")),
        "operator": lambda: rows.signed_in(rows.person("operator")),
        "closed": lambda: desk.at_desk(of),
    }[who]()
    if who == "closed":
        of.reviewers.update(is_active=False)
    for name in NAMES:
        for method in ("get", "post"):
            response = getattr(client, method)(
                reverse(f"review:{name}", kwargs=_WANTED.get(name)), desk.GOOD
            )
            if who in ("regulator", "operator"):
                assert response.status_code == 403
            else:
                assert response["Location"].startswith(reverse("people:login"))
    assert desk.looks() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_a_reviewer_of_another_lender_finds_nothing_and_an_unknown_case_is_no_different():
    story, other = glanced("grey"), glanced(of=lender("Third", number=900), reference="A-7")
    stranger = desk.at_desk(lender("Other", number=500))
    assert story.id not in stranger.get(desk.address("queue", story)).content.decode()
    assert other.id not in stranger.get(desk.address("open", other)).content.decode()
    count = AuditEntry.objects.count()
    for name in ("case", "vote", "link", "picture"):
        own = desk.address(name, story, kind="glance.photo")
        method = stranger.post if name in ("vote", "link") else stranger.get
        answers = [
            method(own, desk.GOOD),
            method(reverse(f"review:{name}", kwargs=_WANTED[name]), desk.GOOD),
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert "ТЕСТОВ" not in answers[0].content.decode()
    assert (AuditEntry.objects.count(), ReviewVote.objects.count()) == (count, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_a_vote_and_a_link_need_our_own_form():
    waiting = glanced()
    client = Client(enforce_csrf_checks=True)
    client.cookies = desk.at_desk(waiting.lender).cookies
    assert client.post(desk.address("link", waiting)).status_code == 403
    see(waiting, "grey")
    assert desk.vote(client, waiting).status_code == 403
    assert ReviewVote.objects.count() == 0
    assert AuditEntry.objects.filter(type="link.minted").count() == 0


@pytest.mark.django_db
def test_addresses_that_read_take_no_post_and_those_that_act_no_get():
    client = desk.at_desk(lender())
    for name in NAMES:
        acts = name in ("vote", "link", "attest")
        if name not in ("open", "to_confirm"):
            method = client.get if acts else client.post
            assert method(reverse(f"review:{name}", kwargs=_WANTED.get(name))).status_code == 405
    assert desk.looks() == []


@pytest.mark.django_db
def test_the_home_page_leads_to_the_desk_and_only_reviewers_there():
    for client, leads in (
        (desk.at_desk(lender()), True),
        (rows.signed_in(rows.person("regulator")), False),
    ):
        page = client.get(reverse("people:home")).content.decode()
        assert (f'href="{reverse("review:queue")}"' in page) is leads
