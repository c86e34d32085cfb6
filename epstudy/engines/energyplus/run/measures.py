"""The user's own functions: read, found again on a worker, called; what a call must not do is an InputError."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from epstudy.core.errors import EngineError, InputError
from epstudy.engines.energyplus.model.document import IDFDocument
from epstudy.engines.energyplus.model.external import REFERENCES
from epstudy.engines.energyplus.model.model import Document, label_of, objects_of
from epstudy.engines.energyplus.run.guard import sealed
from epstudy.functions.installed import find, pins
from epstudy.functions.source import Code, load_code, read_code

Function = Callable[..., Any]

_TOLD_MOST = 500  # characters of a message of the user's own

#: Where a model names code that EnergyPlus would run: an FMU, a plug-in, where plug-ins are looked for.
_RUNS = ("ExternalInterface:FunctionalMockupUnitImport", "PythonPlugin:Instance", "PythonPlugin:SearchPaths")
_PARTNER = ("ExternalInterface", "name_of_external_interface")


def read_measure(function_or_target: Function | str) -> Code:
    """Return the code of a measure as `read_code` does.

    Raises
    ------
    InputError
        When it cannot travel: also the text "package.module:name" of a module that is only beside the notebook.
    """
    if isinstance(function_or_target, str):
        module, _, name = function_or_target.partition(":")
        if find(module.partition(".")[0]) is not None and pins(module) is None:
            raise InputError(
                f'"{module}" of "{function_or_target}" is no installed package: the workers would not find it. Give '
                f"the function itself, its source travels: from {module} import {name}, then ep.Measure({name}, ...)"
            )
    return read_code(function_or_target)


def functions(sources: Mapping[str, Any], allow_code: bool) -> Callable[[str], Function]:
    """Return what finds the user's functions by digest; what came as text runs only where that is allowed."""

    def function(digest: str) -> Function:
        if digest not in sources:
            raise InputError(f"the study names code {digest[:12]}, which its manifest does not hold")
        code = Code.from_json(sources[digest])
        if code.kind == "source" and not allow_code:
            raise EngineError(  # says nothing about the model: another pool may do it
                f'the workers of this pool do not execute code from notebooks (measure "{code.name}"); give '
                '"package.module:name" of a package that they have, or have them set EPSTUDY_ALLOW_CODE=1'
            )
        if code.digest != digest:
            raise InputError(f"the code {digest[:12]} in the manifest is not what the study was made with")
        return load_code(code)

    return function


def run(document: Document, name: str, function: Function, value: Any) -> None:
    """Have a measure edit `document` in place.

    Raises
    ------
    InputError
        When it fails, also by ending Python; when it reads what the key does not see, or has the model do so; when it
        returns another model. An interrupt of the notebook stays one.
    """
    before = {what for what, _ in _references(document)}
    failure: BaseException | None = None
    returned = None
    with sealed() as watched:
        try:
            returned = function(document, value)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 sys.exit is no end of the notebook
            failure = error
    if watched.refused:
        raise InputError(f'measure "{name}" {watched.refused}') from failure
    if failure is not None:
        said = f"{type(failure).__name__}: {failure}"
        said = said if len(said) <= _TOLD_MOST else f"{said[:_TOLD_MOST]} …"
        raise InputError(f'measure "{name}" fails for {value!r}: {said}') from failure
    if isinstance(returned, IDFDocument) and returned is not document:
        raise InputError(f'measure "{name}" returns another model; it must edit the one that it gets, in place')
    added = [(said, who) for (kind, said), who in _references(document) if (kind, said) not in before]
    if added:
        said, who = added[0]
        raise InputError(
            f'measure "{name}" has the model read "{said}" ({who}), which is not in the key and not sent to the '
            "workers. Give the data to the model inside the measure (for example as Schedule:Compact, or "
            "Schedule:Day:List), or let the base model name the file"
        )


def _references(document: Document) -> Iterator[tuple[tuple[str, str], str]]:
    """Everything outside of itself that the model names: what for and the name; and the object that does."""
    for object_class, name in (*REFERENCES, ("PythonPlugin:SearchPaths", "py_search_paths"), _PARTNER):
        for one in objects_of(document, object_class):
            held = one.data.get(name)
            paths = [str(item.get("search_path")) for item in held] if isinstance(held, list) else [str(held or "")]
            kind = object_class if object_class in (*_RUNS, _PARTNER[0]) else "file"
            if object_class == "Construction:WindowDataFile" and not held:
                paths = ["Window5DataFile.dat"]  # what EnergyPlus reads then
            for said in paths:
                if said.strip():
                    yield (kind, said.strip()), f'{object_class} "{label_of(one)}"'
