"""The page of the statement: the words to be signed, and the two ways to sign them.

NCALayer signs on the borrower's own computer, asked by the page's script. eGov Mobile signs on a
phone. Its QR says `mobileSign:` and the address of API1. The app gets API1 (who asks, and an access
token), gets API2 with that token (the statement), and puts the same document back with the
signature in place: 200 or 403, nothing else. Its requests carry no cookie; what they may do stands
in `access/mobile_signing.py`. The document that comes back is never believed.

The app is asked for `CMS_SIGN_ONLY`, a detached signature: the bytes that are judged are those we
stored, so a copy of them inside the signature could only differ. `CMS_WITH_DATA` would send the
whole statement back to no use, and `XML` would have the app sign a document around the text instead
of the text that the page shows. The protocol is known from public integrations only: see
docs/operator/sources.md#egov-mobile.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import segno
from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from verification import clock
from verification.access import links, mobile_signing, open_page
from verification.access.open_page import BorrowerPage
from verification.access.tokens import SIGNERS
from verification.borrower import browsers, wording
from verification.core import almaty
from verification.core.errors import BadInput, Conflict, LinkUnusable, NotYourTurn
from verification.core.strict_json import MALFORMED, read_object

METHOD: Final = "CMS_SIGN_ONLY"
MIME: Final = "text/plain"
PUT_MAX_BYTES: Final = 160 * 1024
"""A signature of 48 KiB is 64 KiB in base64; its PEM, the rows beside it and escapes in JSON fit
twice. 2026-11.
"""
_NAMES: Final = {"nameRu": "ru", "nameKz": "kk", "nameEn": "en"}
_COMMON = "kz.gov.pki.knca.commonUtils"  # the module of every NCALayer, for those without basics
_BEARER = "Bearer "
# What the page can say of an answer that was refused; for any other code it has one sentence more.
_REFUSALS = ("egov_document_altered", "egov_answer_malformed", "eds_statement_mismatch")


def show(request: HttpRequest, view: Callable[[HttpRequest], HttpResponseBase]) -> HttpResponseBase:
    """Shows the page with leave to reach NCALayer on the borrower's own computer. No other page of
    ours has it.
    """
    return csp_update({"connect-src": [settings.TULGA_NCALAYER_URL]})(view)(request)


def context(page: BorrowerPage) -> Mapping[str, Any]:
    """The words of the statement, its exact text, and the request the script will send to NCALayer.

    The words are those of the text that is signed, in its language, whatever the page's is: see
    `offers_language`.
    """
    data = page.data["statement_base64"]
    language, written_in = get_language(), page.data["statement"]["language"]
    is_offered = _is_offered(page)
    signer: dict[str, Any] = {"extKeyUsageOids": list(page.data["eku_oids"])}
    if page.mode == "test":
        # Test certificates end at no root that NCALayer knows; an empty `chain` makes it offer
        # them.
        signer["chain"] = []
    # One signature over the statement, put into the CMS with it. No time-stamp: the route's policy
    # wants none.
    arguments = {
        "allowedStorages": None,
        "format": "cms",
        "data": data,
        "signingParams": {"decode": True, "encapsulate": True, "digested": False},
        "signerParams": signer,
        "locale": language or page.locale,
    }
    request = {"module": "kz.gov.pki.knca.basics", "method": "sign", "args": arguments}
    # The same of an old NCALayer: a key in a file (the script names a token that is plugged in),
    # content attached.
    old_request = {
        "module": _COMMON,
        "method": "createCAdESFromBase64",
        "args": ["PKCS12", "SIGNATURE", data, True],
    }
    return {
        "statement": page.data["statement"],
        "offers_language": language
        if page.data["may_change_language"] and language != written_in
        else "",
        "exact_text": base64.b64decode(data).decode("utf-8"),
        "ncalayer_url": settings.TULGA_NCALAYER_URL,
        "ncalayer_request": json.dumps(request, ensure_ascii=True),
        "ncalayer_common_tokens": json.dumps({"module": _COMMON, "method": "getActiveTokens"}),
        "ncalayer_common_request": json.dumps(old_request, ensure_ascii=True),
        # What the page needs to offer the app; nothing where eGov does not know our host.
        "egov_mobile": is_offered,
        "egov_refusals": [(code, wording.sentence(code)) for code in _REFUSALS if is_offered],
    }


def documents_to_sign(page: BorrowerPage) -> dict[str, Any]:
    """API2's answer: the statement's exact bytes, which are a text to read, and the rows that stand
    in it.
    """
    names = {}
    for field, language in _NAMES.items():
        with translation.override(language):
            names[field] = gettext("Statement about a loan of %(lender)s") % {
                "lender": page.lender.name
            }
    document = {
        "id": 1,
        **names,
        "meta": [{"name": name, "value": value} for name, value in page.data["statement"]["rows"]],
        "document": {"file": {"mime": MIME, "data": page.data["statement_base64"]}},
    }
    return {"signMethod": METHOD, "documentsToSign": [document]}


def signature_in(untrusted: bytes, *, offer: Mapping[str, Any]) -> str:
    """The text in the document's place, for the route to judge. Raises `BadInput`, by code:

    egov_answer_malformed for what is not one such document; egov_document_altered where the answer
    says something else about the document than the offer. A field left out, null or unknown is
    passed over: of it nothing is taken.
    """
    try:
        answer = read_object(untrusted, max_bytes=PUT_MAX_BYTES, numbers=True)
        returned = answer.objects("documentsToSign", most=1)
        if len(returned) != 1:
            raise BadInput("not one document", code=MALFORMED, pointer="/documentsToSign")
        (offered,), (document,) = offer["documentsToSign"], returned
        values = {name: document.value_or_none(name) for name in ("id", *_NAMES, "meta")}
        values["signMethod"] = answer.value_or_none("signMethod")
        honest = {**offered, "signMethod": offer["signMethod"]}
        for name, value in values.items():
            # JSON's true would equal 1.
            is_same = type(value) is type(honest[name]) and value == honest[name]
            if value is not None and not is_same:
                raise BadInput(f"another {name} than was given", code="egov_document_altered")
        file = document.object("document").object("file")
        if file.value_or_none("mime") not in (None, MIME):
            raise BadInput("another mime than was given", code="egov_document_altered")
        signature = file.value_or_none("data")
        if not isinstance(signature, str) or not signature.strip():
            raise BadInput(
                "no signature", code=MALFORMED, pointer="/documentsToSign/0/document/file/data"
            )
        return signature
    except BadInput as error:
        if error.code != MALFORMED:
            raise
        raise BadInput(error.detail, code="egov_answer_malformed", pointer=error.pointer) from error


@never_cache
@require_POST
def mint(request: HttpRequest) -> HttpResponse:
    """A fresh code for the page's script, as a drawing and as links. 409 if the page is no longer
    that of the turn.
    """
    session = browsers.untrusted_session(request)
    try:
        turn = browsers.read_answer(request).turn
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
        return _refusal(error.code)
    # The operator may have switched it off since the code was made.
    if not _is_offered(reading.page):
        return _refusal(SIGNERS.code)
    lender, warnings = reading.page.lender, []
    # Kazakh and Russian always: an attacker who sends a code to a victim chose the page's language,
    # and the victim did not.
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
            return _refusal(SIGNERS.code)
        offer = documents_to_sign(page)
        if request.method != "PUT":
            return JsonResponse(offer)
        try:
            signature = signature_in(request.body, offer=offer)
        except BadInput as error:
            # The page that shows the code learns why. What `take` refuses, it records itself.
            mobile_signing.refuse(untrusted_access=access, code=error.code)
            raise
        mobile_signing.take(untrusted_access=access, untrusted_signature=signature)
    except (LinkUnusable, BadInput) as error:
        return _refusal(error.code)
    return JsonResponse({"code": "200", "message": "success"})


def _is_offered(page: BorrowerPage) -> bool:
    # In test mode the sandbox plays the app. The real one refuses a host that is not on eGov's
    # list.
    return page.mode == "test" or bool(settings.TULGA_LIVE_EGOV_MOBILE)


def _refusal(code: str) -> JsonResponse:
    sentence = wording.sentence(code) or gettext(
        "This code can no longer be used. Make a new one on the page."
    )
    return JsonResponse({"code": code, "message": sentence}, status=403)
