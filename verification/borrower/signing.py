"""The statement page: the words to sign, and the two ways to sign them.

NCALayer signs on the borrower's computer, called by the page's script. eGov Mobile signs on a
phone.
Its QR contains `mobileSign:` and the address of API1.
1. The app gets API1: the lender's name and an access token.
2. With the token it gets API2: the statement.
3. It puts the same document back with the signature in place, and gets 200 or 403 without content.

Its requests carry no cookie; `access/mobile_signing.py` defines their rights. The returned document
is untrusted.

The app is asked for `CMS_SIGN_ONLY`, a detached signature.
We judge the stored bytes, so a copy inside the signature could only differ.
`CMS_WITH_DATA` would return the whole statement without use.
`XML` would make the app sign a document around the text instead of the displayed text.
The protocol is known from public integrations only: see docs/operator/sources.md.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
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
"""A signature of 48 KiB is 64 KiB in base64; its PEM, the other rows and JSON escapes fit twice.
2026-11.
"""
_NAMES: Final = {"nameRu": "ru", "nameKz": "kk", "nameEn": "en"}
_COMMON = "kz.gov.pki.knca.commonUtils"  # the module of every NCALayer, for versions without basics
_BEARER = "Bearer "
# Refusals of an answer with their own sentence on the page; all other codes share one.
_REFUSALS = ("egov_document_altered", "egov_answer_malformed", "eds_statement_mismatch")


def show(request: HttpRequest, view: Callable[[HttpRequest], HttpResponseBase]) -> HttpResponseBase:
    """The page with permission to reach NCALayer on the borrower's computer. No other page has
    it.
    """
    return csp_update({"connect-src": [settings.TULGA_NCALAYER_URL]})(view)(request)


def context(page: BorrowerPage) -> Mapping[str, Any]:
    """The words of the statement, its exact text, and the script's request to NCALayer.

    The words are those of the signed text, in its language, whatever the page's is: see
    `offers_language`.
    """
    data = page.data["statement_base64"]
    language, written_in = get_language(), page.data["statement"]["language"]
    is_offered = _is_offered(page)
    return {
        "statement": page.data["statement"],
        "offers_language": language
        if page.data["may_change_language"] and language != written_in
        else "",
        **ncalayer(
            base64.b64decode(data),
            usages=page.data["eku_oids"],
            mode=page.mode,
            language=language or page.locale,
        ),
        # Empty if eGov does not know our host.
        "egov_mobile": is_offered,
        "egov_refusals": [(code, wording.sentence(code)) for code in _REFUSALS if is_offered],
    }


def ncalayer(text: bytes, *, usages: Sequence[str], mode: str, language: str) -> dict[str, Any]:
    """The exact text, and the script's requests to NCALayer, for `borrower/ncalayer.html`.

    usages: OIDs of the extended key usages to offer keys of.
    """
    data = base64.b64encode(text).decode()
    signer: dict[str, Any] = {"extKeyUsageOids": list(usages)}
    if mode == "test":
        # NCALayer knows no root of test certificates; with an empty `chain` it offers them.
        signer["chain"] = []
    # One signature over the statement, embedded in the CMS. No time-stamp: the route's policy does
    # not require one.
    arguments = {
        "allowedStorages": None,
        "format": "cms",
        "data": data,
        "signingParams": {"decode": True, "encapsulate": True, "digested": False},
        "signerParams": signer,
        "locale": language,
    }
    request = {"module": "kz.gov.pki.knca.basics", "method": "sign", "args": arguments}
    # The same for an old NCALayer: a key in a file (the script names a connected token), content
    # attached.
    old_request = {
        "module": _COMMON,
        "method": "createCAdESFromBase64",
        "args": ["PKCS12", "SIGNATURE", data, True],
    }
    return {
        "exact_text": text.decode("utf-8"),
        "ncalayer_url": settings.TULGA_NCALAYER_URL,
        "ncalayer_request": json.dumps(request, ensure_ascii=True),
        "ncalayer_common_tokens": json.dumps({"module": _COMMON, "method": "getActiveTokens"}),
        "ncalayer_common_request": json.dumps(old_request, ensure_ascii=True),
    }


def documents_to_sign(page: BorrowerPage) -> dict[str, Any]:
    """API2's answer: the statement's exact bytes as text, and its rows."""
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
    """The text in the document's place, for the route to judge.

    A field that is absent, null or unknown is ignored.

    Raises: `BadInput` egov_answer_malformed unless it is one such document.
    Raises: `BadInput` egov_document_altered if it contradicts the offer.
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
                raise BadInput(f"the {name} differs from the offer", code="egov_document_altered")
        file = document.object("document").object("file")
        if file.value_or_none("mime") not in (None, MIME):
            raise BadInput("the mime type differs from the offer", code="egov_document_altered")
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
    """A fresh code for the page's script, as a drawing and as links. 409 if the turn is over."""
    session = browsers.untrusted_session(request)
    try:
        turn = browsers.read_answer(request).turn
        if not _is_offered(
            open_page.borrower_page(
                verification_id=links.verification_of(untrusted_session=session)
            )
        ):
            raise NotYourTurn("eGov Mobile is not available here")
        minted = mobile_signing.mint(untrusted_session=session, turn=turn)
    except Conflict as error:
        return JsonResponse({"code": error.code}, status=409)
    except BadInput as error:
        return JsonResponse({"code": error.code}, status=422)
    # The app takes the address as it is; only in the link that opens the app it is a parameter.
    address = f"{settings.TULGA_PUBLIC_URL}{reverse('borrower:egov_start', args=[minted.token])}"
    text = f"mobileSign:{address}"
    return JsonResponse(
        {
            "text": text,
            # Level M of ISO/IEC 18004 at least: it is readable with 15 % damaged.
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
    """API1: the requester of the signature, and the access token, once. No person, no loan."""
    try:
        reading = mobile_signing.read(untrusted_code=untrusted_code)
    except LinkUnusable as error:
        return _refusal(error.code)
    # The operator may have switched it off since the code was made.
    if not _is_offered(reading.page):
        return _refusal(SIGNERS.code)
    lender, warnings = reading.page.lender, []
    # Always include Kazakh and Russian: an attacker who sends a code to a victim chose the page's
    # language.
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
            # The time format of eGov's example: 2022-09-29T16:21:37.060+0600.
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
@csrf_exempt  # the app has no cookie of ours: only the token in its header counts
@require_http_methods(["GET", "PUT"])
def documents(request: HttpRequest) -> HttpResponse:
    """API2: the statement to sign, and the return of its signature."""
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
            # The page with the code shows the reason. `take` records its own refusals.
            mobile_signing.refuse(untrusted_access=access, code=error.code)
            raise
        mobile_signing.take(untrusted_access=access, untrusted_signature=signature)
    except (LinkUnusable, BadInput) as error:
        return _refusal(error.code)
    return JsonResponse({"code": "200", "message": "success"})


def _is_offered(page: BorrowerPage) -> bool:
    # In test mode the sandbox plays the app. The real one refuses hosts outside eGov's list.
    return page.mode == "test" or bool(settings.TULGA_LIVE_EGOV_MOBILE)


def _refusal(code: str) -> JsonResponse:
    sentence = wording.sentence(code) or gettext(
        "This code can no longer be used. Make a new one on the page."
    )
    return JsonResponse({"code": code, "message": sentence}, status=403)
