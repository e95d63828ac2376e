"""The walls of merchant/: who imports whom, who writes, what each file may know, and how long it
is.

A rule reads the sources and returns what breaks it. Each is tried twice: on merchant/ as it is, and
on merchant/ with a few wrong lines added, which the rule has to find.
"""

import ast
import dataclasses
import io
import re
import sys
import tokenize
import types
import typing
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import JSON

from merchant.models import Order, Payment, PaymentEvent
from merchant.rows import EventRow, OrderRow, PaymentRow

FOLDER = Path(__file__).parents[2] / "merchant"
# {"views": its text, "pages.forms": …, "__init__": …}
SOURCES = {
    ".".join(file.relative_to(FOLDER).with_suffix("").parts): file.read_text()
    for file in sorted(FOLDER.rglob("*.py"))
}

# A file imports only from the lines below its own. A folder's files may also import each other.
LEVELS = [
    {"__init__"},
    {"backoffice", "panel"},
    {"views"},
    {"pages"},
    {"checkout", "approval"},
    {"settlement"},
    {"trail"},
    {"current", "transitions", "fulfilment"},
    {"storage", "portone", "follow_up"},
    {"database", "verification", "lookup_limit"},
    {"models"},
    {"config"},
    {"pg"},
    {"rows", "records", "errors", "catalog", "webhook"},
]
FOLDERS = {"backoffice", "panel", "pages"}
PURE = {"verification", "transitions", "follow_up", "rows", "records"}
# Modules of Python's own that reach outside of the process, or wait.
IMPURE = {"asyncio", "http", "io", "logging", "os", "pathlib", "select", "socket", "sqlite3"}
IMPURE |= {"ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib"}

# Who may call what storage.py writes with. take_turn stores when PortOne was asked, which is no
# state.
EVERYTHING = {"*"}
WRITERS = {
    "storage": EVERYTHING,
    "settlement": EVERYTHING,
    "checkout": {"insert_order", "insert_payment", "insert_events", "follow_new_attempt"},
    "backoffice.refunds": {"update_payment_if_unchanged", "insert_events"},
}

SENTENCES = {"pages.korean", "pages.messages"}  # they may be long
FILE_LINES, FUNCTION_LINES, LINE_CHARACTERS = 200, 40, 100


# Reading the sources

parse = cache(ast.parse)


def imports_of(sources, module):
    """Returns (line, imported module, imported name or None) of each import, inner ones included.

    Modules of merchant/ are named as in SOURCES, with a dot before.
    """
    package = ["merchant", *module.split(".")[:-1]]
    found = []
    for node in ast.walk(parse(sources[module])):
        if isinstance(node, ast.Import):
            found += [(node.lineno, name.name, None) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            for name in node.names:
                inner = ".".join([*base, name.name])
                if _ours(sources, inner):
                    found.append((node.lineno, inner, None))
                else:
                    found.append((node.lineno, ".".join(base), name.name))
    return [(line, _ours(sources, name) or name, what) for line, name, what in found]


def _ours(sources, name):
    """Returns `.views` for merchant.views, and nothing for what is no module of merchant/."""
    if name == "merchant":
        return ".__init__"
    inner = name.removeprefix("merchant.")
    if inner == name:
        return None
    if inner in sources:
        return f".{inner}"
    return f".{inner}.__init__" if f"{inner}.__init__" in sources else None


def our_imports_of(sources, module):
    return [
        (line, name[1:])
        for line, name, _ in imports_of(sources, module)
        if name.startswith(".") and name[1:] != module
    ]


def level_of(module):
    """Returns the module's line in LEVELS, or None."""
    top = module.partition(".")[0]
    return next((number for number, line in enumerate(LEVELS) if top in line), None)


def nodes_of(sources, kind):
    """Yields (module, node) of each node of a kind."""
    for module, source in sources.items():
        yield from ((module, node) for node in ast.walk(parse(source)) if isinstance(node, kind))


def strings_of(source):
    """Yields (line, text) of each string that is no docstring."""
    tree = parse(source)
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    bodies = [node.body[0] for node in ast.walk(tree) if isinstance(node, kinds) and node.body]
    docstrings = {id(first.value) for first in bodies if isinstance(first, ast.Expr)}
    for node in ast.walk(tree):
        is_string = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_string and id(node) not in docstrings:
            yield node.lineno, node.value


def names_in(node):
    """Returns the names that a piece of code uses, `storage.claim_order` as its last part."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return names | {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


# The rules


def imports_that_do_not_run_downwards(sources):
    for module in sources:
        if level_of(module) is None:
            yield f"{module}: has no line in LEVELS"
            continue
        for line, name in our_imports_of(sources, module):
            top = module.partition(".")[0]
            same_folder = top in FOLDERS and name.partition(".")[0] == top
            if level_of(name) is None or (level_of(name) <= level_of(module) and not same_folder):
                yield f"{module}:{line} imports {name}"


def circles(sources):
    graph = {module: {name for _, name in our_imports_of(sources, module)} for module in sources}
    while leaves := {module for module, names in graph.items() if not names & set(graph)}:
        graph = {module: names for module, names in graph.items() if module not in leaves}
    for module, names in graph.items():
        yield f"{module}: is in a circle, or imports from one: {', '.join(sorted(names & set(graph)))}"


def imports_that_ast_does_not_show(sources):
    """Only `__init__` imports by a name in a string: the folders in ROOMS, which may be left out."""
    for module, node in nodes_of(sources, ast.Call):
        if module != "__init__" and names_in(node.func) & {"import_module", "__import__"}:
            yield f"{module}:{node.lineno} {ast.unparse(node)}"


def flask_below_the_views(sources):
    """Below views.py and pages/ nobody knows that there is a request."""
    for module in sources:
        if level_of(module) is None or level_of(module) <= level_of("pages"):
            continue
        for line, name, what in imports_of(sources, module):
            if name.partition(".")[0] == "flask" and (name, what) != ("flask", "current_app"):
                yield f"{module}:{line} imports {what or name} of Flask"


def impure_imports(sources):
    """The pure files import, directly or through files of ours, only what computes."""
    for module in PURE & set(sources):
        todo, seen = [module], set()
        while todo:
            current = todo.pop()
            seen.add(current)
            for line, name, _ in imports_of(sources, current):
                top = name.partition(".")[0]
                if name.startswith("."):
                    todo += [name[1:]] if name[1:] not in seen else []
                elif top not in sys.stdlib_module_names or top in IMPURE:
                    yield f"{module}: {current}:{line} imports {name}"


SQL = re.compile(
    r"\s*(((INSERT|REPLACE|MERGE)\s+INTO|DELETE\s+FROM|(ALTER|DROP|TRUNCATE)\s+TABLE)\s|UPDATE\s+\S+\s+SET\s)",
    re.IGNORECASE,
)
STATEMENTS = {"insert", "update", "delete"}
TABLES = {"orders", "payments", "events", "orders_table", "__table__"}
CLASSES = {"Order", "Payment", "PaymentEvent"}


def writes_outside_storage(sources):
    """Statements, tables' own methods, SQL as text, and the classes whose objects write by
    themselves.

    A folder may write to tables of its own, which are in a models.py of that folder.
    """
    # The doctor prints statements for people, and tries whether the database can be written at all.
    for module in set(sources) - {"storage", "models", "backoffice.database_checks"}:
        tree = parse(sources[module])
        own_models = f".{module.rpartition('.')[0]}.models"
        own = {what for _, name, what in imports_of(sources, module) if name == own_models}
        for line, string in strings_of(sources[module]):
            if SQL.match(string):
                yield f"{module}:{line} has the statement {string!r}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and names_in(node.func) & STATEMENTS:
                target = names_in(node.args[0]) if node.args else set()
                is_method = isinstance(node.func, ast.Attribute)
                receiver = names_in(node.func.value) if is_method else {"sqlalchemy"}
                if receiver & (TABLES | CLASSES | {"sqlalchemy"}) and not (
                    target and target <= own
                ):
                    yield f"{module}:{node.lineno} {ast.unparse(node)}"
            elif isinstance(node, ast.alias) and node.name in CLASSES:
                yield f"{module}:{node.lineno} imports {node.name}"
            elif isinstance(node, ast.Attribute) and node.attr in CLASSES:
                yield f"{module}:{node.lineno} {ast.unparse(node)}"


def write_functions(sources):
    """Returns the functions of storage.py that write: those that use insert, update or delete, also
    by a constant.
    """
    writing = set(STATEMENTS)
    tree = parse(sources["storage"])
    for node in tree.body:
        if isinstance(node, ast.Assign) and names_in(node.value) & writing:
            writing |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    while found := {each.name for each in functions if names_in(each) & writing} - writing:
        writing |= found
    return writing & {each.name for each in functions}


def callers_of_writes(sources):
    """storage.py writes; WRITERS says who may have it write what."""
    writing = write_functions(sources)
    for module, source in sources.items():
        may = WRITERS.get(module, set())
        uses = names_in(parse(source)) | {what for *_, what in imports_of(sources, module)}
        if may != EVERYTHING:
            yield from (f"{module} uses storage.{name}" for name in sorted(uses & writing - may))


def imports_of_the_sandbox(sources):
    for module in sources:
        for line, name, _ in imports_of(sources, module):
            if name.partition(".")[0] in {"portone_sandbox", "tests"}:
                yield f"{module}:{line} imports {name}"


def second_connections(sources):
    """All work is done on the session of the app, never on a connection beside it."""
    for module, node in nodes_of(sources, ast.Attribute):
        is_begin = node.attr == "begin" and ast.unparse(node.value).endswith("engine")
        if node.attr in {"connect", "raw_connection"} or is_begin:
            yield f"{module}:{node.lineno} {ast.unparse(node)}"
    for module in sources:
        for line, _, what in imports_of(sources, module):
            if what in {"create_engine", "sessionmaker", "NullPool"}:
                yield f"{module}:{line} imports {what}"


def untyped_rows(sources):
    for module in sources:
        for line, name, what in imports_of(sources, module):
            if what == "SimpleNamespace" or name == "types":
                yield f"{module}:{line} imports {what or name}"


def layout_decided_by_hand(sources):
    for module, source in sources.items():
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT and re.search(
                r"fmt:\s*(skip|off)|yapf:", token.string
            ):
                yield f"{module}:{token.start[0]} {token.string}"


def long_files(sources):
    for module in set(sources) - SENTENCES:
        lines = len(sources[module].splitlines())
        if lines > FILE_LINES:
            yield f"{module}: {lines} lines"


def long_functions(sources):
    for module, node in nodes_of(sources, (ast.FunctionDef, ast.AsyncFunctionDef)):
        lines = node.end_lineno - node.lineno + 1
        if lines > FUNCTION_LINES:
            yield f"{module}:{node.lineno} {node.name}: {lines} lines"


def long_lines(sources):
    for module in set(sources) - SENTENCES:
        for number, line in enumerate(sources[module].splitlines(), 1):
            if len(line) > LINE_CHARACTERS:
                yield f"{module}:{number}: {len(line)} characters"


def docstrings_cut_in_their_first_sentence(sources):
    """The first line of a docstring is a whole sentence: editors and readers see it alone."""
    for module, node in nodes_of(sources, (ast.Module, ast.ClassDef, ast.FunctionDef)):
        first, _, rest = (ast.get_docstring(node) or "").partition("\n")
        if rest and not first.endswith((".", "?", ":", ")")):
            yield f"{module}:{getattr(node, 'lineno', 1)} {first}"


RULES = [
    imports_that_do_not_run_downwards,
    circles,
    imports_that_ast_does_not_show,
    flask_below_the_views,
    impure_imports,
    writes_outside_storage,
    callers_of_writes,
    imports_of_the_sandbox,
    second_connections,
    untyped_rows,
    layout_decided_by_hand,
    long_files,
    long_functions,
    long_lines,
    docstrings_cut_in_their_first_sentence,
]
BAD = [  # a rule, a file, and lines that break the rule when they stand at the end of that file
    (imports_that_do_not_run_downwards, "errors", "from .settlement import settle"),
    (imports_that_do_not_run_downwards, "settlement", "def f():\n    from . import checkout"),
    (imports_that_do_not_run_downwards, "storage", "from merchant.portone import merchant"),
    (imports_that_do_not_run_downwards, "views", "from .backoffice import refunds"),
    (imports_that_do_not_run_downwards, "panel.steps", "from ..backoffice.cli import refund"),
    (imports_that_do_not_run_downwards, "checkout", "from .pages.languages import language"),
    (imports_that_do_not_run_downwards, "portone", "from . import init_app"),
    (imports_that_do_not_run_downwards, "new_file", "X = 1"),
    (circles, "errors", "import merchant.config\nfrom .settlement import settle"),
    (circles, "pages.korean", "from .languages import translate"),
    (imports_that_ast_does_not_show, "settlement", "import_module('.views', __name__)"),
    (flask_below_the_views, "settlement", "from flask import request"),
    (flask_below_the_views, "checkout", "import flask"),
    (flask_below_the_views, "storage", "from flask import current_app, g"),
    (flask_below_the_views, "webhook", "from flask.globals import request"),
    (impure_imports, "verification", "import requests"),
    (impure_imports, "verification", "def f():\n    from sqlalchemy import select"),
    (impure_imports, "records", "from flask import current_app"),
    (impure_imports, "transitions", "from .storage import read_order"),
    (impure_imports, "rows", "import urllib.request"),
    (writes_outside_storage, "settlement", "update(storage.payments).values(status='PAID')"),
    (writes_outside_storage, "settlement", "sqlalchemy.delete(storage.orders)"),
    (writes_outside_storage, "backoffice.reconciliation", "delete(payments)"),
    (writes_outside_storage, "panel.steps", "insert(UnknownPayment)"),
    (writes_outside_storage, "checkout", "from .models import Order"),
    (writes_outside_storage, "settlement", "Q = 'UPDATE merchant_order SET status = :s'"),
    (writes_outside_storage, "views", "storage.orders.update().values(status='PAID')"),
    (writes_outside_storage, "views", "session.add(models.Order())"),
    (callers_of_writes, "views", "storage.claim_order(None, None, None)"),
    (callers_of_writes, "backoffice.cli", "from ..storage import mark_unfulfilled as m"),
    (callers_of_writes, "checkout", "storage.update_order_status(None, None)"),
    (imports_of_the_sandbox, "portone", "import portone_sandbox"),
    (imports_of_the_sandbox, "config", "from portone_sandbox.accounts import API_SECRET"),
    (second_connections, "settlement", "with session.get_bind().engine.connect() as c:\n    pass"),
    (second_connections, "storage", "with db.engine.begin() as c:\n    pass"),
    (second_connections, "database", "from sqlalchemy import create_engine"),
    (untyped_rows, "settlement", "from types import SimpleNamespace"),
    (untyped_rows, "storage", "import types"),
    (layout_decided_by_hand, "config", "X = {1:2}  # fmt: skip"),
    (layout_decided_by_hand, "config", "# fmt: off"),
    (long_files, "errors", "X = 1\n" * FILE_LINES),
    (long_functions, "errors", "def f():\n" + "    x = 1\n" * FUNCTION_LINES),
    (long_lines, "errors", f"# {'가' * (LINE_CHARACTERS - 1)}"),
    (
        docstrings_cut_in_their_first_sentence,
        "errors",
        'def f():\n    """Returns what an order and\n    its payment are."""',
    ),
]


@pytest.mark.parametrize("rule", RULES)
def test_merchant_keeps_the_rule(rule):
    broken = sorted(rule(SOURCES))
    assert not broken, "\n".join([rule.__name__, *broken])


@pytest.mark.parametrize(
    ("rule", "module", "lines"), BAD, ids=[f"{rule.__name__}-{module}" for rule, module, _ in BAD]
)
def test_the_rule_finds_what_breaks_it(rule, module, lines):
    spoilt = {**SOURCES, module: f"{SOURCES.get(module, '')}\n{lines}\n"}
    found = set(rule(spoilt)) - set(rule(SOURCES))
    assert any(module in each for each in found), found


def test_each_rule_is_tried_on_lines_that_break_it():
    assert {rule for rule, *_ in BAD} == set(RULES)


def test_the_rules_have_read_the_files_of_the_design():
    for line in LEVELS:
        for name in line:
            assert name in SOURCES or f"{name}.__init__" in SOURCES, f"{name} is no file any more"
    assert {"claim_order", "update_payment_if_unchanged", "take_turn"} <= write_functions(SOURCES)
    assert not {"read_order", "read_payment", "read_events"} & write_functions(SOURCES)


# Rows


def faults_of_row(row, model):
    """Returns where a row class differs from its table: names, their order, types, None."""
    fields = [field.name for field in dataclasses.fields(row)]
    columns = [column.name for column in model.__table__.columns]
    if fields != columns:
        return [f"{row.__name__} has {fields}, the table {columns}"]
    hints = typing.get_type_hints(row)
    wrong = []
    for column in model.__table__.columns:
        hint = hints[column.name]
        parts = set(typing.get_args(hint)) if isinstance(hint, types.UnionType) else {hint}
        [plain] = parts - {types.NoneType}
        plain = dict if typing.is_typeddict(plain) else typing.get_origin(plain) or plain
        fits = {list, dict} if isinstance(column.type, JSON) else {column.type.python_type}
        if plain not in fits or (types.NoneType in parts) != column.nullable:
            wrong.append(f"{row.__name__}.{column.name} is {hint}, the column {column.type!r}")
    return wrong


@pytest.mark.parametrize(
    ("row", "model"), [(OrderRow, Order), (PaymentRow, Payment), (EventRow, PaymentEvent)]
)
def test_a_row_has_its_tables_columns_in_the_same_order_with_fitting_types(row, model):
    assert dataclasses.is_dataclass(row) and row.__dataclass_params__.frozen
    assert faults_of_row(row, model) == []


def test_a_row_that_does_not_fit_its_table_is_found():
    good = {field.name: field.type for field in dataclasses.fields(OrderRow)}
    names = list(good)
    for bad in [
        {name: good[name] for name in names[:-1]},
        {name: good[name] for name in [names[1], names[0], *names[2:]]},
        good | {"amount": str},
        good | {"fulfilled_at": datetime},
        good | {"created_at": datetime | None},
    ]:
        row = dataclasses.make_dataclass("Bad", bad.items(), kw_only=True)
        assert faults_of_row(row, Order), bad
