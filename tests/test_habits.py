"""Habits that nobody has to remember: why a number is what it is, what arguments mean, one name a thing."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ellimaps"
MANY_ARGUMENTS = 4
"""From here on a call is explained by its Parameters section, not by its first line."""


def modules() -> list[tuple[str, str]]:
    return [
        (path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    ]


def tuned_constants(text: str) -> list[tuple[str, ast.stmt, ast.stmt | None]]:
    """Constants of a module with a number in them, each with the statement below it."""
    body = ast.parse(text).body
    found = []
    for statement, below in zip(body, [*body[1:], None], strict=True):
        match statement:
            case ast.Assign(targets=[ast.Name(name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(name), value=ast.expr() as value):
                pass
            case _:
                continue
        numbers = (
            node.value
            for node in ast.walk(value)
            if isinstance(node, ast.Constant) and type(node.value) in (int, float)
        )
        if re.fullmatch(r"_?[A-Z][A-Z0-9_]*", name) and any(True for _ in numbers):
            found.append((name, statement, below))
    return found


def unexplained(text: str) -> list[str]:
    """Tuned constants with no comment above their block or beside them, and no docstring below."""
    lines = text.splitlines()
    found = []
    for name, statement, below in tuned_constants(text):
        said_below = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        last = lines[(statement.end_lineno or statement.lineno) - 1]
        said_beside = re.search(r"  # (?!fmt|noqa|type)", last)
        above = statement.lineno - 2
        while above >= 0 and lines[above].strip() and not lines[above].startswith("#"):
            above -= 1
        said_above = above >= 0 and lines[above].startswith("#")
        if not (said_below or said_beside or said_above):
            found.append(name)
    return found


def public_functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]


def test_every_tuned_constant_says_why():
    silent = {path: names for path, text in modules() if (names := unexplained(text))}
    assert not silent


@pytest.mark.parametrize(
    ("text", "silent"),
    [
        ("_A = 3\n", ["_A"]),
        ("# From the paper.\n_A = 3\n_B = 4\n", []),
        ("# From the paper.\n_A = 3\n\n_B = 4\n", ["_B"]),
        ('_A = (1, "x")\n"""Why."""\n', []),
        ("_A = 3  # a limit of the format\n", []),
        ("_A = 3  # noqa\n", ["_A"]),
        ('_NAMES = ("a", "b")\nlower = 3\n', []),
    ],
)
def test_silence_is_found(text, silent):
    assert unexplained(text) == silent


def test_functions_of_many_arguments_explain_them():
    silent = []
    for path, text in modules():
        # Commands explain their arguments in the help of each option.
        if path.startswith("cli/"):
            continue
        for function in public_functions(ast.parse(text)):
            count = len(function.args.args) + len(function.args.kwonlyargs)
            if count >= MANY_ARGUMENTS and "Parameters\n" not in (ast.get_docstring(function) or ""):
                silent.append(f"{path}: {function.name}")
    assert not silent


def test_number_fields_refuse_what_is_out_of_bounds():
    """Streamlit's own bounds compute with the last number while the field shows another one."""
    bounded = []
    for path, text in modules():
        for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
            named = {keyword.arg for keyword in call.keywords}
            if ast.unparse(call.func).endswith("number_input") and (
                len(call.args) > 1 or named & {"min_value", "max_value"}
            ):
                bounded.append(f"{path}: {call.lineno}")
    assert not bounded


def test_no_two_public_classes_share_a_name():
    names = Counter(
        node.name
        for _, text in modules()
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_what_opens_files_outside_of_python_is_asked_about_links() -> None:
    """Their libraries open paths themselves, unseen by the hook of `ellimaps.core.reach`.

    What lies in our own caches may be read so, and streams, which Python opened.
    """
    openers = re.compile(
        r"pd\.read_parquet\((?!io\.|stream|file\b)|parquet\.(read_\w+|ParquetFile)\(|load_file\(|\.connect\("
    )
    own_cache = {"logs.py", "continuing.py", "stores.py", "staging.py"}
    unasked = [
        name
        for name, text in modules()
        if openers.search(text) and "refuse_outside(" not in text and Path(name).name not in own_cache
    ]
    # Its files come from `locations.py`, which asks.
    assert unasked == ["sensors/store/file_queries.py"]
