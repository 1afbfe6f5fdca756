"""What can go wrong, in one tree. Every class has a stable `code`; only `lenders/problems.py` maps
codes to HTTP.

TulgaError ├── BadInput              somebody outside sent what cannot be read; says which field ├──
Refused               a measurement found something that must not pass; checks turn it into Failed
├── NotFound              no such thing, or not yours: the same answer for both ├── Conflict
the request is well-formed, the moment is wrong │   ├── NotYourTurn       the turn was answered
already, or is not open yet │   └── LinkUnusable      the link was spent, superseded or has run out
├── Unavailable           a fault, never a verdict: try again │   ├── SourceUnavailable an outside
source was silent, slow or wrong │   ├── ConsentPending    the person has not answered the state's
message yet: waited for, not counted as a fault │   └── FenceLost         another worker took the
step over; nothing was written ├── EvidenceUnreadable    sealed bytes do not open: tampered with,
swapped, or the key was destroyed ├── LogInconsistent       the log does not agree with what was
signed before; nothing is signed on top of it ├── ConsentMissing        a register about people was
to be asked without the consent of the one it is about └── Misconfigured         the operator must
change something before Tulga may run
    └── CalibrationMismatch   a number was to be judged by the calibration of another measurement
"""

from collections.abc import Mapping

from verification.core.lender import Outline


class TulgaError(Exception):
    """Base of all our errors: `code` is stable and public, `detail` is for people and free of
    personal data.
    """

    code = "internal_error"

    def __init__(self, detail: str = "", *, code: str | None = None) -> None:
        super().__init__(detail or code or self.code)
        self.detail = detail
        if code is not None:
            self.code = code


class BadInput(TulgaError):
    """Input that cannot be read. `pointer` is the JSON pointer or the form field it is about."""

    code = "bad_input"

    def __init__(self, detail: str = "", *, code: str | None = None, pointer: str = "") -> None:
        super().__init__(detail, code=code)
        self.pointer = pointer


class Refused(TulgaError):
    """A measurement that must not pass. `code` is a row of `core/codes.py`; `facts` are free of
    personal data.
    """

    code = "refused"

    def __init__(
        self, code: str, detail: str = "", *, facts: Mapping[str, str | int] | None = None
    ) -> None:
        super().__init__(detail, code=code)
        self.facts = dict(facts or {})


class NotFound(TulgaError):
    """Nothing there, or nothing of yours: the two are not told apart."""

    code = "not_found"


class Conflict(TulgaError):
    """The request is well-formed but does not fit what has happened meanwhile. `wait_seconds`:
    until it may fit.
    """

    code = "conflict"

    def __init__(
        self, detail: str = "", *, code: str | None = None, wait_seconds: int | None = None
    ) -> None:
        super().__init__(detail, code=code)
        self.wait_seconds = wait_seconds


class NotYourTurn(Conflict):
    """The turn was answered already or has not begun."""

    code = "not_your_turn"


class LinkUnusable(Conflict):
    """The link was spent, superseded or has run out. All three look the same from outside.

    about: what may be told to whoever holds it, if it was ever one of ours.
    """

    code = "link_unusable"

    def __init__(
        self, detail: str = "", *, code: str | None = None, about: Outline | None = None
    ) -> None:
        super().__init__(detail, code=code)
        self.about = about


class Unavailable(TulgaError):
    """A fault: nothing was decided and no attempt was burnt. Try again."""

    code = "unavailable"


class SourceUnavailable(Unavailable):
    """An outside source was silent, slow or answered nonsense. `source` names it."""

    code = "source_unavailable"

    def __init__(self, source: str, detail: str = "") -> None:
        super().__init__(f"{source}: {detail}" if detail else source)
        self.source = source


class ConsentPending(Unavailable):
    """The person has not answered the state's message yet. The step is due again soon, and no fault
    is counted.
    """

    code = "consent_pending"


class FenceLost(Unavailable):
    """The lease ran out and another worker holds the step: whatever was computed here is
    dropped.
    """

    code = "fence_lost"


class EvidenceUnreadable(TulgaError):
    """Sealed bytes do not open under the key, place and version they should have."""

    code = "evidence_unreadable"


class LogInconsistent(TulgaError):
    """The log differs from what was signed: signing on would fork it."""

    code = "log_inconsistent"


class ConsentMissing(TulgaError):
    """Nobody is looked up without their consent: there is none, it is no id, or it does not hold.
    Law: O-40.
    """

    code = "consent_missing"


class Misconfigured(TulgaError):
    """A setting is missing or unsafe. `detail` says which and what to do."""

    code = "misconfigured"


class TokenUnreadable(Misconfigured):
    """The token file of a source belongs to another process's user. Only workers need it."""


class CalibrationMismatch(Misconfigured):
    """A distance of one embedding was to be judged by a threshold of another: 0.35 of one is 0.5 of
    the other.
    """
