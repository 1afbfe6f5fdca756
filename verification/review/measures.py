"""The value of a check beside its limit, in words: with its unit, and on which side it must lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from verification.core import spelling

_LEAST, _MOST, _MORE = _("at least %(value)s"), _("at most %(value)s"), _("more than %(value)s")
_SUM: Final = _("%(number)s ₸, the loan")


@dataclass(frozen=True)
class Measure:
    """One kind of value. unit: the value with its unit. side: where it must lie."""

    unit: str | Promise
    side: str | Promise


_BY_CHECK: Final[Mapping[str, Measure]] = {
    "face.binding": Measure(_("%(number)s pictures, fewest of a task"), _LEAST),
    "face.timing": Measure(_("%(number)s s, latest picture"), _MOST),
    "face.fresh": Measure(_("%(number)s grey levels of noise"), _MORE),
    "face.one_face": Measure(_("%(number)s of all pictures (1 is all)"), _LEAST),
    "face.quality": Measure(_("%(number)s flaws"), _MOST),
    "face.commands": Measure(_("%(number)s times the least movement"), _LEAST),
    "face.depth": Measure(_("%(number)s, ratio of depth"), _LEAST),
    "face.continuity": Measure(_("%(number)s, distance of faces"), _MOST),
    "face.hand_over": Measure(_SUM, _MOST),
    "face.passive": Measure(_SUM, _MOST),
    "face.injection": Measure(_("%(number)s signs"), _MOST),
    "face.match": Measure(_("%(number)s, distance of faces"), _MOST),
}
# A code or a detector changes what was measured.
_EARLY: Final = Measure(_("%(number)s s, earliest picture"), _LEAST)
_AGAIN: Final = Measure(_("%(number)s of all windows as before (1 is all)"), _MOST)
_DETECTOR: Final = Measure(_("%(number)s, the detector's score"), _LEAST)
_BY_CODE: Final[Mapping[str, Measure]] = {
    "liveness_frame_early": _EARLY,
    "liveness_capture_replayed": _AGAIN,
}


def measure_of(name: str, code: str, detail: Mapping[str, str | int]) -> Measure:
    """What a check measured; a bare number for an unknown check."""
    if name == "face.passive" and "sum_most" in detail:
        return _DETECTOR
    return _BY_CODE.get(code) or _BY_CHECK.get(name) or Measure("%(number)s", "%(value)s")


def value_of(measure: Measure, score: float | None) -> str:
    """A value with its unit; empty without one."""
    return str(measure.unit) % {"number": _number(score)} if score is not None else ""


def limit_of(measure: Measure, threshold: float | None) -> str:
    """The limit with the side where values must lie; empty without one."""
    return str(measure.side) % {"value": _number(threshold)} if threshold is not None else ""


def _number(value: float) -> str:
    """To three places, in the form of the page's language."""
    shown = Decimal(str(round(value, 3))).normalize()
    return spelling.number(f"{shown:f}", language=get_language() or "en")
