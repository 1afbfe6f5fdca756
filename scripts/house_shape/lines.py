"""How long the files are, and of what their lines are: code, docstrings, comments, blanks."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

AIM_OF_A_FUNCTION = 20  # lines; CONTRIBUTING.md

Figures = dict[str, int | float | str]
Function = ast.FunctionDef | ast.AsyncFunctionDef

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
_NOT_COUNTED = {"__pycache__", "migrations", "vectors"}
_COMMENTS = {
    ".js": re.compile(r"/\*.*?\*/|^[ \t]*//[^\n]*", re.DOTALL | re.MULTILINE),
    ".html": re.compile(r"\{#.*?#\}|<!--.*?-->|\{% comment\b.*?endcomment %\}", re.DOTALL),
}


@dataclass(frozen=True)
class Lines:
    """The lines of one file by what stands on them; every line is one of the four."""

    code: int
    docstring: int
    comment: int
    blank: int
    beside_code: int = 0
    """Comments that stand behind code: their lines are lines of code."""

    @property
    def physical(self) -> int:
        """All lines."""
        return self.code + self.docstring + self.comment + self.blank


def files(root: Path, places: Iterable[str], suffix: str) -> list[Path]:
    """The files of this suffix in these folders, in order; none made by a machine, none of somebody
    else's.
    """
    found = {path for place in places for path in (root / place).rglob(f"*{suffix}")}
    return sorted(path for path in found if _NOT_COUNTED.isdisjoint(path.relative_to(root).parts))


def count_python(root: Path, places: Iterable[str]) -> Figures:
    """Lines and functions of the Python files in these folders."""
    paths = files(root, places, ".py")
    lengths = [
        length for path in paths for length in _function_lengths(path.read_text(encoding="utf-8"))
    ]
    return _sum(root, paths, python_lines) | {
        "functions": len(lengths),
        "functions_over_20_lines": sum(length > AIM_OF_A_FUNCTION for length in lengths),
        "longest_function_lines": max(lengths, default=0),
    }


def count_texts(root: Path, places: Iterable[str], suffix: str) -> Figures:
    """Lines of files that are no Python: `.js` or `.html`."""
    return _sum(root, files(root, places, suffix), lambda text: _text_lines(text, suffix))


def python_lines(text: str) -> Lines:
    """The lines of a Python file."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    strings = _lone_strings(ast.parse(text))
    docstring = {
        line for node in strings for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    code: set[int] = set()
    for token in tokens:
        is_docstring = token.type == tokenize.STRING and token.start[0] in docstring
        if token.type not in _NO_CODE and not is_docstring:
            code |= set(range(token.start[0], token.end[0] + 1))
    comments = [token.start[0] for token in tokens if token.type == tokenize.COMMENT]
    alone = set(comments) - code - docstring
    return Lines(
        code=len(code),
        docstring=len(docstring - code),
        comment=len(alone),
        blank=len(text.splitlines()) - len(code | docstring | alone),
        beside_code=len(set(comments) - alone),
    )


def _lone_strings(tree: ast.Module) -> Iterator[ast.Expr]:
    """Strings that are statements: docstrings, and those that say what the name above them is."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node


def _text_lines(text: str, suffix: str) -> Lines:
    # A comment's characters become a mark that is neither blank nor code, line by line.
    marked = _COMMENTS[suffix].sub(lambda found: re.sub(r"\S", "\0", found.group()), text)
    kinds = [set(line) - set(" \t\r\f\v") for line in marked.splitlines()]
    code = sum(bool(kind - {"\0"}) for kind in kinds)
    comment = sum(kind == {"\0"} for kind in kinds)
    return Lines(code=code, docstring=0, comment=comment, blank=len(kinds) - code - comment)


def _function_lengths(text: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


def _sum(root: Path, paths: list[Path], count: Callable[[str], Lines]) -> Figures:
    counted = {
        path.relative_to(root).as_posix(): count(path.read_text(encoding="utf-8")) for path in paths
    }
    lines = sum(each.physical for each in counted.values())
    comments = sum(each.comment for each in counted.values())
    # Of files of one length the first by name.
    largest = max(counted, key=lambda name: counted[name].physical, default="")
    return {
        "files": len(counted),
        "lines": lines,
        "code_lines": sum(each.code for each in counted.values()),
        "docstring_lines": sum(each.docstring for each in counted.values()),
        "comment_lines": comments,
        "blank_lines": sum(each.blank for each in counted.values()),
        "comments_beside_code": sum(each.beside_code for each in counted.values()),
        "comment_share_percent": round(100 * comments / lines, 2) if lines else 0.0,
        "largest_file": largest,
        "largest_file_lines": counted[largest].physical if largest else 0,
    }
