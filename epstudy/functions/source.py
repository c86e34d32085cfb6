"""The code of a function as text: read where the user wrote it, pinned by its hash, run in another process.

The text is a whole little module: the function, the functions and plain values that it uses as they are at that
moment, and imports of installed packages at their versions. It is all that runs. Nothing is ever pickled, and nothing
is taken along by name alone: what has no text that pins it is refused with the reason.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import itertools
import json
import linecache
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from epstudy.core.canonical import content_digest
from epstudy.core.errors import EngineError, InputError
from epstudy.functions.capture import A_MEASURE, module_text, near, reason
from epstudy.functions.installed import address, find, imports, pins


@dataclass(frozen=True, slots=True)
class Code:
    """A function as plain text.

    `kind` is "source" where `text` is a little module (the versions of the packages that it imports are comments at
    its top), "import" where `text` is "package.module:name". `name` is the function's name in it.

    `digest` is a SHA-256: of name and text for "source"; for "import" of the text, of the content of the source file,
    of that of every imported module that is no installed package, and of the versions of those that are.
    """

    kind: str
    name: str
    text: str
    digest: str

    def to_json(self) -> dict[str, str]:
        """Return plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Code:
        """Return the code that `to_json` said; InputError when a part is missing or no text, or the kind is unknown."""
        parts = [said.get(name) for name in ("kind", "name", "text", "digest")]
        if parts[0] not in ("source", "import") or not all(isinstance(part, str) for part in parts):
            raise InputError(
                f'{parts!r} is no code; expected the texts kind ("source" or "import"), name, text, digest'
            )
        return cls(*map(str, parts))


def read_code(function_or_target: Callable[..., Any] | str) -> Code:
    """Return the code of a function, or of `"package.module:name"`, as it is now.

    A function of an installed package comes back as "import", any other as "source". Comments, blank lines,
    docstrings and annotations make no difference to a "source". Defaults are the values that the function has.

    Raises
    ------
    InputError
        When it is no plain function, its source is not found or is not what runs, or it uses what no text can pin.
    """
    if isinstance(function_or_target, str):
        function = _function_at(function_or_target)
        _refuse_unless_it_returns(function)
        name = function_or_target.partition(":")[2]
        return Code("import", name, function_or_target, _import_digest(function_or_target, function))
    if not isinstance(function_or_target, FunctionType) or function_or_target.__code__.co_name == "<lambda>":
        raise InputError(f"the function is {reason(function_or_target, A_MEASURE)}")
    if place := address(function_or_target):
        return read_code(":".join(place))
    _refuse_unless_it_returns(function_or_target)
    name, text = function_or_target.__code__.co_name, module_text(function_or_target)
    return Code("source", name, text, _source_digest(name, text))


def load_code(code: Code) -> Callable[..., Any]:
    """Return the function of `code`, after making sure that it is the one that `read_code` saw.

    A "source" gets a new namespace at every call, so that what one variant appends to a list reaches no other one.

    Raises
    ------
    EngineError
        When the text is not what the digest says, or this process has another version of it, or of a package it needs.
    """
    if code.kind == "import":
        return _load_import(code)
    namespace: dict[str, Any] = {"__name__": f"epstudy_{code.digest[:12]}"}
    try:
        exec(_compiled(code), namespace)  # noqa: S102 the user's own code is what a study is asked to run
    except ImportError as error:
        raise EngineError(f'the function "{code.name}" cannot be loaded here: {error}') from error
    function: Callable[..., Any] = namespace[code.name]
    return function


@functools.lru_cache(maxsize=64)
def _compiled(code: Code) -> CodeType:
    if _source_digest(code.name, code.text) != code.digest:
        raise EngineError(f'the text of "{code.name}" is not the one the study was made with; run the study again')
    lines = code.text.splitlines(keepends=True)
    for pin in itertools.takewhile(lambda line: line.startswith("# "), lines):
        _check_version(code.name, *pin.removeprefix("# ").split())
    filename = f"<{code.name} of the study, {code.digest[:12]}>"
    linecache.cache[filename] = (len(code.text), None, lines, filename)
    try:
        return compile(code.text, filename, "exec", dont_inherit=True)
    except SyntaxError as error:
        here = platform.python_version()
        raise EngineError(f'Python {here} on this worker cannot read the function "{code.name}": {error}') from error


def _check_version(function: str, package: str, version: str) -> None:
    from importlib import metadata

    try:
        found = metadata.version(package)
    except metadata.PackageNotFoundError:
        found = "none"
    if found != version:
        raise EngineError(
            f'the function "{function}" was captured with {package} {version}, and this process has {found}: '
            f'install "{package}=={version}" here, or run the study again from an environment like this one'
        )


def _load_import(code: Code) -> Callable[..., Any]:
    try:
        function = _function_at(code.text)
        if _digest_at_first_sight(code.text, function) == code.digest:
            return function
        now = _import_digest(code.text, function)
    except InputError as error:
        raise EngineError(f"the function of the study cannot be loaded here: {error}") from error
    if now == code.digest:
        raise EngineError(f'"{code.text}" was edited after this process loaded it; start this process again')
    raise EngineError(f'"{code.text}" is another function here than the one the study was made with; run it again')


@functools.lru_cache(maxsize=64)
def _digest_at_first_sight(target: str, function: FunctionType) -> str:
    """The digest when this process first had this function: a later look at the files says nothing of what runs."""
    return _import_digest(target, function)


def _source_digest(name: str, text: str) -> str:
    return content_digest(f"{name}\n{text}".encode())


def _function_at(target: str) -> FunctionType:
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*", target):
        raise InputError(f'{target!r} names no function; expected "package.module:name", with a function of the module')
    module, _, name = target.partition(":")
    try:
        found = importlib.import_module(module)
    except Exception as error:
        raise InputError(f'"{module}" of "{target}" cannot be imported: {type(error).__name__}: {error}') from error
    if not hasattr(found, name):
        raise InputError(f'"{module}" has no function "{name}"{near(name, vars(found))}')
    function = getattr(found, name)
    if not isinstance(function, FunctionType):
        raise InputError(f'"{target}" is {reason(function, A_MEASURE)}')
    return function


def _refuse_unless_it_returns(function: FunctionType) -> None:
    if function.__code__.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        raise InputError(f'"{function.__name__}" is a generator or async; expected a def that is done when it returns')


def _import_digest(target: str, function: FunctionType) -> str:
    """The digest of all that decides what `target` does: files by their content, installed packages by version."""
    contents: dict[str, str] = {}
    pinned: set[str] = set()
    queue = [target.partition(":")[0], function.__module__]
    while queue:
        module = queue.pop()
        spec = find(module)
        if module in contents or spec is None:
            continue
        file = Path(spec.origin or "") if spec.has_location else None
        content = file.read_bytes() if file else b""
        contents[module] = content_digest(content)
        found = pins(module)
        if found is not None:
            pinned.update(found or [f"python {platform.python_version()}"])
            continue
        for name in imports(ast.parse(content), spec) if file and file.suffix == ".py" else ():
            found = pins(name)
            pinned.update(found or ())
            queue += [name] if found is None else []
    return content_digest(json.dumps([target, contents, sorted(pinned)], sort_keys=True).encode())
