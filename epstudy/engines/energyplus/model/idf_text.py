"""Writes an IDF that differs from the text it was read from where it was edited, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from idfkit.writers import IDFWriter

from epstudy.engines.energyplus.model.idf_reader import value_of

Document = Any
ModelObject = Any
Node = Any
Schema = Any

#: A comment, a delimiter, or a value without the spaces around it.
_TOKEN = re.compile(r"![^\n]*|[,;]|[^,;! \t\r\n](?:[^,;!\n]*[^,;! \t\r\n])?")


def write_preserved(document: Document) -> str:
    """Return the IDF text of a document that keeps its own text (`document.cst`).

    idfkit writes an edited object anew, all of it. Here only the values that changed are replaced, and the others keep
    their digits, spaces and comments. An object that gained fields beyond its last is written by idfkit.
    """
    writer = IDFWriter(document)
    alive = {id(one) for one in document.all_objects}
    parts: list[str] = []
    written: set[int] = set()
    for node in document.cst.nodes:
        if node.obj is None:
            parts.append(node.text)
        elif id(node.obj) in alive:
            written.add(id(node.obj))
            parts.append(_node_text(writer, document.schema, node))
    kept = "".join(parts)
    new = [writer.format_object(one) for one in document.all_objects if id(one) not in written]
    between = "\n" if new and kept and not kept.endswith("\n") else ""
    return kept + between + "".join(f"{text}\n\n" for text in new)


def _node_text(writer: IDFWriter, schema: Schema, node: Node) -> str:
    if node.obj.source_text is not None:
        return str(node.obj.source_text)
    rendered = writer.format_object(node.obj, node.text)
    return _spliced(node.text, rendered, _kinds(schema, node.obj)) or rendered + (node.separator or "\n\n")


def _kinds(schema: Schema, one: ModelObject) -> Iterator[str | None]:
    """The kind of each value of an object, as its class and fields stand in an IDF; endless."""
    cache = schema.get_parsing_cache(one.obj_type)
    yield from ("string", "string") if cache.has_name else ("string",)
    for name in one.field_order:
        if name != cache.ext_wrapper_key:
            yield cache.field_types.get(name)
    yield from cycle([cache.field_types.get(name) for name in cache.ext_field_names] or [None])


def _spliced(source: str, rendered: str, kinds: Iterator[str | None]) -> str | None:
    """`source` with the values of `rendered` where these say something else; None when there are more or fewer."""
    places = _values(source)
    values = [rendered[start:end] for start, end, _ in _values(rendered)]
    if len(places) != len(values):
        return None
    last = max(place for place, value in enumerate(values) if value)
    emptied = any(start < end for start, end, _ in places[last + 1 :])
    parts: list[str] = []
    done = 0
    compared = list(zip(places, values, kinds, strict=False))  # kinds are endless
    for (start, end, _), value, kind in compared[1 : last + 1]:  # the class stays as spelled
        if not _same(kind, source[start:end], value):
            parts += [source[done:start], value]
            done = end
    if not emptied:
        return "".join([*parts, source[done:]])
    return "".join([*parts, source[done : places[last][2]], _ended(source, places[last][2], places[-1][2])])


def _ended(source: str, delimiter: int, end: int) -> str:
    """What follows the last value that is left, when those between two delimiters were emptied.

    EnergyPlus 25.2 takes a blank layer at the end of a Construction for a layer, so blanks are not left there.
    """
    line_end = source.find("\n", delimiter)
    if line_end < 0 or end < line_end:
        return ";" + source[end + 1 :]
    beside = source[delimiter + 1 : line_end]
    if re.match(r"\s*(!|$)", beside) is None:
        beside = "  " + beside[beside.find("!") :] if "!" in beside else ""
    after = source.find("\n", end)
    return ";" + beside + (source[after:] if after >= 0 else "\n")


def _values(text: str) -> list[tuple[int, int, int]]:
    """Start and end of each value of the first object in `text`, its class first, and the place of its delimiter."""
    found: list[tuple[int, int, int]] = []
    value: tuple[int, int] | None = None
    for token in _TOKEN.finditer(text):
        if token[0] in (",", ";"):
            found.append((*(value or (token.start(), token.start())), token.start()))
            value = None
            if token[0] == ";":
                break
        elif not token[0].startswith("!"):
            value = token.span()
    return found


def _same(kind: str | None, one: str, other: str) -> bool:
    """Whether two values of this kind are one. Of texts only equal ones are: "1" and "01" are two names."""
    if one == other:
        return True
    if kind not in ("number", "integer"):
        return False
    number = value_of(kind, one)
    return not isinstance(number, str) and number == value_of(kind, other)
