"""Whether this deployment may do what it is asked to: nothing live runs on less than a complete
live set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.core import checks

from verification.case.stages import installed
from verification.core.errors import Misconfigured

LIVE_TAG = "live"


@dataclass(frozen=True)
class Readiness:
    """Whether a route can judge in this process. `in_use`: what it judges with; `detail`: why it
    cannot.
    """

    is_ready: bool
    in_use: Mapping[str, object] = field(default_factory=dict)
    detail: str = ""

    @property
    def unfit_for_live(self) -> Sequence[str]:
        """Why what the route judges with does not do for live verifications, in its own words: it
        says so if it is.
        """
        reasons = self.in_use.get("unfit_for_live", ())
        return reasons if isinstance(reasons, Sequence) else ()


def live_is_complete() -> bool:
    """Whether live mode is on and every check tagged `live` (see `verification/deploy_checks.py`)
    finds nothing.
    """
    return settings.TULGA_MODES_LIVE and not checks.run_checks(tags=[LIVE_TAG])


def refuse_unsafe_live() -> None:
    """Raises `Misconfigured`, naming every fault, if live mode is on and not complete. Called as a
    process starts.
    """
    if settings.TULGA_MODES_LIVE and (found := checks.run_checks(tags=[LIVE_TAG])):
        raise Misconfigured(
            "live mode is not safe to run: " + " ".join(str(one.msg) for one in found)
        )


def refuse_unsigned() -> None:
    """Raises `Misconfigured` where this process has no certified key for what it signs in a mode
    that runs.

    Called as a process starts: nothing that it does could be put on record, so whoever waits for it
        would do for ever.
    """
    if settings.TULGA_UNCERTIFIED_KEYS:
        named = ", ".join(settings.TULGA_UNCERTIFIED_KEYS)
        raise Misconfigured(
            f"the operator's root has not certified {named}.\nWhere its key is: manage.py"
            " certify_keys"
        )
    for mode in ("test", "live") if settings.TULGA_MODES_LIVE else ("test",):
        held: dict[str, list[object]] = {
            "worker": [
                settings.TULGA_SIGNING_KEYS["decision"].get(mode),
                settings.TULGA_DOCUMENT_KEYS.get(mode),
            ],
            "web": [settings.TULGA_SIGNING_KEYS["door"].get(mode)],
            "sender": [settings.TULGA_SIGNING_KEYS["sender"].get(mode)],
            "tick": [settings.TULGA_LOG_KEYS.get(mode)],
        }
        if not all(held.get(settings.TULGA_PROCESS, ())):
            folder = settings.TULGA_KEYS_DIR / settings.TULGA_PROCESS
            raise Misconfigured(
                f"a key of {mode} mode is missing in {folder}.\nRestore it from your copy; in a new"
                " set-up, or for the next number: manage.py make_keys"
            )


def calibrations() -> list[str]:
    """What each calibration says that live mode judges by: of faces, and of a detector of
    presentation attacks.

    Zones, rates, conditions. Empty without live mode.
    """
    if not settings.TULGA_MODES_LIVE:
        return []
    every = [said.in_use for said in routes().values()]
    sentences = [
        str(in_use.get(name, ""))
        for name in ("calibration_told", "passive_told")
        for in_use in every
    ]
    return [sentence for sentence in dict.fromkeys(sentences) if sentence]


def routes() -> dict[str, Readiness]:
    """Every installed route by name: whether it is there, its stages pass their self-tests, and
    what they use.
    """
    found: dict[str, Readiness] = {}
    for name in settings.TULGA_ROUTES:
        in_use: dict[str, object] = {}
        failing = "does not load"
        try:
            stages = installed(name)
            failing = "cannot judge"
            for stage in stages.values():
                in_use |= stage.ready() if stage.ready is not None else {}
        except Misconfigured as error:
            found[name] = Readiness(is_ready=False, detail=f"{failing}: {error.detail}")
        else:
            found[name] = Readiness(is_ready=True, in_use=in_use)
    return found
