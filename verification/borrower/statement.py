"""The page of the statement: the words to be signed, and what its script needs to ask NCALayer for
the signature.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import get_language

from verification.access.open_page import BorrowerPage

_COMMON = "kz.gov.pki.knca.commonUtils"  # the module of every NCALayer, for those without basics


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
    asked, written_in = get_language(), page.data["statement"]["language"]
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
        "locale": get_language() or page.locale,
    }
    request = {"module": "kz.gov.pki.knca.basics", "method": "sign", "args": arguments}
    # The same of an old NCALayer: a key in a file (the script names a token that is plugged in),
    # content attached.
    of_old = {
        "module": _COMMON,
        "method": "createCAdESFromBase64",
        "args": ["PKCS12", "SIGNATURE", data, True],
    }
    return {
        "statement": page.data["statement"],
        "offers_language": asked
        if page.data["may_change_language"] and asked != written_in
        else "",
        "exact_text": base64.b64decode(data).decode("utf-8"),
        "ncalayer_url": settings.TULGA_NCALAYER_URL,
        "ncalayer_request": json.dumps(request, ensure_ascii=True),
        "ncalayer_common_tokens": json.dumps({"module": _COMMON, "method": "getActiveTokens"}),
        "ncalayer_common_request": json.dumps(of_old, ensure_ascii=True),
    }
