"""The rules of the house as functions: a file's path and text in, the sentences that are wrong
about it out.

What ruff, mypy and the import contracts already say is not repeated here.
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import PurePosixPath

Rule = Callable[[PurePosixPath, str], Iterator[str]]

PRODUCT = (
    "config",
    "operators",
    "lenders",
    "people",
    "verification",
    "tools",
    "insecure_sandbox",
    "clients",
)

_NO_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "base",
    "manager",
    "managers",
    "service",
    "services",
    "misc",
}
# The second one only sets a word, for a library that would else tell its maker of every process.
_READS_ENVIRONMENT = (
    "config/env.py",
    "verification/engines/__init__.py",
    "verification/engines/faces/__init__.py",
    # a lender's key, which is no setting of the service's
    "clients/python/tulga/__main__.py",
)
_WRITES_STATUS = ("verification/case/moving.py", "verification/worker/queue.py")
_LOG_TABLES = frozenset({"AuditEntry", "AuditLeaf", "AuditPending"})
_MANAGERS = frozenset({"objects", "_default_manager", "_base_manager"})
_ASKS = frozenset(
    {"all", "exclude", "exists", "filter", "get", "order_by", "select_related", "values_list"}
)
_READS_ENTRIES = ("verification/log/", "verification/case/")
# Where a fault of any kind becomes an answer, a retry or a line in the log: Celery's edge, HTTP's,
# a process's loop.
_EDGES = (
    "config/feeding.py",
    "verification/tasks.py",
    "lenders/sender.py",
    "lenders/idempotency.py",
    "verification/management/commands/tick.py",
)
_CHANGES_GRANTS = "config/management/commands/grant_process_roles.py"  # the owner's, about no row
# Rows of other kinds have a status of their own.
_OTHER_STATUS = re.compile(r"attempt|delivery|answer|response|problem|self", re.IGNORECASE)


def is_named_for_something(path: PurePosixPath, text: str) -> Iterator[str]:
    """A module's or folder's name says what is in it."""
    # Django finds the module of a database backend by the name `base` and by no other.
    if path.suffix not in (".py", ".js") or str(path) == "config/postgresql/base.py":
        return
    # tests/service holds the tests of the marker `service`: there the word does say something.
    parts = path.parts[2:-1] if path.parts[:2] == ("tests", "service") else path.parts[:-1]
    yield from (
        f"the name {part} says nothing" for part in (*parts, path.stem) if part in _NO_NAMES
    )


def leaves_the_environment_alone(path: PurePosixPath, text: str) -> Iterator[str]:
    """Only config/env.py reads the environment. The sandbox, which starts processes of ours, hands
    it on.
    """
    if (
        path.parts[0] not in PRODUCT
        or path.parts[0] == "insecure_sandbox"
        or str(path) in _READS_ENVIRONMENT
    ):
        return
    for node in _walk(path, text):
        if isinstance(node, ast.Attribute) and node.attr in (
            "environ",
            "environb",
            "getenv",
            "putenv",
        ):
            yield f"line {node.lineno} reads the environment"
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (
                "imports the environment"
                for name in node.names
                if name.name in ("environ", "getenv")
            )


def leaves_the_status_alone(path: PurePosixPath, text: str) -> Iterator[str]:
    """Only case/moving.py writes the status of a verification; the queue writes other columns."""
    if path.parts[0] not in PRODUCT or str(path) in _WRITES_STATUS or "migrations" in path.parts:
        return
    for node in _walk(path, text):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and _call_writes_status(node, node.func)
        ):
            yield f"line {node.lineno} updates a status"
        for target in _assigned(node):
            is_status = isinstance(target, ast.Attribute) and target.attr == "status"
            if is_status and not _OTHER_STATUS.search(ast.unparse(target)):
                yield f"line {target.lineno} sets a status"


def reads_no_entries(path: PurePosixPath, text: str) -> Iterator[str]:
    """Only the log's room asks for entries, by `verification/log/entries.py`, and the room of
    cases.
    """
    if str(path).startswith(_READS_ENTRIES):
        return
    yield from queries_of_entries(path, text)


def queries_of_entries(path: PurePosixPath, text: str) -> Iterator[str]:
    """Each query of an entry, or of its place in the log, that a file of the product makes by
    itself.
    """
    if path.parts[0] not in PRODUCT or "migrations" in path.parts:
        return
    for node in _walk(path, text):
        if isinstance(node, ast.Attribute):
            asked = _name(node.value)
            if node.attr in _MANAGERS and asked in _LOG_TABLES:
                yield f"line {node.lineno} asks for {asked}"
            if node.attr in _ASKS and isinstance(node.value, ast.Attribute) and asked == "entries":
                yield f"line {node.lineno} asks a case for its entries"
        if isinstance(node, ast.keyword) and (node.arg or "").startswith("entries__"):
            yield f"line {node.value.lineno} asks for cases by their entries"
        if (
            isinstance(node, ast.Constant)
            and node.value in _LOG_TABLES
            and path.parts[:2] != ("verification", "models")
        ):
            yield f"line {node.lineno} names {node.value}"


def catches_what_it_knows(path: PurePosixPath, text: str) -> Iterator[str]:
    """`except Exception` stands at an edge only."""
    if path.parts[0] not in PRODUCT or str(path) in _EDGES:
        return
    for node in _walk(path, text):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            if caught == "everything" or re.search(r"\b(Base)?Exception\b", caught):
                yield f"line {node.lineno} catches {caught}"


def asks_one_clock(path: PurePosixPath, text: str) -> Iterator[str]:
    """Only verification/clock.py asks this machine for the time, and only
    verification/transactions.py begins one.
    """
    owners = {
        "timezone.now()": "verification/clock.py",
        "transaction.atomic(": "verification/transactions.py",
    }
    for words, owner in owners.items():
        is_product = (
            path.parts[0] in ("operators", "lenders", "people", "verification")
            and "migrations" not in path.parts
        )
        if is_product and str(path) not in (owner, _CHANGES_GRANTS) and words in text:
            yield f"{words} stands outside of {owner}"


def imports_on_top(path: PurePosixPath, text: str) -> Iterator[str]:
    """No function imports, but `ready` of an app, which Django calls when the models are there."""
    for function in _functions(path, text):
        if path.name == "apps.py" and function.name == "ready":
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"line {node.lineno} imports inside {function.name}"


def is_finished(path: PurePosixPath, text: str) -> Iterator[str]:
    """Nothing is left for later in the text."""
    later = "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"))
    for number, line in enumerate(text.splitlines(), start=1):
        if re.search(rf"\b({later})\b", line) and path.suffix != ".po":
            yield f"line {number} is left for later"


def asks_no_forbidden_landmarks(path: PurePosixPath, text: str) -> Iterator[str]:
    """The 68-point landmark model may not be used commercially, so its function is never called."""
    name = "face_" + "landmarks"
    if path.suffix == ".py" and any(_name(node) == name for node in _walk(path, text)):
        yield f"uses {name}"


def locks_without_addresses(path: PurePosixPath, text: str) -> Iterator[str]:
    """A lock file names packages and hashes; where they come from is the installing machine's
    matter.
    """
    if (path.parts[0] == "requirements" or path.name.endswith("-requirements.txt")) and re.search(
        r"https?://|^--(index|extra-index|find-links)", text, re.MULTILINE
    ):
        yield "names an address"


def has_no_inline_code(path: PurePosixPath, text: str) -> Iterator[str]:
    """A template loads its own scripts and styles, so that the strict content policy holds."""
    if path.suffix != ".html":
        return
    for pattern, what in (
        (r"<script(?![^>]*\bsrc\s*=)", "an inline script"),
        (r"<style\b", "an inline style sheet"),
        (r"<[a-z][^>]*\sstyle\s*=", "a style attribute"),
        (r"<[a-z][^>]*\son[a-z]+\s*=", "an event attribute"),
        (r"javascript:", "a script as an address"),
        (
            r"\b(src|href|action|srcset|data|poster)\s*=\s*[\"']?\s*(https?:)?//",
            "somebody else's address",
        ),
    ):
        if re.search(pattern, text, re.IGNORECASE):
            yield f"has {what}"


def names_no_machine(path: PurePosixPath, text: str) -> Iterator[str]:
    """No path of somebody's machine stands in a file."""
    places = "|".join(("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/[a-z]"))
    if re.search(rf"(?<![A-Za-z0-9_.~-])({places})", text):
        yield "names a path of somebody's machine"


TEXT_RULES: tuple[Rule, ...] = (
    is_named_for_something,
    leaves_the_environment_alone,
    leaves_the_status_alone,
    reads_no_entries,
    catches_what_it_knows,
    asks_one_clock,
    imports_on_top,
    is_finished,
    asks_no_forbidden_landmarks,
    locks_without_addresses,
    has_no_inline_code,
    names_no_machine,
)

_WEIGHTS = {
    ".dat",
    ".pb",
    ".h5",
    ".onnx",
    ".tflite",
    ".pt",
    ".pth",
    ".task",
    ".caffemodel",
    ".safetensors",
    ".pkl",
    ".npz",
}
_PICTURES = {
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".heic",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".mp4",
    ".webm",
    ".mov",
}


def is_ours_to_publish(path: PurePosixPath) -> Iterator[str]:
    """No weights and no pictures of people: they are somebody else's. Pictures of our own pages are
    in docs/pictures/.
    """
    if path.suffix.lower() in _WEIGHTS:
        yield "looks like a model's weights"
    if path.suffix.lower() in _PICTURES and path.parts[:2] != ("docs", "pictures"):
        yield "is a picture"


def _call_writes_status(call: ast.Call, function: ast.Attribute) -> bool:
    words = {keyword.arg: keyword.value for keyword in call.keywords}
    receiver = ast.unparse(function.value)
    if function.attr == "update" and ("status" in words or None in words):
        value = ast.unparse(words["status"]) if "status" in words else ""
        is_verification = (
            "Verification." in receiver or "verification" in receiver.rsplit(".", 1)[-1]
        )
        return is_verification or re.search(r"\bStatus\.", value) is not None
    named = "update_fields" in words or function.attr == "bulk_update"
    return (
        named
        and re.search(r"['\"]status['\"]", ast.unparse(call)) is not None
        and not _OTHER_STATUS.search(receiver)
    )


def _assigned(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []


def _functions(path: PurePosixPath, text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    if path.suffix == ".py":
        yield from _functions_of(text)


def _walk(path: PurePosixPath, text: str) -> Iterator[ast.AST]:
    if path.suffix == ".py":
        yield from _nodes(text)


@cache
def _nodes(text: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(text)))


@cache
def _functions_of(text: str) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
    return tuple(
        node for node in _nodes(text) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.alias):
        return node.name.rsplit(".", 1)[-1]
    return node.id if isinstance(node, ast.Name) else ""
