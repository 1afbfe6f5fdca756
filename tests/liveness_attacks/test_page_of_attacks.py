"""The table of docs/security/liveness.md has every attack with the figures of liveness.json."""

import json
import re
from pathlib import Path

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_PAGE = (_DOCS / "security" / "liveness.md").read_text(encoding="utf-8")
_FIGURES = json.loads((_DOCS / "evidence" / "liveness.json").read_text("utf-8"))["figures"]
_ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| .* \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.M)
_ATTACKS = {
    name for name, figures in _FIGURES.items() if isinstance(figures, dict) and "iapar" in figures
}


def test_each_attack_has_a_row_with_the_figures_on_record() -> None:
    rows = _ROW.findall(_PAGE)
    named = [name for row in rows for name in re.findall(r"\w+", row[0])]
    assert sorted(named) == sorted(_ATTACKS)
    for names, *figures in rows:
        attacks = [_FIGURES[name] for name in re.findall(r"\w+", names)]
        sums = [
            sum(attack[key] for attack in attacks) for key in ("attempts", "verified", "people")
        ]
        bound = round(max(attack["by_person"]["upper_percent"] for attack in attacks))
        assert [*sums, bound] == [int(figure) for figure in figures], names
