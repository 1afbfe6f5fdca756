"""Every page that a person may see, and how it is brought about: by name, with the file that draws
it.

The pages of a borrower are made by hand (`made`), so that each can be seen without the way there;
those of the people who sign in are of real rows. `make pictures` takes a picture of each.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.verification.borrower.pages import RENEWAL, choices, made
from verification.access.open_page import BorrowerPage
from verification.core.lender import LenderFacts

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "var" / "pictures"
"""Where `make pictures` puts the picture of every page, and a page that shows them all."""
PAGE_OF_PICTURES = PICTURES / "README.md"
PICTURE_MAX_BYTES = 150_000
KEPT_PICTURES = ROOT / "docs" / "pictures"
KEPT = ("command.en", "ended-key-revoked.en", "desk-case.en", "oversight-case.en")
"""The pictures that the repository keeps for its documents. `make pictures` renews these too."""
LANGUAGES = ("kk", "ru", "en")


LENDER = LenderFacts(
    id="len_0", name="ТОО «МФО Первый кредит»", bin="120340000125", phone="+77270000044"
)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One page. `name`: of its pictures. `says`: what it is. `template`: the file that draws it.

    page: what a borrower's session would be shown. path: the address otherwise. languages: in which
        it is.
    """

    name: str
    says: str
    template: str
    page: BorrowerPage | None = None
    path: str = ""
    languages: tuple[str, ...] = LANGUAGES


def _borrower(name: str, says: str, page: str, **changes: Any) -> Shown:
    shown = made(page, mode="live", lender=LENDER, purpose="Потребительский микрокредит", **changes)
    return Shown(name=name, says=says, template=f"borrower/{page}.html", page=shown)


def _ended(name: str, says: str, status: str, code: str = "", **changes: Any) -> Shown:
    return _borrower(name, says, "finished", status=status, code=code, **changes)


def _at(
    name: str, says: str, template: str, path: str = "", *, languages: tuple[str, ...] = LANGUAGES
) -> Shown:
    return Shown(name=name, says=says, template=template, path=path, languages=languages)


def _operated(name: str, says: str, template: str, path: str) -> Shown:
    return _at(name, f"The operator: {says}", f"operators/{template}.html", f"/admin/{path}")


def _docs(name: str, says: str, template: str, path: str) -> Shown:
    # Developers have it in Russian and English.
    return _at(
        name, f"For developers: {says}", f"lenders/{template}.html", path, languages=("ru", "en")
    )


PUBLIC = (
    _at("link", "Where a lender's link leads", "borrower/link.html", "/v/#{token}"),
    _at("link-cut", "A link without its end", "borrower/link.html", "/v/"),
    _at("link-unusable", "A link that was used or has run out", "problem.html", "/v/unusable/"),
    _at(
        "no-session",
        "A page of a check, in a browser that has opened no link",
        "problem.html",
        "/v/now/",
    ),
    _at(
        "phone-link",
        "Where the code on another screen leads",
        "borrower/link.html",
        "/v/phone/#{token}",
    ),
    _at("nowhere", "An address that is none", "problem.html", "/nowhere"),
    _at(
        "protect",
        "How loan frauds go, on one sheet",
        "borrower/protect.html",
        "/protect?lang={language}",
    ),
    _at("about", "Who runs this address", "borrower/about.html", "/about?lang={language}"),
    _at("rules", "What each law asks", "rules.html", "/rules"),
    _at("mine", "What is kept about me", "subject/start.html", "/mine"),
)
"""Pages for everybody, without a session."""

BORROWER = (
    _borrower("consent", "Consent", "consent"),
    _borrower("question", "Is somebody telling you what to press?", "question"),
    _borrower(
        "choose-route",
        "The ways to choose from",
        "choose_route",
        routes=choices("eds", "biometric"),
    ),
    _borrower("statement", "EDS: the statement to be signed", "statement"),
    _borrower("form", "Two factors: who you are", "form"),
    _borrower("code", "Two factors: the one-time code", "code"),
    _borrower("commands", "Before the camera is on", "commands", attempts=3, step=3, steps=4),
    _borrower(
        "commands-again",
        "Before the camera, after a capture that failed",
        "commands",
        attempt=2,
        attempts=3,
        notice="liveness_frame_frozen",  # the longest of the sentences
    ),
    _borrower("renewal", "The new consent after the wait", "renewal", renewal=RENEWAL),
    _borrower("wait", "While a worker judges", "wait"),
    _borrower("resume", "Back after a silence", "resume", notice="attempt_expired"),
    _borrower("checking", "While the log refuses an entry", "checking"),
    _ended("ended-verified", "Verified", "verified"),
    _ended("ended-declined", "Declined: the registry", "declined", "document_mismatch"),
    _ended(
        "ended-key-revoked", "Declined: the key was revoked", "declined", "eds_certificate_revoked"
    ),
    _ended("ended-consent", "Declined: no consent", "declined", "consent_declined"),
    _ended(
        "ended-coercion",
        "Declined: somebody tells the borrower what to press",
        "declined",
        "coercion_reported",
    ),
    _ended(
        "ended-attempts",
        "Declined: no attempts left",
        "declined",
        "attempts_exhausted",
        last_failure="otp_wrong",
    ),
    _ended("ended-review", "People look at it", "in_review", "liveness_review"),
    _ended("ended-expired", "Out of time", "expired", "verification_expired"),
    _ended("ended-canceled", "The lender ended it", "canceled", "canceled_by_lender"),
    _ended("ended-failed", "A source did not answer", "failed", "retries_exhausted"),
    _ended("ended-renewed", "The new consent was given", "verified", renewal=RENEWAL),
    _ended(
        "ended-not-renewed",
        "The new consent was declined",
        "declined",
        "consent_declined",
        renewal=RENEWAL,
    ),
)
"""Pages of a borrower's session, all at one address."""

ON_THE_WAY = (
    _at("elsewhere", "Going on elsewhere: the code for a phone", "borrower/elsewhere.html"),
    _at("phone", "The phone's number for the other screen", "borrower/phone.html"),
    _at("handed-over", "The other screen, after the number", "borrower/handed_over.html"),
    _at("withdraw", "Withdrawing the consent: what it does", "borrower/withdraw.html"),
    _at("withdrawn", "After the withdrawal", "borrower/withdrawn.html"),
    _at("command", "A command before the camera", "borrower/commands.html"),
)
"""Pages of a borrower that only a way leads to."""

SUBJECT = (
    _at("mine-sign", "A person: the request to sign", "subject/sign.html", "/mine/now"),
    _at("mine-wait", "A person: while a worker judges", "subject/wait.html", "/mine/now"),
    _at("mine-refused", "A person: a refused signature", "subject/refused.html", "/mine/now"),
    _at("mine-over", "A person: out of time", "subject/over.html", "/mine/now"),
    _at("mine-bundle", "A person: what is kept about them", "subject/bundle.html", "/mine/now"),
)
"""Pages of a person who reads what is kept about them, all at one address."""

DESK = (
    _at("desk-queue", "The desk: cases to look at", "review/queue.html", "/review/"),
    _at("desk-open", "The desk: open cases", "review/open.html", "/review/open/"),
    _at("desk-case", "The desk: a case", "review/case.html", "/review/cases/{case}/"),
    _at(
        "desk-to-confirm",
        "The desk: what an employee is to attest",
        "review/to_confirm.html",
        "/review/confirm/",
    ),
    _at(
        "desk-confirmation",
        "The desk: attesting",
        "review/confirmation.html",
        "/review/confirm/{confirmed}/",
    ),
    _at("desk-refused", "The desk: too late", "review/refused.html"),
    _at("desk-link", "The desk: a fresh link", "review/link.html"),
)

OVERSIGHT = (
    _at("oversight-search", "The regulator: search", "oversight/search.html", "/oversight/"),
    _at(
        "oversight-case",
        "The regulator: a case",
        "oversight/case.html",
        "/oversight/cases/{declined}/",
    ),
    _at(
        "oversight-counts",
        "The regulator: monthly counts",
        "oversight/counts.html",
        "/oversight/counts/?mode=test",
    ),
    _at(
        "oversight-readings",
        "The regulator: readings",
        "oversight/readings.html",
        "/oversight/readings/?mode=test",
    ),
    _at("oversight-not-ready", "The regulator: no proof yet", "oversight/not_ready.html"),
)

PEOPLE = (
    _at("sign-in", "Two factors to sign in", "people/sign_in.html", "/people/sign-in/"),
    _at("home", "Where each person begins", "people/home.html", "/people/"),
    _at("password", "Another password", "people/password.html", "/people/password/"),
    _at("passkey", "Passkeys, and a new one", "people/passkey.html", "/people/passkey/"),
    _at("invitation", "An invited person", "people/invitation.html", "/people/invitation/"),
    _operated("proposals", "proposals", "proposals", "proposals/"),
    _operated("proposal", "one proposal", "proposal", "proposals/{proposal}/"),
    _operated("meetings", "people without a key", "meetings", "meetings/"),
    _operated("meeting", "a person without a key", "meeting", "meetings/{meeting}/"),
    _operated("operation", "the first page", "operation", ""),
    _operated("refused-entries", "what the log refuses", "refused", "refused/"),
    _operated("persons", "people", "rows", "people/user/"),
    _operated("person-new", "a new person", "row", "people/user/add/"),
    _operated("person", "a person", "row", "people/user/{person}/change/"),
    _operated("lenders", "lenders", "rows", "lenders/lender/"),
    _operated("lender", "a lender and its keys", "row", "lenders/lender/{lender}/change/"),
    _operated("keys", "live keys", "rows", "lenders/apikey/"),
    _operated("endpoints", "webhook endpoints", "rows", "lenders/webhookendpoint/"),
    _operated("endpoint", "an endpoint", "row", "lenders/webhookendpoint/{endpoint}/change/"),
    _operated("deliveries", "deliveries", "rows", "lenders/delivery/"),
    _operated("delivery", "a delivery", "row", "lenders/delivery/{delivery}/change/"),
)

OPENED_ONCE = (_at("kept", "The operator: what is kept about a person", "operators/kept.html"),)
"""A page that opens once."""

DEVELOPERS = (
    _docs("docs", "overview", "docs", "/docs"),
    _docs("docs-start", "start", "document", "/docs/start"),
    _docs("docs-concepts", "concepts", "document", "/docs/concepts"),
    _docs("docs-payout", "payout", "document", "/docs/payout"),
    _docs("docs-webhooks", "webhooks", "document", "/docs/webhooks"),
    _docs("docs-php", "PHP", "document", "/docs/php"),
    _docs("docs-node", "Node.js", "document", "/docs/node"),
    _docs("docs-errors", "errors", "document", "/docs/errors"),
    _docs("docs-verify-offline", "verify offline", "document", "/docs/verify-offline"),
    _docs("docs-sandbox", "sandbox", "document", "/docs/sandbox"),
    _docs("docs-threat-model", "threat model", "document", "/docs/threat-model"),
    _docs("docs-problems", "codes", "problems", "/docs/problems"),
    _docs("docs-code", "one code", "code", "/docs/problems/not_found"),
    _docs("docs-reference", "reference", "reference", "/docs/reference"),
    _docs("docs-changelog", "versions", "document", "/docs/changelog"),
    _docs("docs-search", "search", "search", "/docs/search?q=webhook"),
)

GROUPS = {
    "For everybody": PUBLIC,
    "The borrower": BORROWER,
    "The borrower, on the way": ON_THE_WAY,
    "The person": SUBJECT,
    "The desk": DESK,
    "The regulator": OVERSIGHT,
    "Who signs in": PEOPLE,
    "Before two operators": OPENED_ONCE,
    "The lender's developers": DEVELOPERS,
}
EVERY = tuple(shown for group in GROUPS.values() for shown in group)
_HEAD = """# Every page, in every language

`make pictures` takes these of the product itself. Its tests invent faces, names and numbers. A
borrower's pages are shown as a phone of 390×844 shows them, those of people at work on a screen of
1280×800. A long page is cut off below.
"""


def written() -> str:
    """The page that shows every picture."""
    lines = [_HEAD]
    for title, group in GROUPS.items():
        lines.append(f"## {title}\n")
        for shown in group:
            lines.append(f"### {shown.says}\n")
            pictures = (f"![{each}]({shown.name}.{each}.webp)" for each in shown.languages)
            lines.append(" ".join(pictures) + "\n")
    return "\n".join(lines)
