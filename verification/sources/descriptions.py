"""What the operator set for each source, without credentials: for statements in the log.

Nothing is asked or built, and no token file is read.
"""

import inspect
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from verification.core.errors import Misconfigured
from verification.sources import installed

_ADDRESSES: Final = ("url", "urls")
"""How the names of options with addresses end."""
_OPTIONS: Final = (
    *("seconds", "max_bytes", "ocsp_seconds", "ocsp_max_bytes"),
    *("sender", "names_phone"),
)
"""Options that hold no credential. An unknown one of an operator's own adapter might."""


def in_use(mode: str) -> dict[str, dict[str, Any]]:
    """Each source of a mode with an adapter, by name, as `actor.source` states it.

    Raises: `Misconfigured` if the settings of sources cannot be read.
    """
    adapters = installed.adapters(mode)
    return {name: _stated(mode, name, adapter) for name, adapter in sorted(adapters.items())}


def as_set(mode: str) -> dict[str, dict[str, Any]]:
    """Each source of a mode by name: adapter, origins, and options without a credential. No
    adapter is imported.

    Raises: `Misconfigured` if the settings of sources cannot be read.
    """
    return {
        name: {
            "adapter": str(entry.get("adapter", "")),
            "origins": origins(_options(entry)),
            # Fractions have many spellings, so each value is its text.
            "options": {
                option: str(value)
                for option, value in _options(entry).items()
                if option in _OPTIONS
            },
        }
        for name, entry in sorted(installed.written(mode).items())
    }


def pins(mode: str) -> bytes:
    """The pins of a mode's trust anchors as their file has them; empty without a file."""
    directory = _options({"options": installed.written(mode).get(installed.SOURCE)}).get(
        "directory"
    )
    try:
        return (Path(str(directory)) / installed.PINS_FILE).read_bytes() if directory else b""
    except OSError:
        return b""


def origins(options: Mapping[str, Any]) -> list[str]:
    """Scheme, host and port of each address among these options, once and in order.

    A path or query may hold a credential, and is left out.
    """
    waiting = [value for name, value in options.items() if name.endswith(_ADDRESSES)]
    addresses = set[str]()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
        elif isinstance(value, str):
            addresses.update(_origin(value))
    return sorted(addresses)


def _stated(mode: str, name: str, adapter: str) -> dict[str, Any]:
    options, protocol = _options(installed.written(mode)[name]), ""
    try:
        build = installed.find(name, adapter)
    except Misconfigured:  # its use is refused, and says why
        pass
    else:
        kind = build.func if isinstance(build, partial) else build
        protocol = str(getattr(kind, "protocol", ""))
        options = {**_default_address(build), **options}
    addresses = origins(options)
    sandbox = list(_origin(str(settings.TULGA_SANDBOX_URL)))
    return {
        "purpose": name,
        "adapter": adapter,
        "origins": addresses,
        "protocol": protocol,
        "is_sandbox": addresses == sandbox,
    }


def _options(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    options = entry.get("options")
    return options if isinstance(options, Mapping) else {}


def _default_address(build: Any) -> dict[str, str]:
    """The address that an adapter of one service uses without an option."""
    try:
        parameter = inspect.signature(build).parameters.get("url")
    except (TypeError, ValueError):
        return {}
    return {"url": parameter.default} if parameter and isinstance(parameter.default, str) else {}


def _origin(address: str) -> Iterator[str]:
    """Its origin; nothing if it cannot be read."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return
    if host:
        host = f"[{host}]" if ":" in host else host
        yield f"{parts.scheme}://{host}{f':{port}' if port else ''}"
