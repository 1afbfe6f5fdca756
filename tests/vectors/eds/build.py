"""Writes the vectors and their manifest anew: `python -m tests.vectors.eds.build [FOLDER]`.

Every key is made for the one run and forgotten; times, names and numbers of lists are fixed, so the
manifest comes out the same each time. Run it when the statement's form or the evidence changes, and
commit what it wrote.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.vectors.eds import (
    certificate_defects,
    cms_defects,
    revocation_defects,
    time_defects,
    trust_defects,
    xml_defects,
)
from tests.vectors.eds.case import FOLDER, STATEMENT
from tests.vectors.eds.workshop import SHORT, Vector, World

MANIFEST = "manifest.json"
USUAL = {"signature": "good", "anchor": "root", "intermediate": "issuing", "crl": "revocation"}
_PARTS = (
    cms_defects.vectors,
    certificate_defects.of_keys,
    trust_defects.vectors,
    certificate_defects.vectors,
    revocation_defects.vectors,
    revocation_defects.of_lists,
    time_defects.vectors,
    xml_defects.of_documents,
    xml_defects.of_signatures,
    xml_defects.of_signers,
)
_SUFFIXES = {
    "signature": "cms",
    "ocsp": "ocsp",
    "anchor": "crt",
    "intermediate": "crt",
    "timestamp": "tsr",
}


def file_name(stem: str, *, family: str, role: str) -> str:
    """How a file is called. A signature is a CMS unless its name begins with `xml_`."""
    is_xml = role == "signature" and stem.startswith("xml_")
    return f"{stem}.{family}.{'xml' if is_xml else _SUFFIXES.get(role, 'crl')}"


class Folder:
    """The files of one family, each content written once and named for what it was first used
    as.
    """

    def __init__(self, path: Path, family: str) -> None:
        self._path, self._family = path, family
        self._names: dict[bytes, str] = {}

    def write(self, stem: str, content: bytes, *, role: str) -> str:
        """The name of the file with this content."""
        if content not in self._names or not content:
            name = file_name(stem, family=self._family, role=role)
            (self._path / name).write_bytes(content)
            self._names[content] = name
        return self._names[content]

    def write_own(self, vector: Vector) -> str:
        """The vector's own file, whatever else has the same content."""
        name = file_name(vector.defect, family=self._family, role=vector.role)
        (self._path / name).write_bytes(vector.content)
        self._names.setdefault(vector.content, name)
        return name


def build(path: Path) -> int:
    """Write everything into the folder; gives how many vectors there are."""
    path.mkdir(parents=True, exist_ok=True)
    for suffix in {"crl", "xml", *_SUFFIXES.values()}:
        for old in path.glob(f"*.{suffix}"):
            old.unlink()
    (path / "statement.txt").write_bytes(STATEMENT)
    entries = [entry for family in SHORT for entry in _entries(path, World(family))]  # type: ignore[arg-type]
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    (path / MANIFEST).write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return len(entries)


def _entries(path: Path, world: World) -> Iterator[dict[str, Any]]:
    folder = Folder(path, SHORT[world.family])
    _write_usual(folder, world)
    for part in _PARTS:
        for vector in part(world):
            yield _entry(folder, vector, family=SHORT[world.family])


def _write_usual(folder: Folder, world: World) -> None:
    """The usual evidence: the good signature, the right list, the pinned
    root.
    """
    contents = {
        "anchor": world.root.certificate,
        "intermediate": world.issuing.certificate,
        "crl": world.good_crl,
    }
    for role, content in {"signature": world.good, **contents}.items():
        folder.write(USUAL[role], content, role=role)


def _entry(folder: Folder, vector: Vector, *, family: str) -> dict[str, Any]:
    own = folder.write_own(vector)
    evidence: dict[str, list[str]] = {}
    for role, contents in vector.with_.items():
        evidence[role] = [
            folder.write(f"{vector.defect}-{role}{number or ''}", content, role=role)
            for number, content in enumerate(contents)
        ]
    evidence[vector.role] = [own]
    entry: dict[str, Any] = {
        "file": own,
        "family": family,
        "group": vector.group,
        "unproven": vector.unproven,
    }
    if vector.code:
        entry |= {
            "code": vector.code,
            "check": vector.check,
            "why": vector.why,
            "also": list(vector.also),
        }
        entry |= {"nearest": f"{vector.nearest}.{family}.{_kind_of(vector.nearest)}"}
    return {name: value for name, value in entry.items() if value} | {"evidence": evidence}


def _kind_of(defect: str) -> str:
    kinds = {
        "ocsp": "ocsp",
        "tsr": "tsr",
        "crl": "crl",
        "delta": "crl",
        "authority_crl": "crl",
        "xml": "xml",
    }
    for start, suffix in kinds.items():
        if defect.startswith(f"{start}_"):
            return suffix
    return "cms"


if __name__ == "__main__":
    print(build(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER), "vectors")
