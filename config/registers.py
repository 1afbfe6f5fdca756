"""Where registers, consents and messages are asked for: the sources that take a question in JSON (docs/sandbox.md)."""

from config import env

_Sources = dict[str, dict[str, object]]

# Each source's adapter, its path at the sandbox, and its word in the variables of the live set.
_ASKED = {
    "person_registry": ("person_registry.HttpPersonRegistry", "/person", "PERSON"),
    "photo_registry": ("photo_registry.HttpPhotoRegistry", "/photo", "PHOTO"),
    "phone_registry": ("phone_registry.HttpPhoneRegistry", "/phone", "PHONE"),
    "consent": ("consent.HttpConsentSource", "/consent", "CONSENT"),
    "sms": ("sms.HttpSmsGateway", "/sms", "SMS"),
}


def at_sandbox(url: str) -> _Sources:
    """Those of the test set: the sandbox at this address plays all of them."""
    return {name: _source(adapter, url=f"{url}{path}") for name, (adapter, path, _) in _ASKED.items()}


def named_live() -> _Sources:
    """Those of the live set that the operator has named. One without an address is left out, so that it is missed."""
    found = {}
    for name, (adapter, _, word) in _ASKED.items():
        url = env.text(f"TULGA_LIVE_{word}_URL", "")
        if url:
            found[name] = _source(adapter, url=url, token_file=env.text(f"TULGA_LIVE_{word}_TOKEN_FILE", ""))
    return found


def _source(adapter: str, **options: object) -> dict[str, object]:
    return {"adapter": f"verification.sources.{adapter}", "options": options}
