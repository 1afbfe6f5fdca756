"""`python -m scripts.write_log_columns`: docs/log-columns.md from the tables of the course and of the log."""

from collections import Counter
from pathlib import Path
from typing import Final

from verification.audit.columns import COLUMNS

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "log-columns.md"
_HEAD: Final = """\
# What the log covers, column by column

Written by `python -m scripts.write_log_columns`. The tables of a case stand in `verification/course/tables.py`, all
others in `verification/audit/columns.py`. A test compares this page, both lists and the tables of the database, so no
column is left out. By these lists `audit_verify` compares the rows.

- **said**: an entry states the value, or entries lead to it.
- **sealed**: bytes beside the entry hold the value; the log has their commitment.
- **keyed**: the value follows from what is sealed, by the index key.
- **derived**: the value follows from other rows, of the log and of counts.
- **operational**: nothing compares it, for the reason given: it changes no decision, no actor, no law and no reading.
- **not covered**: people and lenders, whose changes are no entries yet.

What is sealed or keyed needs the keys; where they are not at hand `audit_verify` says how much was not checked.

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
        parts += [f"## {table}\n", "| column | | what |\n|---|---|---|"]
        for name, column in columns.items():
            parts.append(f"| `{name}` | {column.kind.replace('_', ' ')} | {column.source} |")
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
