"""Why a live capture, or the face in it, was not accepted.

By its code a gate says exactly what it found, to lender, reviewers and regulator. The borrower
reads what kind of thing it was, by one sentence for all codes of a kind: enough to do better, and
no more for whoever tries out what passes.
Source: liveness.md §4.
"""

from functools import partial

from verification.core.reasons.reason import LIVENESS, OUR_FAULT, PICTURE, Reason, gettext_noop

_COMMANDS = gettext_noop(
    "A task was not seen, or came too late. Do the tasks one at a time, as the words say, and try"
    " again."
)
_AT_REST = gettext_noop(
    "We did not see you look straight ahead. Look into the camera, mouth closed and eyes open,"
    " until the first task comes."
)
# One sentence for identity, comparison and liveness: an attacker must not learn which refused him.
_PICTURES = gettext_noop(
    "We could not make sure, by the camera, that it is you. Only the person who asked for the loan "
    "may do this check. Switch filters off, take off glasses, find even light, move slowly, and "
    "try again."
)
_ONE_FACE = _PICTURES
_ALONE = gettext_noop(
    "Somebody else is in the picture. Be alone in front of the camera and try again."
)
_PEOPLE_LOOK = gettext_noop(
    "Two of the lender's people look at your request. You get an answer within 24 hours."
)


_not_live = partial(Reason, burns=True, family=LIVENESS)


TABLE = (
    _not_live(
        "liveness_command_missed",
        _COMMANDS,
        "A command was not shown, was contradicted, or came too late.",
    ),
    _not_live(
        "liveness_not_at_rest", _AT_REST, "No face looked straight ahead before the first command."
    ),
    _not_live(
        "liveness_order_differs",
        _PICTURES,
        "The commands that were answered are not those of the order.",
    ),
    _not_live(
        "liveness_frame_unbound",
        _PICTURES,
        "A frame does not belong to the showing of its command.",
    ),
    _not_live(
        "liveness_frame_early",
        _PICTURES,
        "Frames came before their command was seen, or before being taken.",
    ),
    _not_live(
        "liveness_frame_unreadable", _PICTURES, "A frame is no picture as the page takes them."
    ),
    _not_live(
        "liveness_frame_seen_before", _PICTURES, "A frame was presented in a capture before."
    ),
    _not_live(
        "liveness_capture_replayed",
        _PICTURES,
        "The capture is one that was presented before, played again.",
    ),
    _not_live(
        "liveness_frame_frozen",
        _PICTURES,
        "The picture stood still for longer than a camera's does.",
    ),
    _not_live("liveness_frame_repeated", _PICTURES, "Pictures came again after others had come."),
    _not_live("liveness_frame_noiseless", _PICTURES, "The pictures lack the noise of a sensor."),
    _not_live("liveness_face_changed", _ONE_FACE, "A frame shows another face than the first."),
    _not_live("liveness_face_jumped", _ONE_FACE, "The face jumped from one frame to the next."),
    _not_live(
        "liveness_face_missing", _ONE_FACE, "A command has no face to compare with the others."
    ),
    _not_live("multiple_faces", _ALONE, "More than one face in a frame."),
    Reason(
        "liveness_line_lost",
        gettext_noop(
            "The connection was lost; nothing was used up. Try again where it is better, or another"
            " way."
        ),
        "The line was lost more often than a capture may go on after; nothing was judged.",
    ),
    # For people alone: the threshold is of three people who turned. liveness.md §9.
    Reason(
        "liveness_depth_flat", _PEOPLE_LOOK, "The face moved as a flat picture does.", review=True
    ),
    Reason(
        "liveness_depth_missing", _PEOPLE_LOOK, "The turns gave no evidence of depth.", review=True
    ),
    Reason(
        "liveness_surroundings_jumped",
        _PEOPLE_LOOK,
        "What is round the face jumped while it went on.",
        review=True,
    ),
    Reason(
        "liveness_actor_review",
        _PEOPLE_LOOK,
        "Somebody else may have done the gestures: by their faces, by what they have in common, or"
        " by a jump.",
        review=True,
    ),
    Reason(
        "liveness_replay_review",
        _PEOPLE_LOOK,
        "Earlier captures are like this one: there were too many to compare all, or too little fits"
        " to be sure.",
        review=True,
    ),
    Reason(
        "liveness_line_review",
        _PEOPLE_LOOK,
        "The line or the camera gave too little to judge by, or something may cover mouth and"
        " nose.",
        review=True,
    ),
    Reason(
        "face_not_found",
        gettext_noop(
            "We did not see your face well enough. Look into the camera from an arm's length and"
            " try again."
        ),
        "No face, or none fit to be compared, in too many frames.",
        family=PICTURE,
    ),
    Reason(
        "face_quality",
        gettext_noop(
            "The picture was too dark, too bright or blurred. Find even light and try again."
        ),
        "A step has no frame of sufficient quality.",
        family=PICTURE,
    ),
    Reason(
        "liveness_face_masked",
        gettext_noop(
            "Something covers your mouth or nose. Take the mask or scarf off and try again."
        ),
        "Something may cover mouth and nose at rest. A later capture of the day is for people.",
        family=PICTURE,
    ),
    Reason(
        "face_too_small",
        gettext_noop(
            "Your face is too small in the picture. Come nearer to the camera and try again."
        ),
        "The eyes are fewer pixels apart than a face can be compared with.",
        family=PICTURE,
    ),
    Reason(
        "face_too_dark",
        gettext_noop(
            "Your face is too dark in the picture. Turn to a window or a lamp and try again."
        ),
        "The face is under-exposed.",
        family=PICTURE,
    ),
    Reason(
        "face_too_bright",
        gettext_noop(
            "Your face is too bright in the picture. Move out of the direct light and try again."
        ),
        "The face is over-exposed.",
        family=PICTURE,
    ),
    Reason(
        "face_light_uneven",
        gettext_noop(
            "One side of your face is in the dark. Turn so that both sides are lit and try again."
        ),
        "The light on the two cheeks has nearly nothing in common.",
        family=PICTURE,
    ),
    Reason(
        "face_without_contrast",
        gettext_noop(
            "The picture is too pale to see your face. Wipe the lens, find even light and try"
            " again."
        ),
        "The face has too few grey levels.",
        family=PICTURE,
    ),
    Reason(
        "face_mismatch",
        _PICTURES,
        "The distance to the reference is beyond the review zone.",
        burns=True,
    ),
    Reason(
        "face_again_light",
        gettext_noop(
            "Not clear enough yet. Face a window or a lamp, so that the light is even, and try"
            " again."
        ),
        "In the review zone, in a picture that was dark or bright; it is asked for once more before"
        " people look.",
        burns=True,
    ),
    Reason(
        "face_again_near",
        gettext_noop(
            "Not clear enough yet. Hold the camera nearer, until your face fills the oval, and try"
            " again."
        ),
        "In the review zone, in a picture whose face was small; it is asked for once more.",
        burns=True,
    ),
    Reason(
        "face_again_still",
        gettext_noop("Not clear enough yet. Wipe the lens, hold the phone still, and try again."),
        "In the review zone, in a picture that was blurred; it is asked for once more.",
        burns=True,
    ),
    Reason(
        "face_again",
        _PICTURES,
        "In the review zone; the picture is asked for once more.",
        burns=True,
    ),
    Reason(
        "face_review",
        _PEOPLE_LOOK,
        "The distance to the reference is in the review zone.",
        review=True,
    ),
    Reason(
        "hand_over_review",
        _PEOPLE_LOOK,
        "Handed over to a phone, for more than the sum for that.",
        review=True,
    ),
    Reason(
        "liveness_passive_review",
        _PEOPLE_LOOK,
        "The installed detector of presentation attacks took a picture for one, or could not say.",
        review=True,
    ),
    # Signs that pictures were put in place of a camera's. The code is the first sign's; the check
    # has all.
    Reason(
        "liveness_injection_virtual_camera",
        _PEOPLE_LOOK,
        "The browser names software that hands over any picture as a camera's.",
        review=True,
    ),
    Reason(
        "liveness_injection_regular_frames",
        _PEOPLE_LOOK,
        "The clock of the pictures counts exact steps, as a programme's does.",
        review=True,
    ),
    Reason(
        "liveness_injection_still_phone",
        _PEOPLE_LOOK,
        "The phone's sensor is perfectly still while the picture's background moves.",
        review=True,
    ),
    Reason(
        "liveness_injection_near_duplicates",
        _PEOPLE_LOOK,
        "Pictures of a movement came back later in the capture.",
        review=True,
    ),
    Reason(
        "liveness_injection_camera_changed",
        _PEOPLE_LOOK,
        "The browser told of another camera within the capture.",
        review=True,
    ),
    Reason(
        "liveness_review",
        _PEOPLE_LOOK,
        "For more than the sum that a capture alone does for.",
        review=True,
    ),
    Reason(
        "liveness_commands_left_out",
        _PEOPLE_LOOK,
        "The borrower said that they cannot do some of the commands, which were left out. Call or"
        " visit them.",
        review=True,
    ),
    Reason(
        "face_reference_unavailable",
        gettext_noop(
            "The state register gave no photo to compare with. Choose another way or ask the"
            " lender."
        ),
        "The photo register has no picture for this person, or refused.",
    ),
    Reason("face_image_malformed", OUR_FAULT, "The reference is no image we can read."),
    Reason("face_image_too_large", OUR_FAULT, "The reference exceeds the limits of the policy."),
)
