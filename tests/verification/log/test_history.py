"""What is on record is read in order, and each ordered entry has a proof."""

import pytest

from tests.verification.log.rows import add_case, add_entry, add_lender, order_all
from verification.core.errors import LogInconsistent
from verification.log import decided, keys, proofs, signatures, tlog_proof

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_entry_has_a_proof_that_verifies_offline_once_it_is_ordered() -> None:
    entries = [add_entry(body={"number": number}) for number in range(11)]
    assert proofs.proof_for(entries[0].pk) is None
    assert signatures.leaf_bytes(entries[0]) is None
    order_all(limit=4)
    for entry in entries:
        proof, leaf = proofs.proof_for(entry.pk), signatures.leaf_bytes(entry)
        assert proof is not None
        assert leaf is not None
        assert tlog_proof.verify(proof, leaf=leaf, key=keys.verification_key("test")).size == 11
        with pytest.raises(LogInconsistent):
            tlog_proof.verify(proof, leaf=leaf, key=keys.verification_key("live"))


def test_what_a_lender_is_told_is_read_behind_a_cursor_and_has_no_gap() -> None:
    lender, other = add_lender("111111111111"), add_lender("222222222222")
    for owner in (lender, lender, other, lender):
        add_case(owner, names_law=True)
    assert decided.leaves_after("test", lender_id=lender.pk, lender_sequence=0, limit=9) == []
    order_all()
    read = decided.leaves_after("test", lender_id=lender.pk, lender_sequence=0, limit=9)
    assert [(leaf.lender_sequence, leaf.entry.type) for leaf in read] == [
        (number, "verification.verified") for number in (1, 2, 3)
    ]
    assert {leaf.entry.lender_id for leaf in read} == {lender.pk}
    assert (
        decided.leaves_after("test", lender_id=lender.pk, lender_sequence=1, limit=1) == read[1:2]
    )
    assert decided.leaves_after("live", lender_id=lender.pk, lender_sequence=0, limit=9) == []
