"""The mutants of one file: cosmic-ray's operators, and one of ours that leaves out an argument given by name.

What changes no more than an annotation or a docstring is no mutant.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

LEFT_OUT = "ours/leave_out_argument"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect. `key` is the same for the same defect in the same text of the file."""

    file: str
    operator: str
    line: int
    key: str
    code: str = field(repr=False)
    change: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """The so-manieth place in a file where an operator can be applied."""

    operator: str
    number: int


def places_of(source: str) -> list[Place]:
    """All of one file; cheap, as nothing is made yet."""
    from cosmic_ray.ast import ast_nodes, get_ast  # slow to import, and needed for nothing but this
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = list(ast_nodes(get_ast(source)))
    found = [Place(LEFT_OUT, number) for number in range(sum(1 for _ in _named_arguments(ast.parse(source))))]
    for name in operator_names():
        operator = get_operator(name)
        if not operator.arguments():  # those that replace one variable by another are told which
            made = operator()
            count = sum(1 for node in nodes for _ in made.mutation_positions(node))
            found += [Place(name, number) for number in range(count)]
    return found


def mutant_at(file: str, source: str, place: Place) -> Mutant | None:
    """None where what it changes means nothing."""
    code = _code(source, place)
    meaning = None if code is None else _meaning(code)
    if code is None or meaning is None or meaning == _meaning(source):
        return None
    line, change = _difference(source, code)
    key = hashlib.sha256(f"{file}\0{meaning}".encode()).hexdigest()[:16]
    return Mutant(file, place.operator, line, key, code, change)


def _code(source: str, place: Place) -> str | None:
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    if place.operator == LEFT_OUT:
        return _without_argument(source, place.number)
    made: str | None = mutate_code(source, get_operator(place.operator)(), place.number)
    return made


def _without_argument(source: str, number: int) -> str:
    """`f(a, acks="all")` without its `acks`: whether a client's argument is held by any test."""
    tree = ast.parse(source)
    call, word = next(islice(_named_arguments(tree), number, None))
    call.keywords.remove(word)
    return ast.unparse(tree)


def _named_arguments(tree: ast.AST) -> Iterator[tuple[ast.Call, ast.keyword]]:
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            yield from ((call, word) for word in call.keywords if word.arg is not None)


class _Bare(ast.NodeTransformer):
    """What is the same after it means the same: `is` and `==` of enums as well, and where names of arguments begin."""

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:
        self.generic_visit(node)
        node.args, node.posonlyargs = [*node.posonlyargs, *node.args, *node.kwonlyargs], []
        node.defaults = [*node.defaults, *(each for each in node.kw_defaults if each is not None)]
        node.kwonlyargs, node.kw_defaults = [], []
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        twins: dict[type[ast.cmpop], ast.cmpop] = {ast.Is: ast.Eq(), ast.IsNot: ast.NotEq()}
        node.ops = [twins.get(type(each), each) for each in node.ops]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        self.generic_visit(node)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
        self.generic_visit(node)
        return node


def _meaning(code: str) -> str | None:
    try:
        return ast.dump(_Bare().visit(ast.parse(code)))
    except SyntaxError:
        return None


def _difference(source: str, code: str) -> tuple[int, str]:
    """Line and text of the first difference; of code that was written anew, without its layout."""
    before = source.splitlines()
    after = code.splitlines()
    if len(before) != len(after):
        before, after = ast.unparse(ast.parse(source)).splitlines(), ast.unparse(ast.parse(code)).splitlines()
    pairs = enumerate(zip(before, after, strict=False), 1)
    return next(((number, f"{old.strip()} -> {new.strip()}") for number, (old, new) in pairs if old != new), (0, ""))
