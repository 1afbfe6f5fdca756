"""The table of releases knows the routes as they are done now, and forgets none that was ever
used.
"""

import pytest
from pytest_django import Settings

from verification import routes
from verification.case import stages
from verification.core import profiles
from verification.core.codes import REASONS
from verification.core.releases import RELEASES, Release

EVER = {
    "f1f2771ef4a30aef": "eds",
    "a1a1b13cb611c566": "biometric",
    "780511b7b3221402": "eds",
    "5ea6975897819754": "biometric",
    "d5b9465450b66679": "live_face",
    "500fec7118e88ee3": "renewal",
}
"""Each release that was ever used, by its hash: what it says may never be changed."""

LEADS_TO = {
    "burns": {
        *(
            "coercion_reported",
            "consent_declined",
            "document_expired",
            "document_invalid",
            "birth_date_differs",
            "eds_algorithm_refused",
        ),
        *("eds_certificate_expired", "eds_certificate_missing", "eds_certificate_not_yet_valid"),
        *(
            "eds_certificate_revoked",
            "eds_iin_mismatch",
            "eds_iin_missing",
            "eds_issuer_revoked",
            "eds_key_usage",
        ),
        *(
            "eds_malformed",
            "eds_not_individual",
            "eds_path_untrusted",
            "eds_policy_refused",
            "eds_signature_invalid",
        ),
        *(
            "eds_signature_replayed",
            "eds_signed_attributes_invalid",
            "eds_signer_count",
            "eds_statement_mismatch",
        ),
        *("eds_too_large", "face_again"),
        *(
            "face_again_light",
            "face_again_near",
            "face_again_still",
            "face_mismatch",
            "liveness_capture_replayed",
        ),
        *(
            "liveness_command_missed",
            "liveness_face_changed",
            "liveness_face_jumped",
            "liveness_face_missing",
        ),
        *(
            "liveness_frame_early",
            "liveness_frame_frozen",
            "liveness_frame_noiseless",
            "liveness_frame_repeated",
        ),
        *(
            "liveness_frame_seen_before",
            "liveness_frame_unbound",
            "liveness_frame_unreadable",
            "liveness_not_at_rest",
        ),
        *(
            "liveness_order_differs",
            "multiple_faces",
            "name_mismatch",
            "otp_attempts_exhausted",
            "otp_wrong",
        ),
        *(
            "person_deceased",
            "person_unknown",
            "phone_owner_mismatch",
            "registry_mismatch",
            "review_refused",
            "sms_refused",
        ),
    },
    "review": {
        *("face_review", "hand_over_review", "liveness_commands_left_out", "liveness_depth_flat"),
        *(
            "liveness_depth_missing",
            "liveness_injection_camera_changed",
            "liveness_injection_near_duplicates",
        ),
        *(
            "liveness_injection_regular_frames",
            "liveness_injection_still_phone",
            "liveness_injection_virtual_camera",
        ),
        *(
            "liveness_line_review",
            "liveness_passive_review",
            "liveness_replay_review",
            "liveness_review",
        ),
        *("liveness_actor_review", "liveness_surroundings_jumped"),
    },
    "retry": {"eds_revocation_unknown", "eds_timestamp_unavailable"},
    "final": {
        *(
            "coercion_reported",
            "consent_declined",
            "person_deceased",
            "review_refused",
            "person_unknown",
        ),
        *("name_mismatch", "birth_date_differs", "document_invalid", "document_expired"),
    },
    "remark": {"consent_phone_stated", "eds_surname_differs"},
}
"""What the log is weighed by besides. A new code is added; one that is there keeps its meaning, or
is a code anew.
"""


@pytest.mark.parametrize("law", profiles.ALL, ids=lambda law: law.id)
@pytest.mark.parametrize("name", routes.ROUTES)
def test_a_route_is_done_as_the_table_says(
    name: str, law: profiles.Profile, settings: Settings
) -> None:
    settings.TULGA_ROUTES = list(routes.ROUTES)
    is_now = stages.release(name, law=law.sha256)
    assert is_now.asks_register or not law.register_asked
    said = ", ".join(
        f'("{stage}", {list(checks)}, {tries})' for stage, checks, tries in is_now.stages
    )
    changed = f", {is_now.changed}" if is_now.changed else ""
    assert is_now.id in RELEASES, (
        f"{name} is done otherwise than any release in core/releases.py says. Add one beside the"
        " old, which stays: "
        f'Release("{name}", ({said}){changed}), and here to EVER: "{is_now.id}": "{name}"'
    )


def test_no_release_is_changed_or_forgotten() -> None:
    assert {name: release.route for name, release in RELEASES.items()} == EVER


def test_a_release_is_named_by_all_that_it_says() -> None:
    one = Release("eds", (("consent", ("a", "b"), 0), ("statement", ("c",), 3)))
    others = [
        Release("biometric", one.stages),
        Release("eds", tuple(reversed(one.stages))),
        Release("eds", one.stages[:1]),
        Release("eds", (("consent", ("a",), 0), ("statement", ("c",), 3))),
        Release("eds", (("consent", ("b", "a"), 0), ("statement", ("c",), 3))),
        Release("eds", (("consent", ("a", "b"), 0), ("statement", ("c",), 2))),
        Release("eds", one.stages, (("a", 1),)),
        Release("eds", one.stages, (("a", 2),)),
        Release("eds", one.stages, (("b", 1),)),
    ]
    assert len({one.id, *(other.id for other in others)}) == 1 + len(others)
    assert (one.checks("consent"), one.checks("question")) == (("a", "b"), ())
    assert [others[-3].changes(check) for check in ("a", "b")] == [1, 0]
    assert (one.tries("statement"), one.tries("consent"), one.tries("question")) == (3, 0, 0)


@pytest.mark.parametrize("word", LEADS_TO)
def test_a_code_leads_to_what_it_led_to_ever(word: str) -> None:
    assert {code for code, reason in REASONS.items() if getattr(reason, word)} == LEADS_TO[word]
