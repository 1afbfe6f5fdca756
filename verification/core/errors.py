"""All errors, in one tree. Every class has a stable `code`; only `lenders/problems.py` maps codes
to HTTP.

    TulgaError
    ├── BadInput              unreadable input from outside; names the field
    ├── Refused               a measurement must not pass; checks turn it into Failed
    ├── NotFound              absent, or another lender's: the same answer for both
    ├── Conflict              a well-formed request at the wrong moment
    │   ├── NotYourTurn       the turn is answered already, or not open yet
    │   └── LinkUnusable      the link is spent, superseded or expired
    ├── Unavailable           a fault, never a verdict: try again
    │   ├── SourceUnavailable an outside source was silent, slow or wrong
    │   ├── ConsentPending    the person has not answered the state's message yet; not counted as a
    fault
    │   └── FenceLost         another worker took over the step; nothing was written
    ├── EvidenceUnreadable    sealed bytes do not open: tampered with, swapped, or without their key
    ├── LogInconsistent       the log contradicts earlier signatures; nothing more is signed
    ├── ConsentMissing        a register look-up lacks the consent of its person
    └── Misconfigured         the operator must change a setting before Tulga may run
        └── CalibrationMismatch a calibration belongs to another measurement
"""

from collections.abc import Mapping

from verification.core.lender import Outline


class TulgaError(Exception):
    """Base of all our errors: `code` is stable and public, `detail` is for people and has no
    personal data.
    """

    code = "internal_error"

    def __init__(self, detail: str = "", *, code: str | None = None) -> None:
        super().__init__(detail or code or self.code)
        self.detail = detail
        if code is not None:
            self.code = code


class BadInput(TulgaError):
    """Unreadable input. `pointer` is the JSON pointer or the form field."""

    code = "bad_input"

    def __init__(self, detail: str = "", *, code: str | None = None, pointer: str = "") -> None:
        super().__init__(detail, code=code)
        self.pointer = pointer


class Refused(TulgaError):
    """A measurement that must not pass. `code` is a row of `core/codes.py`; `facts` have no
    personal data.
    """

    code = "refused"

    def __init__(
        self, code: str, detail: str = "", *, facts: Mapping[str, str | int] | None = None
    ) -> None:
        super().__init__(detail, code=code)
        self.facts = dict(facts or {})


class NotFound(TulgaError):
    """Absent, or another lender's: the answer does not distinguish them."""

    code = "not_found"


class Conflict(TulgaError):
    """A well-formed request that does not fit the present state.

    wait_seconds: when a retry may fit.
    """

    code = "conflict"

    def __init__(
        self, detail: str = "", *, code: str | None = None, wait_seconds: int | None = None
    ) -> None:
        super().__init__(detail, code=code)
        self.wait_seconds = wait_seconds


class NotYourTurn(Conflict):
    """The turn is already answered or has not begun."""

    code = "not_your_turn"


class LinkUnusable(Conflict):
    """The link is spent, superseded or expired. All three look the same from outside.

    about: what its holder may learn, if the link was once valid.
    """

    code = "link_unusable"

    def __init__(
        self, detail: str = "", *, code: str | None = None, about: Outline | None = None
    ) -> None:
        super().__init__(detail, code=code)
        self.about = about


class Unavailable(TulgaError):
    """A fault: no decision was made and no attempt used. Try again."""

    code = "unavailable"


class SourceUnavailable(Unavailable):
    """An outside source was silent, slow or sent an unusable answer. `source` names it."""

    code = "source_unavailable"

    def __init__(self, source: str, detail: str = "") -> None:
        super().__init__(f"{source}: {detail}" if detail else source)
        self.source = source


class ConsentPending(Unavailable):
    """The person has not answered the state's message yet. The step is due again soon; no fault
    is counted.
    """

    code = "consent_pending"


class FenceLost(Unavailable):
    """The lease expired and another worker holds the step: this worker's result is dropped."""

    code = "fence_lost"


class EvidenceUnreadable(TulgaError):
    """Sealed bytes do not open under the key, place and version recorded for them."""

    code = "evidence_unreadable"


class LogInconsistent(TulgaError):
    """The log differs from what was signed: a further signature would fork it."""

    code = "log_inconsistent"


class ConsentMissing(TulgaError):
    """A look-up lacks a valid consent of its person. Law: O-40."""

    code = "consent_missing"


class Misconfigured(TulgaError):
    """A setting is missing or unsafe. `detail` says which and what to do."""

    code = "misconfigured"


class TokenUnreadable(Misconfigured):
    """The token file of a source belongs to another process's user. Only workers need it."""


class CalibrationMismatch(Misconfigured):
    """A distance of one embedding met a threshold of another: 0.35 of one can be 0.5 of another."""
