"""Whatever proves who somebody is, or what was sent, is compared in constant time: `==` tells how much was right."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = [path for folder in ("libs", "services") for path in (ROOT / folder).glob("**/src/**/*.py")]
PROOFS = re.compile(
    r"signature|secret|digest|password|passwd|hmac|token|api_?key|hash|fingerprint|credential|sha\d", re.I
)
VERIFIERS = ("domain/signature.py", "callers/grants.py")
"""Modules that judge proofs: there any comparison of two values, whatever their names, is looked at."""
HARMLESS = (
    r"_fingerprint\(",  # of an event's own content, in one process
    r"'SecretStr' in ",  # the name of a type
    r"\.about == digest\(",  # whether a record changed since a refusal
    r"\.digest (==|!=) digest",  # whether the rows of a plan, or a list of deletions, are the same
    r"\b(synced_)?sha256\b",  # of a file's content, by which the same bytes are found
    r"shown == shown_digest\(",  # whether a document has to be written
    r"\.fingerprint\)",  # a fake's comparison of what it stored
)


def _comparisons(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare) and any(isinstance(one, ast.Eq | ast.NotEq | ast.In) for one in node.ops):
            sides = [node.left, *node.comparators]
            if not any(_is_plain(side) for side in sides):
                yield node.lineno, ast.unparse(node)


def _is_plain(side: ast.expr) -> bool:
    """A constant, a length, or a name in capitals: nobody's proof."""
    text = ast.unparse(side)
    return isinstance(side, ast.Constant) or text.startswith("len(") or text.rpartition(".")[2].isupper()


def _found(path: Path) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for line, text in _comparisons(path)
        if PROOFS.search(text) and not any(re.search(each, text) for each in HARMLESS)
    ]


def test_no_proof_is_compared_with_equals() -> None:
    assert [each for path in SHIPPED for each in _found(path) if "/testing/" not in each] == []


@pytest.mark.parametrize("name", VERIFIERS)
def test_a_verifier_compares_in_constant_time(name: str) -> None:
    paths = [path for path in SHIPPED if str(path).endswith(f"/{name}")]
    assert paths
    for path in paths:
        assert "compare_digest(" in path.read_text()
        bare = [text for _, text in _comparisons(path) if re.search(r"expected|given|header\b|caller\.", text)]
        assert bare == []


@pytest.mark.parametrize(
    "line", ["given == expected_signature", "token != other", "row['secret_sha256'] == made", "digest in known"]
)
def test_the_look_sees_it(tmp_path: Path, line: str) -> None:
    seen = tmp_path / "x.py"
    seen.write_text(line)
    assert [text for _, text in _comparisons(seen) if PROOFS.search(text)]
