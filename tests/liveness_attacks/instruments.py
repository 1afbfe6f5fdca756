"""What is shown in place of a living borrower, species by species, in the words of ISO/IEC 30107-3;
and what nothing here stops, also where it was not tried.
"""

from collections.abc import Mapping
from typing import Any

SIMULATED, REAL = "simulated", "real"
"""Whether the instrument was drawn, or filmed by a camera. Nothing was printed, worn, or held
before one.
"""

INSTRUMENTS: Mapping[str, tuple[str, str]] = {
    "splice": (
        "photographs of the victim, cut and dissolved into somebody else's gestures",
        SIMULATED,
    ),
    "blended_gesture": (
        "photographs of the victim, blended into the frames that prove a gesture",
        SIMULATED,
    ),
    "pasted": ("the victim's face pasted onto somebody else's, in the whole capture", SIMULATED),
    "pasted_by_step": (
        "the victim's face pasted onto somebody else's, at rest and in one command",
        SIMULATED,
    ),
    "still": ("print, still", SIMULATED),
    "jittered_still": ("print in a shaking hand", SIMULATED),
    "flat_paper": ("flat print, turned", SIMULATED),
    "bent_paper": ("bent print, turned", SIMULATED),
    "frozen": ("picture that freezes within a command", SIMULATED),
    "wrong_order": ("gestures in another order", SIMULATED),
    "replay": ("recording, to the byte", SIMULATED),
    "replay_anew": (
        "recording, compressed anew, cropped and brighter, in the same order",
        SIMULATED,
    ),
    "screen_replay": ("recording filmed from a screen, in another order", SIMULATED),
    "two_faces": ("second face in the picture", SIMULATED),
    "swapped": ("another person after some steps", SIMULATED),
    "talking_head": ("film of somebody who talks", REAL),
    "laid_stills": (
        "full frames half way between two people, over the attacker's own capture",
        SIMULATED,
    ),
    "blend": ("the victim's photograph blended over whole commands", SIMULATED),
    "laid_throughout": ("the victim's photograph blended over the whole capture", SIMULATED),
    "later_splice": (
        "the victim's face alone, but for a part of the actor's at each gesture",
        SIMULATED,
    ),
    "tuned_splice": (
        "the same, with the part at each gesture chosen beforehand on the engine",
        SIMULATED,
    ),
    "later_commands": (
        "the victim's face alone at rest, and a part of it in the actor's over each command",
        SIMULATED,
    ),
    "morph": (
        "a part of the victim's face mixed into the actor's throughout, point by point",
        SIMULATED,
    ),
    "tuned_blend": (
        "a part of the victim's face laid flat on the actor's throughout, chosen on the engine",
        SIMULATED,
    ),
    "part": (
        "brows, eyes and more of the victim's face laid flat and wholly on the actor's throughout",
        SIMULATED,
    ),
    "tuned_part": ("the same, the first of twelve that the engine verifies beforehand", SIMULATED),
    "warped_still": (
        "photograph of the victim, warped to do what is asked: reenactment in miniature",
        SIMULATED,
    ),
}

_NOT_STOPPED = (
    ("reenactment or face swap through a virtual camera", "warped_still"),
    ("splice that never leaves the victim's face wholly", "later_splice"),
    ("splice that never leaves the victim's face wholly, tuned on the engine", "tuned_splice"),
    ("the victim's face wholly at rest, and a part of it over each command", "later_commands"),
    ("face swap at part share over the whole capture", "morph"),
    ("face swap at part share over the whole capture, flat and tuned on the engine", "tuned_blend"),
    ("face swap of a part of the face, flat, over the whole capture", "part"),
    ("face swap of a part of the face, flat, the best of twelve by the engine", "tuned_part"),
    ("worn mask of the victim's face", ""),
    ("person who is forced or talked into it", ""),
    ("film of the victim doing the commands, made for the purpose and not presented before", ""),
)


def not_stopped(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is verified all the same, with the rates of the species it was tried as, of those that
    this run made.
    """
    found: list[dict[str, Any]] = []
    for name, species in _NOT_STOPPED:
        told = (
            {key: figures[species][key] for key in ("attempts", "iapar", "apcer")}
            if species in figures
            else {}
        )
        found.append({"species": name, "tried_as": species or "not tried", **told})
    return found
