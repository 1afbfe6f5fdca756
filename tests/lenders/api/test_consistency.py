"""/v1/log/consistency: the log of one checkpoint goes on from that of another; what there is not is
refused.
"""

from base64 import b64decode

import pytest

from lenders import keys
from lenders.models import Lender
from tests.lenders.log_of_lenders import happen
from tests.lenders.samples import Caller, faults, opening
from tests.lenders.test_openapi import hold
from tests.verification.log import naive
from verification.log import sequencer
from verification.log.checkpoint import open_checkpoint
from verification.log.keys import verification_key
from verification.log.signatures import leaf_bytes
from verification.log.tree import verify_consistency
from verification.models import AuditLeaf

PLACE = "/v1/log/consistency"


def head(api: Caller) -> tuple[int, bytes]:
    """The size and the root of the newest checkpoint."""
    found = open_checkpoint(
        api.get("/v1/log/checkpoint").content.decode(), key=verification_key("test")
    )
    return found.size, found.root


def hashes(api: Caller, first: int, second: int) -> list[bytes]:
    told = hold(api.get(PLACE, first=str(first), second=str(second)), PLACE, "get")
    return [b64decode(one, validate=True) for one in told["hashes"]]


def test_it_shows_of_any_two_checkpoints_that_the_log_only_grew(api: Caller) -> None:
    heads = []
    for number in range(4):
        api.post("/v1/verifications", opening(client_reference=f"loan-{number}"))
        sequencer.order("test")
        heads.append(head(api))
    for place, (size, root) in enumerate(heads):
        for second, second_root in heads[place:]:
            proof = hashes(api, size, second)
            verify_consistency(
                first=size, first_root=root, second=second, second_root=second_root, proof=proof
            )


def test_it_is_that_of_the_standard_for_sizes_between_checkpoints_too(api: Caller) -> None:
    happen(api, 4)
    entries = [
        leaf.entry for leaf in AuditLeaf.objects.select_related("entry").order_by("leaf_index")
    ]
    leaves = [leaf_bytes(entry) or b"" for entry in entries]
    size, root = head(api)
    assert (len(leaves), naive.root(leaves)) == (size, root)
    for first in range(1, size + 1):
        for second in range(first, size + 1):
            assert hashes(api, first, second) == naive.consistency(first, leaves[:second])


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ({"first": "0", "second": "1"}, ("?first", "out_of_range")),
        ({"first": "2", "second": "1"}, ("?first", "out_of_range")),
        ({"first": "1", "second": "1000000"}, ("?second", "out_of_range")),
        ({"first": "1", "second": str(2**63)}, ("?second", "out_of_range")),
        ({"first": "1", "second": "9" * 30}, ("?second", "type_wrong")),
        ({"first": "-1", "second": "1"}, ("?first", "type_wrong")),
        ({"first": "x", "second": "1"}, ("?first", "type_wrong")),
        ({"first": "\u0661", "second": "1"}, ("?first", "type_wrong")),
        ({"first": "1"}, ("?second", "required")),
        ({"first": "1", "second": "1", "third": "1"}, ("?third", "unknown_field")),
    ],
)
def test_what_there_is_not_is_refused(
    api: Caller, query: dict[str, str], fault: tuple[str, str]
) -> None:
    happen(api)
    refused = api.get(PLACE, **query)
    assert (refused.status_code, faults(refused)) == (422, {fault})


def test_of_an_empty_log_there_is_nothing_to_show(api: Caller) -> None:
    assert faults(api.get(PLACE, first="1", second="1")) == {("?second", "out_of_range")}


def test_a_key_needs_the_scope_of_the_log(lender: Lender) -> None:
    narrow = Caller(keys.issue(lender, mode="test", scopes=["events:read"]).secret)
    refused = narrow.get(PLACE, first="1", second="1")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
