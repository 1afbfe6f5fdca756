"""Private functions, and how many of them have one caller."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.house_shape.lines import Figures, Function, files

_OWN = {"self", "cls", "super()"}
_Site = tuple[str, str]
"""A file, and the qualified name of the function in which a reference stands; empty outside of
any.
"""


@dataclass(frozen=True)
class Private:
    """A private function of a module, or a private method."""

    file: str
    name: str
    qualified: str
    is_method: bool


@dataclass(frozen=True)
class _Reference:
    """A place where a name is used: alone, imported, or behind a dot (then `receiver` is what
    stands before it).
    """

    name: str
    site: _Site
    receiver: str | None = None
    is_import: bool = False


def count_private(root: Path, places: Iterable[str]) -> Figures:
    """How many there are, and how many are referred to from nowhere, from one function, at one
    place.
    """
    by_name = _references_by_name(root, places)
    callers = find_callers(root, places)
    uses = {name: sum(not one.is_import for one in found) for name, found in by_name.items()}
    return {
        "functions": len(callers),
        "methods_among_them": sum(each.is_method for each in callers),
        "with_one_caller": sum(len(set(sites)) == 1 for sites in callers.values()),
        "with_one_reference": sum(len(sites) == 1 for sites in callers.values()),
        "with_no_reference": sum(not sites for sites in callers.values()),
        "with_a_name_used_once": sum(uses.get(each.name) == 1 for each in callers),
    }


def find_callers(root: Path, places: Iterable[str]) -> dict[Private, list[_Site]]:
    """Every private function with the sites of the references to it, one entry a reference."""
    by_name = _references_by_name(root, places)
    defined = (each for file, tree in _trees(root, places) for each in _defined(file, tree))
    return {each: list(_sites(each, by_name)) for each in defined}


def is_private(name: str) -> bool:
    """Whether a name begins with `_` and is not one of Python's own, such as `__init__`."""
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def _trees(root: Path, places: Iterable[str]) -> Iterator[tuple[str, ast.Module]]:
    for path in files(root, places, ".py"):
        yield path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _references_by_name(root: Path, places: Iterable[str]) -> dict[str, list[_Reference]]:
    by_name: dict[str, list[_Reference]] = {}
    for file, tree in _trees(root, places):
        for reference in _references(tree, (file, "")):
            by_name.setdefault(reference.name, []).append(reference)
    return by_name


def _defined(file: str, tree: ast.Module) -> Iterator[Private]:
    """Those of the module itself and of its classes; one inside of another function is part of that
    function.
    """
    for node in tree.body:
        if isinstance(node, Function) and is_private(node.name):
            yield Private(file, node.name, node.name, is_method=False)
        if isinstance(node, ast.ClassDef):
            methods = [
                inner
                for inner in node.body
                if isinstance(inner, Function) and is_private(inner.name)
            ]
            yield from (
                Private(file, each.name, f"{node.name}.{each.name}", is_method=True)
                for each in methods
            )


def _references(node: ast.AST, site: _Site) -> Iterator[_Reference]:
    """Every use of a private name in this node."""
    if isinstance(node, ast.Name) and is_private(node.id):
        yield _Reference(node.id, site)
    elif isinstance(node, ast.Attribute) and is_private(node.attr):
        yield _Reference(node.attr, site, receiver=ast.unparse(node.value))
    elif isinstance(node, ast.ImportFrom):
        yield from (
            _Reference(one.name, site, is_import=True) for one in node.names if is_private(one.name)
        )
    body, inside = _body(node, site)
    for part in ast.iter_child_nodes(node):
        yield from _references(part, inside if part in body else site)


def _body(node: ast.AST, site: _Site) -> tuple[list[ast.stmt], _Site]:
    """What is inside of a definition; its decorators, defaults and base classes are named where it
    stands.
    """
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [], site
    return node.body, (site[0], f"{site[1]}.{node.name}".lstrip("."))


def _sites(private: Private, by_name: Mapping[str, list[_Reference]]) -> Iterator[_Site]:
    for reference in by_name.get(private.name, ()):
        is_here = reference.site[0] == private.file
        if is_here and f"{reference.site[1]}.".startswith(f"{private.qualified}."):
            continue  # what it says of itself
        if private.is_method:
            is_meant = is_here and reference.receiver is not None
        elif reference.receiver is not None:
            is_meant = reference.receiver not in _OWN
        else:
            is_meant = is_here or reference.is_import
        if is_meant:
            yield reference.site
