"""Findings of an inspection of stored rows and files."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One deviation. `code` is stable, `detail` is a sentence; neither has personal data."""

    code: str
    detail: str
    log: str = ""
    leaf_index: int | None = None
    entry: str = ""
    field: str = ""

    def __str__(self) -> str:
        """Place and deviation in one line."""
        place = [f"{self.log} log"] if self.log else []
        if self.leaf_index is not None:
            place.append(f"leaf {self.leaf_index}")
        if self.entry:
            place.append(f"entry {self.entry}")
        if self.field:
            place.append(f"field {self.field}")
        return f"{', '.join(place)}: {self.detail}" if place else self.detail

    def as_json(self) -> dict[str, Any]:
        """The finding as a JSON object, empty fields left out."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None)}
