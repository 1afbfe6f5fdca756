"""`python -m scripts.write_log_columns`: docs/log-columns.md from the list in verification/audit/columns.py."""

from collections import Counter
from pathlib import Path
from typing import Final

from verification.audit.columns import COLUMNS

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "log-columns.md"
_HEAD: Final = """\
# What the log covers, column by column

Written by `python -m scripts.write_log_columns` from `verification/audit/columns.py`; a test holds this page, that list
and the tables of the database against each other, so no column is left out. By it `audit_verify` compares the rows.

- **covered**: an entry says the value; *by* names the module of `verification/` that compares it.
- **derived**: the value follows from entries, sealed bytes or other rows, and is worked out again.
- **operational**: nothing compares it, for the reason given: it changes no decision, no actor, no law and no reading.
- **not covered**: people and lenders, whose changes are no entries yet.

What is compared by `evidence/` needs the keys; where they are not at hand `audit_verify` says how much was not checked.

Two things have no table of their own. A law file that was taken stands whole in the body of its entries, `law.taken`;
`audit/laws` verifies the root's signature and the order of numbers. What the consent service and the register of people
were asked and answered are rows of `verification_evidenceitem` like other evidence: `register.asked`,
`register.consent_request`, `register.consent` and `register.person`.

How well it holds is tried by changing each of them: [what tampering shows](regulator-guide.md#what-tampering-shows).
"""


def page() -> str:
    """The whole page."""
    counts = Counter(column.kind for columns in COLUMNS.values() for column in columns.values())
    said = ", ".join(f"{counts[kind]} {kind.replace('_', ' ')}" for kind in sorted(counts))
    parts = [_HEAD, f"{sum(counts.values())} columns of {len(COLUMNS)} tables: {said}.\n"]
    for table, columns in COLUMNS.items():
        parts += [f"## {table}\n", "| column | | what | by |\n|---|---|---|---|"]
        for name, column in columns.items():
            parts.append(f"| `{name}` | {column.kind.replace('_', ' ')} | {column.what} | {column.by} |")
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
