"""Reads the text of an IDF as EnergyPlus does: its objects, each with the text it was read from.

A comment goes from "!" to the line feed, whatever stands in it; blanks are spaces, tabs and line ends; an object ends
with its semicolon. idfkit's own reader differs: it loses objects that share a line or whose lines end with CR alone,
takes a "Version" in a name for the version, and goes on for ever in a file that ends within an object.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from idfkit.cst import CSTNode, DocumentCST
from idfkit.objects import IDFObject

from epstudy.core.errors import InputError
from epstudy.engines.energyplus.model.document import ModelDocument

Schema = Any  # an idfkit.EpJSONSchema

_BLANK = " \t\r\n"
_BOM = "\ufeff"

#: Possessive, so that a file which lacks a semicolon is not tried again from every sign.
_BETWEEN = re.compile(r"(?:[ \t\r\n;]++|![^\n]*+|##[^\n]*+)*+")  # lines of EPMacro are told elsewhere
_STATEMENT = re.compile(r"(?:[^;!]++|![^\n]*+)*+;")
_COMMENT = re.compile(r"![^\n]*")
_REST_OF_LINE = re.compile(r"[ \t\r]*+(?:![^\n]*+)?(?:\n[\r\n]*+|\Z)")


@dataclass(frozen=True, slots=True)
class Statement:
    """Class and fields of an object, without the blanks around them, and where its text begins and ends."""

    fields: tuple[str, ...]
    start: int
    end: int

    @property
    def object_class(self) -> str:
        """The class as it is spelled."""
        return self.fields[0]


def statements(text: str) -> Iterator[Statement]:
    """Yield the objects of an IDF. The text of one takes in the rest of its last line, and empty lines after it.

    Raises
    ------
    InputError
        When the text ends within an object, or in something that is none.
    """
    place = len(_BOM) if text.startswith(_BOM) else 0
    while True:
        start = _BETWEEN.match(text, place).end()  # type: ignore[union-attr]
        if start == len(text):
            return
        whole = _STATEMENT.match(text, start)
        if whole is None:
            raise InputError(_unended(text[start:]))
        said = whole[0][:-1]
        fields = tuple(part.strip(_BLANK) for part in (_COMMENT.sub("", said) if "!" in said else said).split(","))
        if len(fields) == 1:
            raise InputError(f'is no model that can be read: "{fields[0][:100]}" is no object, it has no fields')
        rest = _REST_OF_LINE.match(text, whole.end())
        place = rest.end() if rest else whole.end()
        yield Statement(fields, start, place)


def read_idf(text: str, encoding: str, schema: Schema, version: tuple[int, int, int]) -> ModelDocument:
    """Return the model in `text` as a document of this version.

    Raises
    ------
    InputError
        When it is none: what is no object, an unknown class, more fields than the class has, one name twice.
    """
    document = ModelDocument(version=version, schema=schema)
    nodes = []
    done = 0
    seen: set[tuple[str, str]] = set()
    shapes: dict[str, _Shape | None] = {}
    for said in statements(text):
        name = said.object_class
        if name not in shapes:
            shapes[name] = _shape(schema, name)
        shape = shapes[name]
        if shape is None:
            version_text = ".".join(map(str, version[:2]))
            raise InputError(_where(text, said, f'"{name}" is no class of EnergyPlus {version_text}'))
        one = _object(shape, text, said)
        key = (one.obj_type, one.name)
        if one.name and key in seen:
            raise InputError(_where(text, said, f'there are two {one.obj_type} objects called "{one.name}"'))
        seen.add(key)
        source = text[said.start : said.end]
        object.__setattr__(one, "_source_text", source)
        document.take(one)
        if said.start > done:
            nodes.append(CSTNode(text[done : said.start]))
        nodes.append(CSTNode(source, one))
        done = said.end
    if not seen:
        raise InputError(f"is no model that can be read: it holds no object{_all_comment(text)}")
    if done < len(text):
        nodes.append(CSTNode(text[done:]))
    document.tree, document.text = DocumentCST(nodes, encoding), text
    return document


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is the same for all objects of a class: its name, and how its fields are called and kept."""

    object_class: str
    cache: Any
    names: list[str]
    kinds: tuple[str | None, ...]
    item_kinds: tuple[str | None, ...]
    extensibles: frozenset[str]
    inner_names: tuple[str, ...]


def _shape(schema: Schema, name: str) -> _Shape | None:
    cache = schema.get_parsing_cache(name)
    if cache is None:
        return None
    names = list(cache.field_names if cache.has_name else cache.all_field_names)
    return _Shape(
        schema.resolve_type_name(name),
        cache,
        names,
        tuple(cache.field_types.get(one) for one in names),
        tuple(cache.field_types.get(one) for one in cache.ext_field_names),
        frozenset(cache.ext_field_names),
        tuple(cache.ext_inner_props),
    )


def _object(shape: _Shape, text: str, said: Statement) -> IDFObject:
    cache = shape.cache
    values = said.fields[2 if cache.has_name else 1 :]
    data: dict[str, Any] = {
        name: value_of(kind, value) for name, kind, value in zip(shape.names, shape.kinds, values, strict=False)
    }
    more = values[len(shape.names) :]
    if more and not cache.extensible:
        count = len(values)
        raise InputError(
            _where(
                text,
                said,
                f"{shape.object_class} has {len(more)} extra field(s) (expected at most {count - len(more)}, got "
                f"{count})",
                said.fields[1],
            )
        )
    if more and cache.ext_wrapper_key is not None:
        items = _items(shape, more)
        if items:
            data[cache.ext_wrapper_key] = items
    return IDFObject(
        shape.object_class,
        said.fields[1] if cache.has_name else "",
        data,
        cache.obj_schema,
        field_order=list(shape.names),
        ref_fields=cache.ref_fields,
        extensibles=shape.extensibles,
        wrapper_key=cache.ext_wrapper_key,
        ext_inner_names=shape.inner_names,
    )


def _items(shape: _Shape, values: tuple[str, ...]) -> list[dict[str, Any]]:
    """Values as the items of an extensible class; as in an epJSON, what is blank is not there."""
    size, names = shape.cache.ext_size, shape.cache.ext_field_names
    groups = (values[place : place + size] for place in range(0, len(values), size))
    items = (
        {
            name: value_of(kind, value)
            for name, kind, value in zip(names, shape.item_kinds, group, strict=False)
            if value
        }
        for group in groups
    )
    return [item for item in items if item]


def value_of(kind: str | None, value: str) -> Any:
    """Return the value of a field of this kind: a number where it is one and may be, else the text.

    What only Python reads as a number, `1_000` or `nan`, stays a text.
    """
    if kind not in ("number", "integer") or not value:
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    if not math.isfinite(number) or "_" in value:
        return value
    return int(number) if kind == "integer" and number.is_integer() else number


def _unended(rest: str) -> str:
    code = " ".join(_COMMENT.sub("", rest).split())
    if "," in code:
        return f'is no model that can be read: it ends within an object, "{code[:100]}", that has no semicolon'
    return f"is no model that can be read: it ends in {code[:100]!r}, which is no object"


def _where(text: str, said: Statement, what: str, name: str = "") -> str:
    line = text.count("\n", 0, said.start) + 1
    return f"is no model that can be read: line {line}: {what}" + (f' in "{name}"' if name else "")


def _all_comment(text: str) -> str:
    """Why a text whose lines end with CR alone may be nothing but a comment."""
    if "!" not in text or "\n" in text.strip() or "\r" not in text.strip():
        return ""
    return '; its lines end with CR alone, and EnergyPlus takes all that follows a "!" for comment: save it with LF'
