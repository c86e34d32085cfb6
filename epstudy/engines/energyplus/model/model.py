"""Models: read them, find what a target names, apply edits, write them. Built on idfkit documents."""

from __future__ import annotations

import fnmatch
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import idfkit

from epstudy.core.canonical import folded
from epstudy.core.errors import InputError
from epstudy.core.parameter import split_target
from epstudy.core.text import did_you_mean, near_names
from epstudy.engines.energyplus.model.document import template_classes
from epstudy.engines.energyplus.model.epjson import parsed, read_epjson, write_epjson
from epstudy.engines.energyplus.model.fields import Place, as_number, field_names, find_place, refusal, unnumbered
from epstudy.engines.energyplus.model.idf_reader import read_idf, statements
from epstudy.engines.energyplus.model.idf_text import write_preserved

Document = Any  # an idfkit.IDFDocument: its own generics say nothing that helps here
ModelObject = Any
Thing = TypeVar("Thing")

logging.getLogger("idfkit").setLevel(logging.ERROR)  # what it logs as warnings, check() says better


@dataclass(frozen=True, slots=True)
class Match:
    """What a target names in a model: the class and field as EnergyPlus spells them, and the objects.

    `field` is the field's name in the schema, or the flat name of a field of one item, such as `vertex_2_z_coordinate`;
    only `read`, `write` and `values` reach both.
    """

    object_class: str
    pattern: str
    field: str
    objects: tuple[ModelObject, ...]
    place: Place
    spelling: str

    @property
    def canonical(self) -> str:
        """The target in one spelling, for keys."""
        return f"{self.object_class}/{self.spelling}/{self.field}"

    @property
    def units(self) -> str | None:
        """The unit of the field, where the schema states one."""
        units = self.place.schema.get("units")
        return None if units is None else str(units)

    @property
    def refers(self) -> bool:
        """Whether the field holds the name of another object."""
        return self.place.refers

    def values(self) -> list[Any]:
        """Return what each object has there, in the order of `objects`; None where that is nothing."""
        return [self.read(one) for one in self.objects]

    def read(self, one: ModelObject) -> Any:
        """Return what an object of the class has there; None when that is nothing."""
        return self.place.read(one)

    def write(self, one: ModelObject, value: Any) -> None:
        """Put `value` there, in place and as it is; None clears it."""
        self.place.write(one, value)

    def refusals(self) -> list[tuple[ModelObject, str]]:
        """What the schema has against the values that fields of items have now; of other fields idfkit tells that."""
        if not self.place.wrapper:
            return []
        said = [
            (one, refusal(self.place.schema, value))
            for one, value in zip(self.objects, self.values(), strict=True)
            if value not in (None, "")
        ]
        return [(one, text) for one, text in said if text]


_SIZED = ("autosize", "autocalculate")


def warm(version: tuple[int, int, int]) -> None:
    """Load the schema of this version, which the first model would wait for."""
    idfkit.get_schema(version)


def load(content: bytes, suffix: str, version: tuple[int, int, int] | None = None) -> Document:
    """Return the model in `content` as a document that writes back its own text wherever nothing was changed.

    `version` is for a model that states none: EnergyPlus takes that for one of its own version.

    Raises
    ------
    InputError
        When it is no EnergyPlus model that can be read.
    """
    if _is_utf_16(content):
        raise InputError(
            "is no model that can be read: it is UTF-16 text, which EnergyPlus does not read; save it as UTF-8"
        )
    stated = version_of(content)
    if stated is not None:
        version = (*stated, 0)
    if version is None:
        raise InputError(
            "is no model that can be read: it states no version; add the object Version, as `Version,25.2;`"
        )
    try:
        schema = idfkit.get_schema(version)
        if suffix.lower() == ".epjson":
            return read_epjson(content, schema, version)
        return read_idf(text_of(content), _encoding(content), schema, version)
    except InputError:
        raise
    except (idfkit.IdfKitError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        reason = str(error).splitlines()
        raise InputError(f"is no model that can be read: {reason[0] if reason else type(error).__name__}") from error


def version_of(content: bytes) -> tuple[int, int] | None:
    """Return major and minor version that a model states, without reading all of an IDF; None if it does not."""
    said = ""
    try:
        if content.lstrip(b" \t\r\n\xef\xbb\xbf").startswith((b"{", b"//", b"/*")):
            of_version = parsed(content).get("Version") or {}
            said = next((str(one.get("version_identifier")) for one in of_version.values()), "")
        else:
            found = statements(content.decode("latin-1").removeprefix("ï»¿"))
            said = next((one.fields[1] for one in found if one.object_class.casefold() == "version"), "")
    except (InputError, ValueError, AttributeError, RecursionError):
        return None
    number = re.match(r"(\d+)\.(\d+)", said)
    return (int(number[1]), int(number[2])) if number else None


def write(document: Document, suffix: str) -> bytes:
    """Return `document` as the content of a file of that kind; IDF stays IDF, for the order of objects is theirs."""
    if suffix.lower() == ".epjson":
        return write_epjson(document)
    text = str(idfkit.write_idf(document)) if document.cst is None else write_preserved(document)
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
            + nearest(wanted_class, document.keys(), document.schema.object_types)
        )
    objects = tuple(document[object_class]) if object_class in document else ()
    if not objects:
        raise InputError(
            f'"{target}" matches nothing: the model has no {object_class} object'
            + nearest(wanted_class, [name for name in document if document[name]])
        )
    chosen = matching(objects, pattern)
    if not chosen:
        names = [label_of(one) for one in objects]
        raise InputError(
            f'"{target}" matches none of the {len(objects)} {object_class} objects: no "{pattern}"'
            + (nearest(pattern, names) or f"; there are {some(names)}")
        )
    place = find_place(document.schema, object_class, wanted_field)
    if place is None:
        raise InputError(
            f'"{target}" names no field of {object_class}{_nearest_field(document, object_class, wanted_field)}'
        )
    missing = [(one, text) for one in chosen if (text := place.missing_in(one, place.name))]
    if missing:
        one, text = missing[0]
        more = f", and {len(missing) - 1} more have no such item either" if len(missing) > 1 else ""
        raise InputError(f'"{target}": {object_class} "{label_of(one)}" {text}{more}')
    return Match(object_class, pattern, place.name, chosen, place, one_spelling(objects, pattern))


def apply_edits(document: Document, edits: Iterable[Mapping[str, Any]]) -> None:
    """Apply edits in their order, in place.

    Raises
    ------
    InputError
        When an edit names what the model does not have, or is of no known kind.
    """
    for edit in edits:
        target = edit.get("set") or edit.get("scale")
        if target is None:
            raise InputError(f"the edit {dict(edit)!r} is of no kind that this version of epstudy knows")
        apply_edit(find(document, target), edit)


def apply_edit(match: Match, edit: Mapping[str, Any]) -> None:
    """Do what an edit says to what its target named, in place.

    Raises
    ------
    InputError
        When the objects refuse it, or the edit is of no known kind.
    """
    if set(edit) == {"set", "to"}:
        set_field(match, edit["to"])
    elif set(edit) == {"scale", "by"}:
        scale_field(match, edit["by"])
    else:
        raise InputError(f"the edit {dict(edit)!r} is of no kind that this version of epstudy knows")


def forget_text(document: Document) -> None:
    """Have every object written from its values, after somebody else had the document in hand.

    idfkit notices an attribute that is set, and not what is put into `data`; it would write the old text. Of a copy
    only what differs from the original is written anew.
    """
    is_as_copied = getattr(document, "is_as_copied", lambda _: False)
    for one in document.all_objects:
        if one.source_text is not None and not is_as_copied(one):
            one._source_text = None


def set_field(match: Match, value: Any) -> None:
    """Set the field of every matched object, in place.

    Raises
    ------
    InputError
        When the value is a text that no IDF can hold, or a number where a schedule has "Until: 07:00" or so.
    """
    if any(ends_a_field(one.theidf, value) for one in match.objects[:1]):
        raise InputError(f"the level {value!r} holds a sign that ends a field of an IDF")
    for one in match.objects:
        before = match.read(one)
        if match.object_class == "Schedule:Compact" and match.place.wrapper:
            _check_schedule_item(match, one, before, value)
        match.write(one, _sized(match.place.schema, spelled(value)))


def scale_field(match: Match, factor: float) -> None:
    """Multiply the field of every matched object, in place.

    Raises
    ------
    InputError
        When an object has no number there.
    """
    for one in match.objects:
        before = match.read(one)
        number = as_number(before)
        if number is None:
            raise InputError(
                f'{match.object_class} "{label_of(one)}" has {before or "nothing"!r} in {match.field}: there is no '
                "number to scale; name the objects that have one, or set it with ep.Field"
            )
        match.write(one, spelled(number * factor))


def ends_a_field(document: Document, text: Any) -> bool:
    """Say whether a text would end its field, or its object, where the model is written; an epJSON holds more."""
    return isinstance(text, str) and any(sign in text for sign in (",;!\n\r" if is_idf(document) else "\n\r"))


def is_idf(document: Document) -> bool:
    """Say whether the model runs as IDF: it came as one, or its templates are expanded to one."""
    return document.cst is not None or bool(template_classes(document))


def spelled(value: Any) -> Any:
    """Return a level as a model writes it: whole numbers without a point, so that an integer field stays one.

    A text of blanks alone is none.
    """
    if isinstance(value, str) and not value.strip():
        return ""
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


def matching(objects: tuple[ModelObject, ...], pattern: str) -> tuple[ModelObject, ...]:
    """Return the objects of a name, or of a glob where no name is spelled like that; case does not matter.

    EnergyPlus tells no case of A to Z; of names that differ by that of other letters, or by "ss" for "ß", the one is
    meant that is spelled so.
    """
    for spelled_as in (folded, str.casefold):
        wanted = spelled_as(pattern)
        labels = [spelled_as(label_of(one).strip()) for one in objects]
        # Names first, for they may hold the signs of a glob: "Zone [1]".
        exact = tuple(one for one, label in zip(objects, labels, strict=True) if label == wanted)
        found = exact or tuple(
            one for one, label in zip(objects, labels, strict=True) if fnmatch.fnmatchcase(label, wanted)
        )
        if found:
            return found
    return ()


def one_spelling(objects: tuple[ModelObject, ...], pattern: str) -> str:
    """Return a name or glob in the spelling that keys have: in small letters, unless that means other objects."""
    meant = [*map(id, matching(objects, pattern))]
    small = pattern.casefold()
    return small if [*map(id, matching(objects, small))] == meant else folded(pattern)


def named(things: Mapping[str, Thing], name: str) -> Thing | None:
    """Return what a name means among things by their `folded` names; see `matching`. None when it means nothing."""
    exact = things.get(folded(name))
    wanted = name.casefold()
    return exact if exact is not None else next((one for key, one in things.items() if key.casefold() == wanted), None)


def label_of(one: ModelObject) -> str:
    """Return what a target calls an object: its name, or where its class has none, the object that it is for.

    So `Sizing:Zone/Core_ZN/...` names the sizing of that zone.
    """
    if one.name:
        return str(one.name)
    field, value = next(iter(one.data.items()), ("", ""))
    return str(value) if field and one.theidf.schema.is_reference_field(one.obj_type, field) else ""


def nearest(wanted: str, *pools: Iterable[str]) -> str:
    """'; did you mean …?' with the nearest name of the first pool that has one."""
    for pool in pools:
        names = list(dict.fromkeys(pool))
        folded = wanted.casefold()
        close = near_names(wanted, names, count=3)
        close = close or [name for name in names if len(folded) > 2 and folded in name.casefold()][:3]
        close = close or near_names(wanted, names, cutoff=0.4)
        if close:
            return f"; {did_you_mean(close)}"
    return ""


def text_of(content: bytes) -> str:
    """Return the text of a model: UTF-8 where the bytes are that, else Latin-1, which EnergyPlus' own files are in."""
    return content.decode(_encoding(content))


def some(names: list[str]) -> str:
    """Return the first names as a text, and how many more there are."""
    shown = ", ".join(names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _sized(schema: Mapping[str, Any], value: Any) -> Any:
    """The word of a field for a size that EnergyPlus finds; in an IDF it takes "autocalculate" for "Autosize" too."""
    if not isinstance(value, str) or value.strip().casefold() not in _SIZED:
        return value
    words = [str(word) for one in schema.get("anyOf", ()) for word in one.get("enum", ())]
    return next((word for word in words if word.casefold() in _SIZED), value)


def _is_utf_16(content: bytes) -> bool:
    beginning = content[:1000]
    return beginning.startswith((b"\xff\xfe", b"\xfe\xff")) or 0 < len(beginning) < 4 * beginning.count(0)


def _encoding(content: bytes) -> str:
    """UTF-8 where the bytes are that, else Latin-1, which EnergyPlus' own files are in: names are found as typed."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _nearest_field(document: Document, object_class: str, wanted: str) -> str:
    """The end of "names no field of …": what was wanted, and what there is."""
    first = unnumbered(document.schema, object_class, wanted)
    if first:
        return f': "{wanted}" stands for many; say which, as in "{first}"'
    known = field_names(document.schema, object_class)
    return f': "{wanted}"' + (nearest(wanted, known) or f"; its fields are {some(known)}")


def _check_schedule_item(match: Match, one: ModelObject, before: Any, value: Any) -> None:
    """A number in the place of "Until: 07:00", or a text in that of a number, would shift the whole schedule."""
    if (as_number(before) is None) != (as_number(value) is None):
        what = "a number" if as_number(before) is None else "a text"
        raise InputError(
            f'Schedule:Compact "{one.name}" has {before!r} in {match.field}, the level {value!r} is {what}; '
            "count the fields as the IDF editor does: values follow each Until"
        )
