"""The syntax trees of the product's files, each parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_bytes())


def statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """All statements, also those within others; expressions, which are most of a tree, are passed by."""
    for kind in ("body", "orelse", "finalbody", "handlers", "cases"):
        for node in getattr(tree, kind, ()):
            if isinstance(node, ast.stmt):
                yield node
            yield from statements(node)
