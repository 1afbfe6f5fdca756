"""A client that others' generator writes from openapi.json alone: it takes the whole document, and
its types fit.

Nothing that is generated is kept. A construct of the document that the generator cannot read is a
warning, and a warning fails.
"""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from django.core.handlers.wsgi import WSGIHandler

from lenders import keys, openapi
from lenders.models import Lender
from tests.clients.lender_side import ACCOUNT, CONTRACT, verified
from tests.lenders.conftest import lender, receiver
from tests.lenders.log_of_lenders import pump
from tests.lenders.samples import opening
from tests.verification.stories.conftest import authorities, issued, trusted
from tests.verification.stories.story import order

__all__ = ("authorities", "issued", "lender", "receiver", "trusted")

pytestmark = [
    pytest.mark.long,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]

NAME = "generated_of_openapi"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The package as the generator writes it."""
    place = tmp_path_factory.mktemp("generated")
    (place / "openapi.json").write_text(json.dumps(openapi.document()), encoding="utf-8")
    (place / "config.yaml").write_text(
        "post_hooks: []\n", encoding="utf-8"
    )  # its shape does not matter
    places = {"--path": "openapi.json", "--output-path": NAME, "--config": "config.yaml"}
    asked_for = [f"{option}={place / name}" for option, name in places.items()]
    made = subprocess.run(
        [
            Path(sys.executable).with_name("openapi-python-client"),
            "generate",
            *asked_for,
            "--meta=none",
            "--fail-on-warning",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(place))
    yield importlib.import_module(NAME)
    sys.path.remove(str(place))


def called(operation: str) -> ModuleType:
    """The module of an operation, which stands in the package of its tag."""
    document = openapi.document()["paths"].values()
    tags = {one["operationId"]: one["tags"][0] for item in document for one in item.values()}
    return importlib.import_module(
        f"{NAME}.api.{tags[operation].replace('-', '_').replace(' ', '_')}.{operation}"
    )


@pytest.fixture
def ask(generated: ModuleType, lender: Lender) -> Callable[..., Any]:
    """Calls an operation by its id, and gives what its answer was read into."""
    transport = httpx.WSGITransport(app=WSGIHandler())
    client = generated.AuthenticatedClient(
        base_url="http://testserver",
        token=keys.issue(lender, mode="test").secret,
        raise_on_unexpected_status=True,
        httpx_args={"transport": transport},
    )

    def asked(operation: str, *ids: str, expected: int = 200, **more: Any) -> Any:
        answer = called(operation).sync_detailed(*ids, client=client, **more)
        assert answer.status_code == expected, answer.content
        # What no model names would be among the additional properties.
        assert getattr(answer.parsed, "additional_properties", {}) == {}
        return answer.parsed

    return asked


@pytest.fixture
def models(generated: ModuleType) -> ModuleType:
    """Its types."""
    return importlib.import_module(f"{NAME}.models")


def test_every_operation_of_the_document_is_in_it(generated):
    ids = {
        one["operationId"] for item in openapi.document()["paths"].values() for one in item.values()
    }
    written = {path.stem for path in Path(str(generated.__file__)).parent.glob("api/*/*.py")}
    assert ids == written - {"__init__"}
    for operation in ids:
        assert called(operation).asyncio_detailed


def test_a_verification_is_opened_read_listed_linked_and_canceled(ask, models):
    request = models.VerificationRequest.from_dict(opening(metadata={"branch": "7"}))
    assert request.to_dict() == opening(metadata={"branch": "7"})
    opened = ask("open_verification", expected=201, body=request, idempotency_key="k-1")
    assert isinstance(opened, models.OpenedAnswer)
    assert (opened.status, opened.mode, opened.metadata.to_dict()) == (
        "requires_input",
        "test",
        {"branch": "7"},
    )
    assert opened.link_expires_at > datetime.now(UTC)
    assert ask("open_verification", body=request).id == opened.id
    sent = ask("make_link", opened.id, expected=201, body=models.LinkRequest(sent_by="officer"))
    assert "#" in sent.url
    assert ask("make_link", opened.id, expected=201).url != sent.url
    read = ask("get_verification", opened.id, expand=models.GetVerificationExpand.CHECKS)
    assert (read.id, read.checks, read.next_action.type_, read.code) == (
        opened.id,
        [],
        "consent",
        None,
    )
    listed = ask(
        "list_verifications", limit=1, status=models.ListVerificationsStatus.REQUIRES_INPUT
    )
    assert ([one.id for one in listed.data], listed.has_more, listed.next_) == (
        [opened.id],
        False,
        None,
    )
    assert ask("cancel_verification", opened.id).status == "processing"
    order()
    assert ask("get_verification", opened.id).status == models.VerificationAnswerStatus.CANCELED
    assert ask("list_documents", opened.id).data == []
    refused = ask("cancel_verification", opened.id, expected=409)
    assert (type(refused), refused.code) == (models.ProblemAnswer, "illegal_transition")


def test_a_fault_is_read_into_its_type(ask, models):
    request = models.VerificationRequest.from_dict(opening(subject__birth_date="1899-01-02"))
    refused = ask("open_verification", expected=422, body=request)
    assert [(one.pointer, one.code) for one in refused.errors] == [
        ("/subject/birth_date", "birth_date_mismatch")
    ]
    assert ask("get_verification", "ver_" + "a" * 26, expected=404).status == 404


def test_money_leaves_once(ask, models, lender, issued):
    story = verified(lender, issued)
    signed = models.ContractRequest(signed_at=datetime.now(UTC), contract_sha256=CONTRACT)
    assert ask("report_contract", story.id, body=signed).contract.signed_at <= datetime.now(UTC)
    asked = ask(
        "ask_for_clearance",
        story.id,
        expected=202,
        body=models.ClearanceRequest(contract_sha256=CONTRACT),
    )
    story.work()
    clearance = ask("get_clearance", asked.id)
    assert (clearance.status, {gate.name for gate in clearance.gates} >= {"amount", "profile"}) == (
        "issued",
        True,
    )
    paid = models.ConsumeRequest(
        amount="150000.00", iin="990101100010", contract_sha256=CONTRACT, payout_account=ACCOUNT
    )
    assert ask("consume_clearance", asked.id, body=paid).amount == "150000.00"
    assert ask("consume_clearance", asked.id, expected=409, body=paid).code == "clearance_consumed"
    assert ask("get_receipt", story.id).log.index > 0
    opened = models.ObligationRequest(
        status=models.ObligationRequestStatus.OPENED, at=datetime.now(UTC)
    )
    assert ask("report_obligation", story.id, body=opened).retention.until is None


def test_events_are_listed_delivered_and_proven(ask, models, receiver):
    wanted = models.EndpointRequest(
        url=receiver.url, events=[models.EndpointRequestEventsItem.VERIFICATION_CREATED]
    )
    made = ask("create_webhook_endpoint", expected=201, body=wanted)
    assert made.secret.startswith("whsec_")
    assert [one.id for one in ask("list_webhook_endpoints").data] == [made.id]
    assert (
        ask("change_webhook_endpoint", made.id, body=models.EndpointChange(events=[])).events == []
    )
    assert ask("get_webhook_endpoint", made.id).disabled_at is None
    assert ask("rotate_webhook_secret", made.id).secret != made.secret
    assert ask("test_webhook_endpoint", made.id, expected=202).type_ == "endpoint.test"
    ask("open_verification", expected=201, body=models.VerificationRequest.from_dict(opening()))
    order()
    pump()
    event = ask("list_events", after=0).data[0]
    assert (event.type_, event.lender_sequence, event.data.status) == (
        "verification.created",
        1,
        "requires_input",
    )
    delivery = ask("list_deliveries", event=event.id).data[0]
    assert (delivery.endpoint, delivery.status) == (made.id, models.DeliveryAnswerStatus.PENDING)
    assert ask("redeliver", delivery.id, expected=202).redelivery_of == delivery.id
    span = models.RangeRequest.from_dict(
        {"from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}
    )
    assert ask("redeliver_range", expected=202, body=span).has_more is False
    assert ask("get_checkpoint").splitlines()[1].isdigit()
    assert ask("get_proof", event=event.id).startswith("c2sp.org/tlog-proof")
    ask("delete_webhook_endpoint", made.id, expected=204)
    assert ask("get_webhook_endpoint", made.id, expected=404).code == "not_found"
