"""Models: read them, find what a target names, apply edits, write them. Built on idfkit documents."""

from __future__ import annotations

import difflib
import fnmatch
import logging
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import idfkit

from epstudy.core.errors import InputError
from epstudy.core.parameter import split_target

Document = Any  # an idfkit.IDFDocument: its own generics say nothing that helps here
ModelObject = Any

logging.getLogger("idfkit").setLevel(logging.ERROR)  # what it logs as warnings, check() says better


@dataclass(frozen=True, slots=True)
class Match:
    """What a target names in a model: the class and field as EnergyPlus spells them, and the objects."""

    object_class: str
    pattern: str
    field: str
    objects: tuple[ModelObject, ...]

    @property
    def canonical(self) -> str:
        """The target in one spelling, for keys."""
        return f"{self.object_class}/{self.pattern.casefold()}/{self.field}"


def warm(version: tuple[int, int, int]) -> None:
    """Load the schema of this version, which the first model would wait for."""
    idfkit.get_schema(version)


def load(content: bytes, suffix: str) -> Document:
    """Return the model in `content` as a document that writes back its own text wherever nothing was changed.

    Raises
    ------
    InputError
        When it is no EnergyPlus model that can be read.
    """
    with tempfile.TemporaryDirectory(prefix="epstudy-") as folder:
        path = Path(folder) / f"model{suffix.lower()}"
        path.write_bytes(content)
        try:
            if suffix.lower() == ".epjson":
                return idfkit.load_epjson(str(path))
            document = idfkit.parse_idf(path, encoding=_encoding(content), preserve_formatting=True)
        except (idfkit.IdfKitError, ValueError, KeyError, AttributeError, TypeError) as error:
            reason = str(error).replace(str(path), "the file").splitlines()
            raise InputError(
                f"is no model that can be read: {reason[0] if reason else type(error).__name__}"
            ) from error

    tree = getattr(document, "cst", None)
    if tree is not None:
        tree.encoding = _encoding(content)  # idfkit 1.1 leaves its default there
    return document


def version_of(content: bytes) -> tuple[int, int] | None:
    """Return major and minor version that the text of a model states, without reading the rest; None if it does not."""
    text = re.sub(rb"!.*", b"", content)
    found = re.search(rb"(?i)\bversion\s*,\s*(\d+)\.(\d+)", text)
    found = found or re.search(rb'(?i)"version_identifier"\s*:\s*"(\d+)\.(\d+)', text)
    return (int(found[1]), int(found[2])) if found else None


def write(document: Document, suffix: str) -> bytes:
    """Return `document` as the content of a file of that kind; IDF stays IDF, for the order of objects is theirs."""
    if suffix.lower() == ".epjson":
        return str(idfkit.write_epjson(document)).encode()
    text = str(idfkit.write_idf(document))
    encoding = "utf-8" if document.cst is None else document.cst.encoding
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode()


def find(document: Document, target: str) -> Match:
    """Return what `target` names in `document`.

    Raises
    ------
    InputError
        When its class, objects or field are not there; the message gives the nearest names.
    """
    wanted_class, pattern, wanted_field = split_target(target)
    object_class = document.schema.resolve_type_name(wanted_class)
    if object_class is None:
        raise InputError(
            f'"{target}" names no class of EnergyPlus: "{wanted_class}"'
            + _nearest(wanted_class, document.keys(), document.schema.object_types)
        )
    objects = tuple(document[object_class]) if object_class in document else ()
    if not objects:
        raise InputError(
            f'"{target}" matches nothing: the model has no {object_class} object'
            + _nearest(wanted_class, [name for name in document if document[name]])
        )
    chosen = _matching(objects, pattern)
    if not chosen:
        names = [one.name for one in objects]
        raise InputError(
            f'"{target}" matches none of the {len(objects)} {object_class} objects: no "{pattern}"'
            + (_nearest(pattern, names) or f"; there are {_some(names)}")
        )
    field = _field_name(document, object_class, wanted_field)
    if field is None:
        known = _fields(document, object_class)
        raise InputError(
            f'"{target}" names no field of {object_class}: "{wanted_field}"'
            + (_nearest(wanted_field, known) or f"; its fields are {_some(known)}")
        )
    return Match(object_class, pattern, field, chosen)


def apply_edits(document: Document, edits: Iterable[dict[str, Any]]) -> None:
    """Apply edits in their order, in place.

    Raises
    ------
    InputError
        When an edit names what the model does not have, or is of no known kind.
    """
    for edit in edits:
        if set(edit) == {"set", "to"}:
            set_field(find(document, edit["set"]), edit["to"])
        elif set(edit) == {"scale", "by"}:
            scale_field(find(document, edit["scale"]), edit["by"])
        else:
            raise InputError(f"the edit {edit!r} is of no kind that this version of epstudy knows")


def set_field(match: Match, value: Any) -> None:
    """Set the field of every matched object, in place."""
    if not_for_idf(value):
        raise InputError(f"the level {value!r} holds a sign that ends a field of an IDF")
    for one in match.objects:
        setattr(one, match.field, spelled(value))


def scale_field(match: Match, factor: float) -> None:
    """Multiply the field of every matched object, in place.

    Raises
    ------
    InputError
        When an object has no number there.
    """
    for one in match.objects:
        before = getattr(one, match.field)
        if isinstance(before, bool) or not isinstance(before, int | float):
            raise InputError(
                f'{match.object_class} "{one.name}" has {before or "nothing"!r} in {match.field}: there is no number '
                "to scale; name the objects that have one, or set it with ep.Field"
            )
        setattr(one, match.field, spelled(before * factor))


def not_for_idf(value: Any) -> bool:
    """Say whether a text would end its field, or its object, where it is written into an IDF."""
    return isinstance(value, str) and any(sign in value for sign in ",;!\n\r")


def spelled(value: Any) -> Any:
    """Return a level as a model writes it: whole numbers without a point, so that an integer field stays one."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def objects_of(document: Document, *classes: str) -> Iterator[ModelObject]:
    """Yield every object of these classes."""
    for object_class in classes:
        if object_class in document:
            yield from list(document[object_class])


def remove_all(document: Document, *classes: str) -> None:
    """Remove every object of these classes."""
    for one in objects_of(document, *classes):
        document.removeidfobject(one)


def _encoding(content: bytes) -> str:
    """UTF-8 where the bytes are that, else Latin-1, which EnergyPlus' own files are in: names are found as typed."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _matching(objects: tuple[ModelObject, ...], pattern: str) -> tuple[ModelObject, ...]:
    folded = pattern.casefold()
    exact = tuple(one for one in objects if one.name.casefold() == folded)
    if exact:
        return exact  # a name may hold the signs of a glob: "Zone [1]"
    return tuple(one for one in objects if fnmatch.fnmatchcase(one.name.casefold(), folded))


def _fields(document: Document, object_class: str) -> list[str]:
    return [name for name in document.schema.get_all_field_names(object_class) if name != "name"]


def _field_name(document: Document, object_class: str, wanted: str) -> str | None:
    spelled = re.sub(r"[^0-9a-z]+", "_", wanted.casefold()).strip("_")
    return next((name for name in _fields(document, object_class) if name == spelled), None)


def _nearest(wanted: str, *pools: Iterable[str]) -> str:
    """'; did you mean …?' with the nearest name of the first pool that has one."""
    for pool in pools:
        names = {name.casefold(): name for name in pool}
        folded = wanted.casefold()
        close = difflib.get_close_matches(folded, names, n=3, cutoff=0.6)
        close = close or [name for name in names if len(folded) > 2 and folded in name][:3]
        close = close or difflib.get_close_matches(folded, names, n=1, cutoff=0.4)
        if close:
            return "; did you mean " + " or ".join(f'"{names[name]}"' for name in close) + "?"
    return ""


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")
