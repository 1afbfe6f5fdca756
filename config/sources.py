"""The addresses of each source: the sandbox in the test set, the operator's in the live set."""

from config import env

_Sources = dict[str, dict[str, object]]

_FAMILIES = ("gost512", "rsa")
# The last word of each source or list is its path at the sandbox and part of the live set's
# variables.
_LISTS = {
    "crl_urls": "crl",
    "delta_crl_urls": "delta_crl",
    "authority_crl_urls": "root_crl",
    "ocsp_urls": "ocsp",
}
# Sources with questions in JSON (docs/operator/sources.md).
_ASKED = {
    "person_registry": "person",
    "photo_registry": "photo",
    "phone_registry": "phone",
    "consent": "consent",
    "sms": "sms",
    "stop_credit": "stop_credit",
    "account_owner": "account_owner",
    "credit_bureau": "credit_bureau",
}
_OURS = "http"


def at_sandbox(url: str) -> _Sources:
    """The test set: the sandbox at this address plays all sources."""
    lists = {
        name: {family: [f"{url}/{word}/{family}"] for family in _FAMILIES}
        for name, word in _LISTS.items()
    }
    options = {
        "revocation": lists,
        "timestamp_authority": {"urls": {family: f"{url}/tsa/{family}" for family in _FAMILIES}},
        **{name: {"url": f"{url}/{word}"} for name, word in _ASKED.items()},
        # Plays borrowers; the live set has no such source.
        "simulation": {"url": f"{url}/simulations"},
    }
    return {name: {"adapter": _OURS, "options": values} for name, values in options.items()}


def named_live() -> _Sources:
    """The live set's sources with an adapter or address from the operator. Others are left out, and
    reported as missing.

    An adapter gets the options whose variables are set.
    """
    # Two variables hold the addresses, `…_GOST512` and `…_RSA`.
    addresses = {
        word: {
            family: urls
            for family in _FAMILIES
            if (urls := env.comma_separated(f"TULGA_LIVE_{word.upper()}_{family.upper()}"))
        }
        for word in (*_LISTS.values(), "tsa")
    }
    lists = {name: addresses[word] for name, word in _LISTS.items() if addresses[word]}
    authorities = {family: urls[0] for family, urls in addresses["tsa"].items()}
    options: dict[str, dict[str, object]] = {
        "revocation": {**lists},
        "timestamp_authority": {"urls": authorities} if authorities else {},
    }
    parts = {"revocation": "revocation", "timestamp_authority": "timestamp_authority", **_ASKED}
    for name, word in _ASKED.items():
        texts = {
            option: env.text(f"TULGA_LIVE_{word.upper()}_{option.upper()}", "")
            for option in ("url", "token_file", *(("sender",) if name == "sms" else ()))
        }
        options[name] = {option: text for option, text in texts.items() if text}
        if name == "consent" and env.flag("TULGA_LIVE_CONSENT_NAMES_PHONE", default=False):
            options[name]["names_phone"] = True
    entries: _Sources = {}
    for name, word in parts.items():
        adapter = env.text(f"TULGA_LIVE_{word.upper()}_ADAPTER", "")
        if adapter or name == "revocation" or "url" in options[name] or "urls" in options[name]:
            entries[name] = {"adapter": adapter or _OURS, "options": options[name]}
    return entries
