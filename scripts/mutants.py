"""Makes mutants of a source text: one small change each, such as `<=` for `<`, inside one function.
Pure.

A mutant's id is file, function, operator, the changed expression, and its number among the same in
that function. No
line numbers: an id holds while code around it moves, and is gone when the changed expression itself
    is gone.
"""

import ast
import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import CodeType

Function = ast.FunctionDef | ast.AsyncFunctionDef
Change = tuple[str, ast.AST]
"""The operator's name, and the node that takes the place of the old one."""

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
_BOUNDS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_NOTHING = "nothing returned"
_CALLS = {"any": "all", "all": "any", "min": "max", "max": "min"}
_NO_RULES = ("flat", "strict")  # keywords that say how to read, not what is so
_CODE = re.compile(r"[a-z][a-z_.]*")
_SHOWN_MAX = 70  # characters of the changed expression in an id


@dataclass(frozen=True)
class Mutant:
    """One change. `function` is the qualified name of the outermost function it is in, `change`
    says it for readers.
    """

    id: str
    file: str
    function: str
    change: str
    _tree: ast.Module = field(repr=False)
    _slot: tuple[ast.AST, str, int | None] = field(repr=False)
    _new: ast.AST = field(repr=False)

    def source(self) -> str:
        """The whole changed text, as Python spells it back."""
        return ast.unparse(self._changed())

    def code(self, filename: str) -> CodeType:
        """The changed function, compiled."""
        found = [
            code
            for code in _codes(compile(self._changed(), filename, "exec"))
            if code.co_qualname == self.function
        ]
        return found[0]

    def _changed(self) -> ast.Module:
        # The memo has the copy take the new node wherever the old one stands.
        owner, name, position = self._slot
        old = getattr(owner, name) if position is None else getattr(owner, name)[position]
        changed = copy.deepcopy(self._tree, {id(old): ast.copy_location(self._new, old)})
        return ast.fix_missing_locations(changed)


def make(text: str, *, file: str, functions: tuple[str, ...] = ()) -> list[Mutant]:
    """The mutants of a file's text, in order; of these functions only, if any are named (`KeyError`
    for an unknown).
    """
    tree = ast.parse(text)
    found = dict(_functions(tree))
    mutants: list[Mutant] = []
    for name in functions or found:
        own = [
            (operator, _shown(old), (owner, place, position), new)
            for owner, place, position, old in _nodes(found[name])
            for operator, new in _changes(owner, place, old)
        ]
        # That nothing comes back is seen by whoever calls the function: it stands for one with
        # nothing else to change.
        said_more = any(operator != _NOTHING for operator, *_ in own)
        seen: Counter[str] = Counter()
        for operator, shown, slot, new in own:
            if operator != _NOTHING or not said_more:
                plain = f"{file}:{name}:{operator}:{shown}"
                seen[plain] += 1
                change = f"{operator} in `{shown}`"
                mutants.append(
                    Mutant(f"{plain}:{seen[plain]}", file, name, change, tree, slot, new)
                )
    return mutants


def _functions(tree: ast.Module | ast.ClassDef, inside: str = "") -> Iterator[tuple[str, Function]]:
    for node in tree.body:
        if isinstance(node, Function):
            yield f"{inside}{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{inside}{node.name}.")


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _nodes(
    owner: ast.AST, *, is_raised: bool = False
) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Every node below, with its place. Of a function only the body; not docstrings, and not what
    an error says.
    """
    is_raised = is_raised or isinstance(owner, ast.Raise)
    for name, value in ast.iter_fields(owner):
        if name in ("annotation", "returns", "decorator_list", "args") and not isinstance(
            owner, ast.Call | ast.Lambda
        ):
            continue
        for position, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if (
                not isinstance(node, ast.AST)
                or is_text
                or (is_raised and isinstance(node, ast.JoinedStr))
            ):
                continue
            yield owner, name, position, node
            yield from _nodes(node, is_raised=is_raised)


def _changes(owner: ast.AST, place: str, node: ast.AST) -> Iterator[Change]:
    for kind, operator in _OPERATORS:
        if isinstance(node, kind):
            yield from operator(owner, place, node)


def _compare(owner: ast.AST, place: str, node: ast.Compare) -> Iterator[Change]:
    for position, old in enumerate(node.ops):
        # A condition that never holds, or that lacks this part, says more than one that is turned.
        if _is_condition(owner, place) and not isinstance(old, _BOUNDS):
            continue
        new = _swapped(old)
        # By place: Python's parser gives the same object for each `<=`.
        ops = [*node.ops[:position], new, *node.ops[position + 1 :]]
        number = f" #{position + 1}" if len(ops) > 1 else ""
        yield f"{_name(old)} → {_name(new)}{number}", _with(node, ops=ops)


def _both(owner: ast.AST, place: str, node: ast.BoolOp) -> Iterator[Change]:
    if _is_constant(node.values[-1]):  # a value with a default, such as `found or 0`
        return
    # Tests that miss each part when it is left out also tell `or` from `and`.
    for position, dropped in enumerate(node.values):
        rest = [one for one in node.values if one is not dropped]
        yield f"without part {position + 1}", _with(node, values=rest) if len(rest) > 1 else rest[0]


def _combine(owner: ast.AST, place: str, node: ast.BinOp | ast.AugAssign) -> Iterator[Change]:
    operands = [node.left, node.right] if isinstance(node, ast.BinOp) else []
    # Text and bytes know no minus: the change would only crash.
    is_text = any(
        isinstance(one, ast.JoinedStr) or _is_constant(one, str, bytes) for one in operands
    )
    # One less is one more: whoever counts, fails; whoever compares, is asked by the comparison's
    # own mutants.
    is_one_less = (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and isinstance(node.right, ast.Constant)
    )
    if type(node.op) in _SWAPS and not is_text and not is_one_less:
        new = _swapped(node.op)
        yield f"{_name(node.op)} → {_name(new)}", _with(node, op=new)


def _sign(owner: ast.AST, place: str, node: ast.UnaryOp) -> Iterator[Change]:
    if not _is_condition(owner, place) and not isinstance(owner, ast.Subscript | ast.Slice):
        yield f"{_name(node.op)} dropped", node.operand


def _constant(owner: ast.AST, place: str, node: ast.Constant) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        if isinstance(owner, ast.keyword) and owner.arg in _NO_RULES:
            return
        yield f"{value} → {not value}", ast.Constant(not value)
    elif isinstance(value, int) and _counts(owner):
        yield "+ 1", ast.Constant(value + 1)
    elif isinstance(value, bytes) and value:
        yield "emptied", ast.Constant(b"")
    elif isinstance(value, str) and value.startswith("-"):
        yield "order turned", ast.Constant(value.removeprefix("-"))
    elif isinstance(value, str) and _CODE.fullmatch(value) and _says_a_code(owner, place):
        yield "emptied", ast.Constant("")


def _is_condition(owner: ast.AST, place: str) -> bool:
    return isinstance(owner, ast.BoolOp) or (
        isinstance(owner, ast.If | ast.IfExp | ast.While) and place == "test"
    )


def _counts(owner: ast.AST) -> bool:
    """Whether a number here is a count or a bound; not a place in a list, a bit, or part of what is
    changed itself.
    """
    return isinstance(owner, ast.Assign | ast.keyword | ast.Call)


def _says_a_code(owner: ast.AST, place: str) -> bool:
    """Whether a word here is a code or status of ours, not the name of a key, a column or a
    variable.
    """
    if isinstance(owner, ast.Call):
        name = owner.func.id if isinstance(owner.func, ast.Name) else ""
        return name[:1].isupper() and name not in ("F", "Sum")
    return isinstance(owner, ast.keyword | ast.IfExp | ast.Return | ast.Assign)


def _formatted(owner: ast.AST, place: str, node: ast.FormattedValue) -> Iterator[Change]:
    says = "".join(
        str(part.value) for part in getattr(owner, "values", []) if isinstance(part, ast.Constant)
    )
    if place == "values" and " " not in says:  # neither a format's own `{}`, nor a sentence
        yield "left out", ast.Constant("")


def _sliced(owner: ast.AST, place: str, node: ast.Slice) -> Iterator[Change]:
    for part in ("lower", "upper", "step"):
        if getattr(node, part) is not None:
            yield f"slice without {part}", _with(node, **{part: None})


def _called(owner: ast.AST, place: str, node: ast.Call) -> Iterator[Change]:
    if isinstance(node.func, ast.Name) and node.func.id in _CALLS:
        other = _CALLS[node.func.id]
        yield f"{node.func.id} → {other}", _with(node, func=ast.Name(other, ast.Load()))


def _chosen(owner: ast.AST, place: str, node: ast.If | ast.IfExp) -> Iterator[Change]:
    if isinstance(node, ast.IfExp):
        yield "condition turned", _with(node, test=ast.UnaryOp(ast.Not(), node.test))
    elif not (isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.Or)):
        # That each part of an `or` counts says more.
        yield "condition never holds", _with(node, test=ast.Constant(False))


def _filtered(owner: ast.AST, place: str, node: ast.comprehension) -> Iterator[Change]:
    if node.ifs:
        yield "filter dropped", _with(node, ifs=[])


def _returned(owner: ast.AST, place: str, node: ast.Return) -> Iterator[Change]:
    is_last = isinstance(owner, Function) and owner.body[-1] is node
    if is_last and node.value is not None and not isinstance(node.value, ast.Constant):
        yield _NOTHING, ast.Return(ast.Constant(None))


def _done(owner: ast.AST, place: str, node: ast.Raise | ast.Expr) -> Iterator[Change]:
    # An `if` around nothing but this is taken away as a whole already.
    if not (isinstance(owner, ast.If) and len(owner.body) == 1 and not owner.orelse):
        yield "left out", ast.Pass()


_OPERATORS: tuple[
    tuple[type[ast.AST] | tuple[type[ast.AST], ...], Callable[..., Iterator[Change]]], ...
] = (
    (ast.Compare, _compare),
    (ast.BoolOp, _both),
    ((ast.BinOp, ast.AugAssign), _combine),
    (ast.UnaryOp, _sign),
    (ast.Constant, _constant),
    (ast.FormattedValue, _formatted),
    (ast.Slice, _sliced),
    (ast.Call, _called),
    ((ast.If, ast.IfExp), _chosen),
    (ast.comprehension, _filtered),
    (ast.Return, _returned),
    ((ast.Raise, ast.Expr), _done),
)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _swapped(sign: ast.AST) -> ast.AST:
    return _SWAPS[type(sign)]()


def _name(sign: ast.AST) -> str:
    return {"UAdd": "plus", "USub": "minus"}.get(type(sign).__name__, type(sign).__name__)


def _is_constant(node: ast.AST | None, *kinds: type) -> bool:
    return isinstance(node, ast.Constant) and (not kinds or isinstance(node.value, kinds))


def _shown(node: ast.AST) -> str:
    first = ast.unparse(node).split("\n", 1)[0].strip()
    return first if len(first) <= _SHOWN_MAX else f"{first[: _SHOWN_MAX - 1]}…"
