"""Who is asked outside, by mode. Everything missing fails closed: there is no default source."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from verification.core.errors import Misconfigured


def resolve(mode: str, name: str, kind: type = object) -> Any:
    """A fresh instance of the adapter configured for this source in this mode, which is of this kind.

    Raises `Misconfigured` where none is configured, where it cannot be built or is of another kind, and for an insecure
    one in live mode.
    """
    entry = written(mode).get(name)
    if not entry:
        raise Misconfigured(f"no source {name!r} is configured for mode {mode!r} (TULGA_SOURCES)")
    path, options = entry.get("adapter"), entry.get("options", {})
    if not isinstance(path, str) or not isinstance(options, Mapping):
        raise Misconfigured(f"TULGA_SOURCES[{mode!r}][{name!r}] needs an adapter (a dotted path) and options (a dict)")
    if mode == "live" and "insecure" in path.lower():
        raise Misconfigured(f"TULGA_SOURCES['live'][{name!r}] names an insecure adapter")
    try:
        instance: object = import_string(path)(**options)
    except (ImportError, TypeError) as error:
        raise Misconfigured(f"the adapter of TULGA_SOURCES[{mode!r}][{name!r}] cannot be built: {error}") from error
    if not isinstance(instance, kind):
        raise Misconfigured(f"{type(instance).__name__} is no {kind.__name__}")
    return instance


def adapters(mode: str) -> dict[str, str]:
    """The dotted path of every adapter of this mode, by source; for deployment checks."""
    paths = {name: entry.get("adapter") for name, entry in written(mode).items()}
    return {name: path for name, path in paths.items() if isinstance(path, str)}


def written(mode: str) -> Mapping[str, Mapping[str, object]]:
    """All that the operator wrote about the sources of this mode, by source; says nothing about its being right.

    Raises `Misconfigured` for what is no dict.
    """
    sources = getattr(settings, "TULGA_SOURCES", None)
    if not isinstance(sources, Mapping):
        raise Misconfigured("TULGA_SOURCES is missing: no source may be asked")
    entries = sources.get(mode, {})
    if not isinstance(entries, Mapping) or not all(isinstance(entry, Mapping) for entry in entries.values()):
        raise Misconfigured(f"TULGA_SOURCES[{mode!r}] must be a dict of sources, each a dict")
    return entries
