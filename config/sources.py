"""Whom each source asks: the sandbox in the test set, in the live set whom the operator has
named.
"""

from config import env

_Sources = dict[str, dict[str, object]]

_FAMILIES = ("gost512", "rsa")
# Each source's or list's last word is its path at the sandbox and a part of the variables of the
# live set.
_LISTS = {
    "crl_urls": "crl",
    "delta_crl_urls": "delta_crl",
    "authority_crl_urls": "root_crl",
    "ocsp_urls": "ocsp",
}
# Those that take a question in JSON (docs/sandbox.md).
_ASKED = {
    "person_registry": ("person_registry.HttpPersonRegistry", "person"),
    "photo_registry": ("photo_registry.HttpPhotoRegistry", "photo"),
    "phone_registry": ("phone_registry.HttpPhoneRegistry", "phone"),
    "consent": ("consent.HttpConsentSource", "consent"),
    "sms": ("sms.HttpSmsGateway", "sms"),
    "stop_credit": ("stop_credit.HttpStopCredit", "stop_credit"),
    "account_owner": ("account_owner.HttpAccountOwner", "account_owner"),
    "credit_bureau": ("credit_bureau.HttpCreditBureau", "credit_bureau"),
}


def at_sandbox(url: str) -> _Sources:
    """Those of the test set: the sandbox at this address plays all of them."""
    lists = {
        name: {family: [f"{url}/{word}/{family}"] for family in _FAMILIES}
        for name, word in _LISTS.items()
    }
    authorities = {family: f"{url}/tsa/{family}" for family in _FAMILIES}
    return {
        "revocation": _source("revocation.HttpRevocationSource", **lists),
        "timestamp_authority": _source(
            "timestamp_authority.HttpTimestampAuthority", urls=authorities
        ),
        **{name: _source(adapter, url=f"{url}/{word}") for name, (adapter, word) in _ASKED.items()},
        # Plays borrowers; the live set has nobody who does.
        "simulation": _source("simulation.HttpSimulation", url=f"{url}/simulations"),
    }


def named_live() -> _Sources:
    """Those of the live set that the operator has named. One without an address is left out, so
    that it is missed.
    """
    # Addresses are named by two variables each, `…_GOST512` and `…_RSA`.
    named = {
        word: {
            family: env.comma_separated(f"TULGA_LIVE_{word.upper()}_{family.upper()}")
            for family in _FAMILIES
        }
        for word in (*_LISTS.values(), "tsa")
    }
    lists = {name: named[word] for name, word in _LISTS.items()}
    found = {"revocation": _source("revocation.HttpRevocationSource", **lists)}
    if authorities := {family: urls[0] for family, urls in named["tsa"].items() if urls}:
        found["timestamp_authority"] = _source(
            "timestamp_authority.HttpTimestampAuthority", urls=authorities
        )
    for name, (adapter, word) in _ASKED.items():
        variable = f"TULGA_LIVE_{word.upper()}"
        if url := env.text(f"{variable}_URL", ""):
            more: dict[str, object] = {"token_file": env.text(f"{variable}_TOKEN_FILE", "")}
            if name == "consent":
                more["names_phone"] = env.flag(f"{variable}_NAMES_PHONE", default=False)
            found[name] = _source(adapter, url=url, **more)
    return found


def _source(adapter: str, **options: object) -> dict[str, object]:
    return {"adapter": f"verification.sources.{adapter}", "options": options}
