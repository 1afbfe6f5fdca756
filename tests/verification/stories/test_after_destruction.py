"""What was judged by frames that are destroyed is judged the same, and what went without an entry
is named.
"""

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from tests.verification.log.judged import findings
from tests.verification.oversight import rows
from tests.verification.stories.destruction_story import destroyed, entries, file_of, frames, gone
from tests.verification.stories.insecure_capture import played
from tests.verification.stories.insecure_capture import script as script
from verification import clock
from verification.evidence import store
from verification.models import AuditEntry, EvidenceItem
from verification.oversight.case_file import case_file
from verification.worker import sweep
from verification.worker.replay import Verdict, replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]


def test_judged_again_the_facts_that_were_kept_give_the_same_word(script):
    story = played()
    assert {(one.verdict, one.source) for one in replay(verification_id=story.id)} == {
        (Verdict.SAME, "evidence")
    }
    destroyed(story)
    before = script.measured
    found = {one.stage: (one.verdict, one.source) for one in replay(verification_id=story.id)}
    assert script.measured == before, "what is left of the frames is no evidence to measure"
    assert found == {
        "consent": (Verdict.SAME, "evidence"),
        "question": (Verdict.SAME, "evidence"),
        "live_capture": (Verdict.SAME, "facts"),
    }
    assert AuditEntry.objects.filter(type="replay.read").latest("at").body["from_facts"] == 1


def test_the_command_says_what_it_was_judged_from(script, capsys):
    story = destroyed(played())
    call_command("replay", story.id)
    lines = [line for line in capsys.readouterr().out.splitlines() if "live_capture" in line]
    assert [line.endswith(": same (from: facts)") for line in lines] == [True]


def test_a_frame_that_went_without_an_entry_is_missing_and_named(script):
    story = played()
    item = frames(story)[0]
    store.destroy([item], at=clock.now())
    store.remove_files(story.id, sealed_hashes={item.pk: item.sealed_sha256})
    last = replay(verification_id=story.id)[-1]
    assert (last.verdict, last.detail) == (Verdict.CANNOT, f"evidence is missing: {item.kind}")
    sweep.run_round()
    (finding,) = findings()
    assert (finding["code"], item.pk in finding["detail"]) == ("row_unsaid", True)


def test_a_kept_frame_whose_file_is_gone_is_named_after_the_others_were_destroyed(script):
    story = destroyed(played())
    sweep.run_round()
    left = next(item for item in frames(story) if item.destroyed_at is None)
    file_of(left).unlink()
    assert [(finding["code"], left.pk in finding["detail"]) for finding in findings()] == [
        ("evidence", True)
    ]


@pytest.mark.parametrize(
    "change", [{"destroyed_at": None}, {"destroyed_at": timezone.now() - timedelta(days=9)}]
)
def test_a_row_that_says_otherwise_of_its_destruction_is_named(script, change):
    story = destroyed(played())
    sweep.run_round()
    item = gone(story)[0]
    EvidenceItem.objects.filter(pk=item.pk).update(**change)
    assert ("row_differs", "destroyed_at") in {
        (finding["code"], finding["field"]) for finding in findings()
    }


def test_the_regulator_sees_which_evidence_was_destroyed_and_when(script):
    story = destroyed(played())
    file = case_file(person_id="usr_a", verification_id=story.id)
    (entry,) = entries(story)
    when = {one.kind: one.destroyed_at for one in file.evidence}
    assert {kind for kind, at in when.items() if at == entry.at} == {
        item.kind for item in gone(story)
    }
    assert {at for at in when.values() if at is not None} == {entry.at}
    assert "evidence.destroyed" in [line.type for line in file.steps]


def test_their_page_says_so_in_words(script):
    story = destroyed(played())
    reader = rows.signed_in(rows.person("regulator"))
    page = reader.get(
        reverse("oversight:case", args=[story.id]), headers={"accept-language": "en"}
    ).content.decode()
    assert "Camera frames destroyed by rule" in page
    assert len(re.findall(r"destroyed by rule, [0-9]{2}\.[0-9]{2}\.20", page)) == len(gone(story))
