"""Signing by eGov Mobile: the page's own call for a code, and the three calls of the app.

The QR says `mobileSign:` and the address of API1. The app gets API1 (who asks, and an access
token), gets API2 with that token (the statement), and puts the same document back with the
signature in place: 200 or 403, nothing else. Its requests carry no cookie; what they may do stands
in `access/mobile_signing.py`.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from verification import clock
from verification.access import links, mobile_signing, open_page
from verification.access.open_page import BorrowerPage
from verification.access.tokens import SIGNERS
from verification.borrower import cookie, egov_documents, untrusted_answer, wording
from verification.core import almaty
from verification.core.errors import BadInput, Conflict, LinkUnusable, NotYourTurn

_BEARER = "Bearer "
# What the page can say of an answer that was refused; for any other code it has one sentence more.
_REFUSALS = ("egov_document_altered", "egov_answer_malformed", "eds_statement_mismatch")


def context(page: BorrowerPage) -> Mapping[str, Any]:
    """What the statement's page needs to offer the app; nothing where eGov does not know our
    host.
    """
    if not _is_offered(page):
        return {"egov_mobile": False}
    return {
        "egov_mobile": True,
        "egov_refusals": [(code, wording.sentence(code)) for code in _REFUSALS],
    }


@never_cache
@require_POST
def mint(request: HttpRequest) -> HttpResponse:
    """A fresh code for the page's script, as a drawing and as links. 409 if the page is no longer
    that of the turn.
    """
    session = cookie.untrusted_session(request)
    try:
        turn = untrusted_answer.read(request).turn
        if not _is_offered(
            open_page.borrower_page(
                verification_id=links.verification_of(untrusted_session=session)
            )
        ):
            raise NotYourTurn("eGov Mobile is not offered here")
        minted = mobile_signing.mint(untrusted_session=session, turn=turn)
    except Conflict as error:
        return JsonResponse({"code": error.code}, status=409)
    except BadInput as error:
        return JsonResponse({"code": error.code}, status=422)
    # The app takes the address as it stands; only in the link that opens the app is it a parameter.
    address = f"{settings.TULGA_PUBLIC_URL}{reverse('borrower:egov_start', args=[minted.token])}"
    text = f"mobileSign:{address}"
    return JsonResponse(
        {
            "text": text,
            # Level M of ISO/IEC 18004 at least: it is read with 15 % of it spoilt.
            "qr": (
                segno.make(text, error="m").svg_inline(omitsize=True, svgclass=None, lineclass=None)
            ),
            "link": settings.TULGA_EGOV_MOBILE_LINK.replace("{address}", quote(address, safe="")),
            "seconds": int((minted.expires_at - clock.now()).total_seconds()),
        }
    )


@never_cache
@require_GET
def start(request: HttpRequest, untrusted_code: str) -> HttpResponse:
    """API1: who asks for a signature, and the access token, once. Nothing about the person or the
    loan.
    """
    try:
        reading = mobile_signing.read(untrusted_code=untrusted_code)
    except LinkUnusable as error:
        return _refused(error.code)
    # The operator may have switched it off since the code was made.
    if not _is_offered(reading.page):
        return _refused(SIGNERS.code)
    lender, warnings = reading.page.lender, []
    # Kazakh and Russian always: whoever sends a code to a victim chose the page's language, and the
    # victim did not.
    for language in dict.fromkeys(("kk", "ru", reading.page.locale)):
        with translation.override(language):
            warnings.append(
                gettext("Sign only if you yourself ask %(lender)s for a loan.")
                % {"lender": lender.name}
            )
    until = timezone.localtime(reading.expires_at, almaty.ZONE)
    return JsonResponse(
        {
            "description": " / ".join(warnings),
            # As eGov's own example writes a time: 2022-09-29T16:21:37.060+0600.
            "expiry_date": f"{until:%Y-%m-%dT%H:%M:%S}.{until.microsecond // 1000:03}{until:%z}",
            "organisation": {
                "nameRu": lender.name,
                "nameKz": lender.name,
                "nameEn": lender.name,
                "bin": lender.bin,
            },
            "document": {
                "uri": f"{settings.TULGA_PUBLIC_URL}{reverse('borrower:egov_documents')}",
                "auth_type": "Token",
                "auth_token": reading.access,
            },
        }
    )


@never_cache
@csrf_exempt  # the app has no cookie of ours: the token in its header is all that counts
@require_http_methods(["GET", "PUT"])
def documents(request: HttpRequest) -> HttpResponse:
    """API2: the statement to sign, and where it comes back signed."""
    header = request.headers.get("Authorization", "")
    access = header.removeprefix(_BEARER).strip() if header.startswith(_BEARER) else ""
    try:
        page = mobile_signing.statement_page(untrusted_access=access)
        if not _is_offered(page):
            return _refused(SIGNERS.code)
        given = egov_documents.documents(page)
        if request.method != "PUT":
            return JsonResponse(given)
        try:
            signature = egov_documents.signature_in(request.body, given=given)
        except BadInput as error:
            # The page that shows the code learns why. What `take` refuses, it records itself.
            mobile_signing.refuse(untrusted_access=access, code=error.code)
            raise
        mobile_signing.take(untrusted_access=access, untrusted_signature=signature)
    except (LinkUnusable, BadInput) as error:
        return _refused(error.code)
    return JsonResponse({"code": "200", "message": "success"})


def _is_offered(page: BorrowerPage) -> bool:
    # In test mode the sandbox plays the app. The real one refuses a host that is not on eGov's
    # list.
    return page.mode == "test" or bool(settings.TULGA_LIVE_EGOV_MOBILE)


def _refused(code: str) -> JsonResponse:
    sentence = wording.sentence(code) or gettext(
        "This code can no longer be used. Make a new one on the page."
    )
    return JsonResponse({"code": code, "message": sentence}, status=403)
