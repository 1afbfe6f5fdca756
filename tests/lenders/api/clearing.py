"""Clearances as a lender's disbursement step asks for them, and what then is on record."""

from hashlib import sha256

from tests.lenders.samples import code
from tests.lenders.shapes import hold
from tests.scenes import IS_OVER, staged
from tests.verification.log.judged import differences_of
from tests.verification.stories.story import begin
from verification.models import AuditEntry, Clearance

CONTRACT, OTHER_CONTRACT = "c" * 64, "d" * 64


def contract_of(loan):
    """The contract of another loan, by its number."""
    return sha256(f"The contract of loan {loan}.".encode()).hexdigest()


PAID = {
    "amount": "150000.00",
    "iin": "990101100010",
    "contract_sha256": CONTRACT,
    "payout_account": "KZ86125KZT5004100100",
}


ASK, READ, CONSUME = (
    "/v1/verifications/{verification_id}/clearances",
    "/v1/clearances/{clearance_id}",
    "/consume",
)


def verified(lender, issued, reference="A-1", profile="KZ-2021-04"):
    def play():
        story = begin(lender, reference, profile=profile).to_statement()
        story.sign_to_end(issued())
        return story

    return staged(f"verified {lender.pk} {reference} {profile}", play, seconds=IS_OVER)


def ask(api, story, **more):
    return api.post(
        f"/v1/verifications/{story.id}/clearances", {"contract_sha256": CONTRACT, **more}
    )


def cleared(api, story, **more):
    """An issued clearance."""
    asked = hold(ask(api, story, **more), ASK, "post")
    assert (asked["status"], asked["amount_max"], asked["gates"]) == ("processing", "150000.00", [])
    story.work()
    return hold(api.get(f"/v1/clearances/{asked['id']}"), READ, "get")


def consume(api, clearance, *, key="", **other):
    return api.post(f"/v1/clearances/{clearance['id']}/consume", {**PAID, **other}, key=key)


def refused(api, clearance, expected, **other):
    """Consuming is refused with this code, and nothing was spent or written."""
    before = AuditEntry.objects.count()
    assert code(consume(api, clearance, **other)) == (409, expected)
    assert not Clearance.objects.filter(status="consumed").exists()
    assert AuditEntry.objects.count() == before


def read(api, clearance):
    """How a clearance stands, and why."""
    told = api.get(f"/v1/clearances/{clearance['id']}").json()
    return told["status"], told["code"]


def types(story):
    found = AuditEntry.objects.filter(verification_id=story.id, type__startswith="clearance.")
    return list(found.order_by("verification_sequence").values_list("type", flat=True))


def clean(story):
    return [one.code for one in differences_of(story.id)]
