"""What scripts/mutants changes: each place of a module that runs, one at a time.

Operators are swapped, conditions turned round, numbers made one larger; of a table an entry is dropped, or leads to another
state.
"""

import ast
import copy
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src/wa_connector"
SWAPPED = {
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
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
}


class Mutant:
    """One source text with one node of it replaced."""

    def __init__(self, path, source, place, node, replacement):
        self.path = path
        self.package = path.relative_to(SOURCE).parts[0]
        self.module = path.relative_to(SOURCE).as_posix()
        self.name = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        self.on_import = place.on_import
        self.lines = range(place.line, node.end_lineno + 1)
        self.line = node.lineno
        before, after = ast.unparse(node), ast.unparse(replacement)
        self.what = f"{place.name}: " + " → ".join(where_they_differ(before, after))
        lines = source.splitlines(keepends=True)
        start = offset(lines, node.lineno, node.col_offset)
        end = offset(lines, node.end_lineno, node.end_col_offset)
        encoded = source.encode()
        text = f"({after})" if isinstance(replacement, ast.expr) else after
        self.source = (encoded[:start] + text.encode() + encoded[end:]).decode()

    def __str__(self):
        return f"{self.module}:{self.line}: {self.what}"


class Place(NamedTuple):
    """Where a node stands: in which function or constant, where its statement begins, and whether importing runs it."""

    name: str
    line: int
    on_import: bool


def where_they_differ(before, after):
    """Both, and of long ones only the surroundings of the difference."""
    start = alike(before, after)
    end = alike(before[start:][::-1], after[start:][::-1])
    for text in (before, after):
        low, high = max(0, start - 30), min(len(text), len(text) - end + 30)
        short = "…" * (low > 0) + text[low:high] + "…" * (high < len(text))
        yield text if len(text) <= 60 else short if len(short) <= 120 else f"{short[:117]}…"


def alike(one, other):
    """How many characters they begin with in common."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def offset(lines, number, column):
    """The position in bytes: ast counts columns in UTF-8."""
    return sum(len(line.encode()) for line in lines[: number - 1]) + column


def mutants_of(path):
    """All of a module; those that read the same, in one function, are numbered."""
    source = path.read_text(encoding="utf-8")
    seen = Counter()
    for place, node in interesting(ast.parse(source), Place("module", 1, on_import=True)):
        for replacement in replacements(node):
            mutant = Mutant(path, source, place, node, replacement)
            try:
                compile(mutant.source, str(path), "exec")
            except SyntaxError:  # a pattern or an f-string, where parentheses may not stand
                continue
            seen[mutant.what] += 1
            if seen[mutant.what] > 1:
                mutant.what += f" ({seen[mutant.what]})"
            yield mutant


def interesting(node, place):
    """All nodes that run: no annotations, docstrings, type-checking blocks, or texts of errors."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params", "exc"):
            continue
        runs_later = isinstance(node, ast.FunctionDef) and name == "body"
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            inner = within(place, child)
            if runs_later:
                inner = inner._replace(on_import=False)
            yield inner, child
            yield from interesting(child, inner)


def within(place, node):
    """The place of what is in the node."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return place._replace(name=name if place.name == "module" else f"{place.name}.{name}", line=node.lineno)
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]) if place.on_import:
            return place._replace(name=name if place.name == "module" else f"{place.name}.{name}", line=node.lineno)
        case ast.stmt():
            return place._replace(line=node.lineno)
        case _:
            return place


def replacements(node):
    match node:
        case ast.Compare(ops=operators):
            for at, operator in enumerate(operators):
                swapped = SWAPPED[type(operator)]()
                yield changed(node, ops=[*operators[:at], swapped, *operators[at + 1 :]])
        case ast.BoolOp(op=operator) | ast.BinOp(op=operator) if type(operator) in SWAPPED:
            yield changed(node, op=SWAPPED[type(operator)]())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.IfExp(test=test):
            yield changed(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Dict(keys=keys, values=values):
            yield from table_changes(node, keys, values)
        case ast.Set(elts=elements) if len(elements) > 1:
            for left_out in range(len(elements)):
                yield changed(node, elts=elements[:left_out] + elements[left_out + 1 :])


def table_changes(node, keys, values):
    """Drop each entry, and let each lead to the next state that the table knows."""
    states = {ast.unparse(v): v for v in values if isinstance(v, ast.Attribute)}
    names = list(states)
    for at, value in enumerate(values):
        yield changed(node, keys=keys[:at] + keys[at + 1 :], values=values[:at] + values[at + 1 :])
        if len(names) > 1 and (name := ast.unparse(value)) in states:
            other = states[names[(names.index(name) + 1) % len(names)]]
            yield changed(node, keys=keys, values=[*values[:at], other, *values[at + 1 :]])


def changed(node, **fields):
    twin = copy.copy(node)
    for name, value in fields.items():
        setattr(twin, name, value)
    return twin
