"""From a function to the text of a little module: what it uses, looked up as it is now; what has no text is refused."""

from __future__ import annotations
import __future__

import ast
import builtins
import dis
import functools
import io
import linecache
import math
import operator
import sys
import warnings
from collections import ChainMap
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any, cast

from epstudy.core.errors import InputError
from epstudy.core.text import did_you_mean, near_names
from epstudy.functions.entropy import Chance
from epstudy.functions.installed import address, find, imports, pins

Definition = ast.FunctionDef | ast.AsyncFunctionDef


def module_text(function: FunctionType) -> str:
    """Return the little module of `function`; InputError when it uses what no text can pin."""
    return _LittleModule(function).text()


class _LittleModule:
    """The module under construction: for each name the place of its statement in the text, and the statement."""

    def __init__(self, function: FunctionType) -> None:
        self.head: set[str] = set()
        self.parts: dict[str, tuple[int, str]] = {}
        self.seen: set[FunctionType] = set()
        self.chance = Chance()
        self.add_function(function)
        self.chance.refuse()

    def text(self) -> str:
        """The text in one order: versions and imports, values, functions, second names of functions."""
        statements = [text for _, text in sorted(self.parts.values()) if text]
        return "\n".join([*sorted(self.head), *statements, ""])

    def put(self, name: str, place: int, statement: str) -> None:
        kept = self.parts.setdefault(name, (place, statement))[1]
        if kept != statement:
            lines = sorted({(text or f"the builtin {name}").partition("\n")[0] for text in (kept, statement)})
            found = " and ".join(lines) if len(lines) == 2 else f"two versions of {lines[0]!r}"
            raise InputError(f'"{name}" is two things in functions that use each other: {found}; rename one')

    def pin(self, module: str, user: str) -> None:
        found = pins(module)
        if found is None:
            raise InputError(
                f'"{user}" uses the module "{module}", which is no installed package: its content would be no part of '
                f'the key. Import the function itself at the top, "from {module} import ...", then its source is kept'
            )
        self.head.update(f"# {pin}" for pin in found)

    def add_function(self, function: FunctionType) -> None:
        if function in self.seen:
            return
        self.seen.add(function)
        name = function.__code__.co_name
        definition: Definition = ast.fix_missing_locations(_Bare(name).visit(_definition(function)))
        definition.args.defaults = [self.default(name, value) for value in function.__defaults__ or ()]
        keywords = function.__kwdefaults__ or {}
        named = [argument.arg for argument in definition.args.kwonlyargs]
        definition.args.kw_defaults = [self.default(name, keywords[one]) if one in keywords else None for one in named]
        self.put(name, 3, _exact_text(definition))
        for module in imports(definition):
            self.pin(module or ".", name)
        values = {used: _value(function, used) for used in sorted(_globals_loaded(definition))}
        self.chance.look(definition, values)
        for used, value in values.items():
            self.add(used, value, definition)

    def default(self, name: str, value: object) -> ast.expr:
        text = self.literal(value, f'"{name}" has a default that is ')
        return ast.parse(text, mode="eval").body

    def add(self, name: str, value: object, user: Definition) -> None:
        """Add what `user` calls `name`."""
        origin = getattr(value, "__module__", None)
        called = getattr(value, "__name__", None)
        if origin in ("builtins", "io", "_io") and called in _OUTSIDE:
            raise InputError(f'"{user.name}" uses {called}(), {_OUTSIDE[called]}')
        if vars(builtins).get(name) is value and (origin == "builtins" or value in (NotImplemented, Ellipsis)):
            self.put(name, 0, "")
        elif isinstance(value, ModuleType):
            self.add_module(name, value, user)
        elif place := address(value):
            self.pin(place[0], user.name)
            self.put(name, 1, f"from {place[0]} import {place[1]} as {name}")
        elif isinstance(value, FunctionType) and value.__code__.co_name != "<lambda>":
            self.add_function(value)
            if name != value.__code__.co_name:
                self.put(name, 4, f"{name} = {value.__code__.co_name}")
        else:
            text = self.literal(value, f'"{user.name}" uses "{name}", which is ')
            self.put(name, 2, f"{name} = {text}")

    def add_module(self, name: str, module: ModuleType, user: Definition) -> None:
        whole = module.__name__
        if sys.modules.get(whole) is not module:
            raise InputError(
                f'"{user.name}" uses the module "{name}", and "{whole}" does not import it; import it anew'
            )
        self.pin(whole, user.name)
        self.put(name, 1, f"import {whole} as {name}")
        for node in ast.walk(user):  # xml.etree is there only once somebody has imported it
            root, *path = ast.unparse(node).split(".") if isinstance(node, ast.Attribute) else [""]
            inner = whole
            for attribute in path if root == name else ():
                held = getattr(sys.modules.get(inner), attribute, None)
                if not isinstance(held, ModuleType | None) or find(f"{inner}.{attribute}") is None:
                    break
                inner += f".{attribute}"
                self.head.add(f"import {inner}")

    def literal(self, value: Any, what: str, around: tuple[int, ...] = ()) -> str:
        """The text of a plain value; `what` begins the message when it is none."""
        kind = type(value)
        if kind in (bool, int, str, bytes) or value is None:
            return repr(value)
        if kind is float and not math.isnan(value):
            return repr(value).replace("inf", "1e309")
        if kind.__module__ == "numpy" and kind.__name__ != "ndarray" and hasattr(value, "item"):
            item = value.item()
            if type(item) is not kind:  # a longdouble is its own item
                return self.literal(item, what)
        if kind not in (tuple, list, set, frozenset, dict) or id(value) in around:
            raise InputError(what + reason(value))
        inside = functools.partial(self.literal, what=f"{what}a {kind.__name__} with ", around=(*around, id(value)))
        if kind is dict:
            return "{" + ", ".join(f"{inside(key)}: {inside(held)}" for key, held in value.items()) + "}"
        items = [inside(item) for item in value]
        if kind is tuple:
            return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
        if kind is list:
            return f"[{', '.join(items)}]"
        literal = "{" + (", ".join(sorted(items)) or "*()") + "}"
        if kind is set:
            return literal
        self.put("frozenset", 0, "")
        return f"frozenset({literal})"


def _value(function: FunctionType, name: str) -> object:
    """What `function` means by `name` now: of the function around it, of its module, of Python."""
    user = function.__code__.co_name
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    if name.startswith("__") and name.endswith("__"):
        raise InputError(f'"{user}" uses "{name}", which is of its own module only; write what is meant')
    known = ChainMap(function.__globals__, vars(builtins))
    try:
        return cells[name].cell_contents if name in cells else known[name]
    except (KeyError, ValueError):  # an empty cell has a name and no value
        raise InputError(f'"{name}", which "{user}" uses, is not defined{near(name, known)}') from None


def near(name: str, names: Mapping[str, object]) -> str:
    close = near_names(name, names)
    return f"; {did_you_mean(close)}" if close else ""


def _globals_loaded(definition: Definition) -> set[str]:
    try:
        module = compile(ast.Module([definition], []), "<source>", "exec", dont_inherit=True)
    except SyntaxError as error:  # nonlocal, with nothing around it
        raise InputError(
            f'"{definition.name}" changes a name outside of it ({error.msg}); return it instead'
        ) from error
    inner = (code for code in _codes(module) if code is not module)
    return {step.argval for code in inner for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _fingerprint(constant: Any) -> object:
    """What decides what a code object does; lines do not."""
    if isinstance(constant, tuple | frozenset):
        return type(constant)(map(_fingerprint, constant))
    if not isinstance(constant, CodeType):
        return type(constant), repr(constant)
    names = ("qualname", "code", "names", "varnames", "freevars", "cellvars", "flags", "exceptiontable")
    counts = ("argcount", "posonlyargcount", "kwonlyargcount")
    return tuple(getattr(constant, f"co_{name}") for name in names + counts), _fingerprint(constant.co_consts)


def _definition(function: FunctionType) -> Definition:
    """The definition that the function was made by, found in its file or cell and compared with what runs."""
    code = function.__code__
    name = code.co_name
    if vars(function):
        raise InputError(f'"{name}" is decorated or has attributes ({", ".join(vars(function))}); write a plain def')
    if "." in code.co_qualname.rpartition("<locals>.")[2]:
        raise InputError(f'"{name}" is a method, {code.co_qualname}; write a plain def')
    if pins(str(function.__globals__.get("__name__"))) is not None:
        raise InputError(
            f'"{name}" is made inside of an installed package, and not found there by its name; write a def'
        )
    linecache.checkcache(code.co_filename)
    source = "".join(linecache.getlines(code.co_filename, function.__globals__))
    lost = f'the source of "{name}" is not found; define it in a plain cell (no %%time) or in a file'
    if not source:
        raise InputError(lost)
    flags = code.co_flags & _FUTURE | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    changed = (
        f'the source of "{name}" found in {code.co_filename} is not what runs; reload it: restart, or run its cell'
        if code.co_filename != "<string>"
        else lost  # since Python 3.13 that name has the text of `python -c`, and is that of a text of exec(), too
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = compile(source, code.co_filename, "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
            compiled = compile(source, code.co_filename, "exec", flags, dont_inherit=True)
    except SyntaxError as error:
        raise InputError(changed) from error
    lines = {one.co_firstlineno for one in _codes(compiled) if _fingerprint(one) == _fingerprint(code)}
    for node in ast.walk(tree):
        if isinstance(node, Definition) and node.name == name:
            if node.decorator_list and node.decorator_list[0].lineno in lines:
                raise InputError(f'"{name}" is decorated; write a plain def')
            if not node.decorator_list and node.lineno in lines:
                return node
    raise InputError(changed)


def _exact_text(definition: Definition) -> str:
    try:
        text = ast.unparse(definition)
    except ValueError as error:  # Python 3.11 has no text for every f-string with a string in it
        raise InputError(f'"{definition.name}" has no exact text ({error}); write its f-strings more simply') from error
    assert ast.dump(ast.parse(text).body[0]) == ast.dump(definition)
    return text


class _Bare(ast.NodeTransformer):
    """Takes off what makes no difference to what a function does: annotations and docstrings."""

    def __init__(self, user: str) -> None:
        self.user = user

    def visit_FunctionDef(self, node: Any) -> ast.stmt:
        self.generic_visit(node)
        node.returns, node.type_params = None, []
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return cast(Definition, node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 ast's own way of names

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        self.generic_visit(node)
        if node.value is None:  # it still makes the name a local one
            node.annotation = ast.Constant(None)
            return node
        return ast.Assign([node.target], node.value)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt:
        raise InputError(f'"{self.user}" defines a class, "{node.name}"; use functions and plain values instead')

    def visit_Global(self, node: ast.Global) -> ast.stmt:
        raise InputError(
            f'"{self.user}" says "{ast.unparse(node)}"; take what it needs as arguments and return what it makes'
        )


#: The flags of "from __future__ import ...", which IPython hands on from cell to cell.
_FUTURE = functools.reduce(
    operator.or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)

_INSTEAD = "read the file before, and keep what is needed of it as a list or a dict"
_CODE = "which runs or reads what the key does not see; write it as plain code"

_OUTSIDE = {
    "open": f"and the content of a file would be no part of the key; {_INSTEAD}",
    "hash": "which is another number in every process for a text; use zlib.crc32(text.encode())",
    **dict.fromkeys(("eval", "exec", "globals", "input"), _CODE),
}

_REFUSED: tuple[tuple[type, str], ...] = (
    (PurePath, f"a path: the content of a file there would be no part of the key; {_INSTEAD}"),
    (io.IOBase, f"an open file; {_INSTEAD}"),
    (functools.partial, "a functools.partial; write a def that passes the values"),
    (MethodType, "a method of an object; write a def"),
    (BuiltinFunctionType, "no function written in Python; write a def that calls it"),
    (GeneratorType, "a generator; make it a list"),
    (ModuleType, "a module; use it by its own name"),
    (type, "a class; write functions (def) and plain values instead"),
)

A_MEASURE = 'a function written with def, or the text "package.module:name" of one'
_PLAIN = (
    "a number, a text, True, False, None, a list, tuple, dict or set of those, a function written with def, "
    "or an installed module; make anything else inside of the function"
)


def reason(value: object, expected: str = _PLAIN) -> str:
    """What `value` is and what to give instead, for "... is "."""
    kind = type(value)
    if isinstance(value, FunctionType):
        is_named = value.__code__.co_name != "<lambda>"
        return "a function; call it by its own name" if is_named else "a lambda; give it a name with def"
    if hasattr(value, "__wrapped__"):
        return f"decorated, a {kind.__name__} now; write a plain def"
    for refused, why in _REFUSED:
        if isinstance(value, refused):
            return why
    if kind in (list, tuple, dict, set, frozenset) and expected is _PLAIN:
        return f"a {kind.__name__} that holds itself; expected plain values"
    if kind is float and expected is _PLAIN:
        return "NaN; expected a number, or None"
    if hasattr(value, "tolist") or hasattr(value, "to_dict"):
        return f'an object of type "{kind.__name__}"; make it a list or a dict, for example with .tolist()'
    return f'an object of type "{kind.__name__}"; expected {expected}'
