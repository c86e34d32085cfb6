"""Where a field lies in an object: by itself, or in one of the items of an extensible class; and its flat name.

An extensible class repeats a group of fields: the vertices of a surface, the values of a schedule. idfkit keeps them
as a list of items; a target names them flat, as the IDD and the IDF editor do: `vertex_2_z_coordinate`, `field_12`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Schema = Any  # an idfkit.EpJSONSchema
ModelObject = Any

_BOUNDS = {
    "minimum": (operator.lt, "is below minimum"),
    "exclusiveMinimum": (operator.le, "must be greater than"),
    "maximum": (operator.gt, "is above maximum"),
    "exclusiveMaximum": (operator.ge, "must be less than"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """One field of a class: its name in the one spelling that keys have, and the schema's words about it.

    `wrapper` is empty for a field of the object itself; else the field is `slot` in the item `index`, counted from 0,
    of the list `wrapper`, whose items are numbered from `first` in flat names.
    """

    name: str
    schema: Mapping[str, Any]
    wrapper: str = ""
    slot: str = ""
    index: int = 0
    first: int = 1

    @property
    def refers(self) -> bool:
        """Whether the field holds the name of another object."""
        return "object_list" in self.schema

    def read(self, one: ModelObject) -> Any:
        """Return what `one` has there; None when that is nothing."""
        if not self.wrapper:
            return one.data.get(self.name)
        items = one.data.get(self.wrapper) or []
        return items[self.index].get(self.slot) if self.index < len(items) else None

    def write(self, one: ModelObject, value: Any) -> None:
        """Set it in `one`, in place; None and "" clear it. What is there already is not written again."""
        if not self.wrapper:
            # By its position: idfkit 1.1 drops the "_" at the end of names such as "…_irradiance_taub_".
            one[one.field_order.index(self.name) + 1] = value
        elif self.read(one) != value:
            one[self.wrapper][self.index][self.slot] = value

    def missing_in(self, one: ModelObject, flat: str) -> str:
        """Why `one` has no such item, if it has none: "has 24 fields (field_1 to field_24); there is no field_99"."""
        if not self.wrapper:
            return ""
        slots = one.schema_dict["legacy_idd"]["extensibles"]
        count = len(one.data.get(self.wrapper) or [])
        if 0 <= self.index < count:
            return ""
        what = "field" if len(slots) == 1 else "group"
        there = " to ".join(_flat(slots, self.slot, number) for number in (self.first, self.first + count - 1))
        return f"has {count} {what}{'s' if count != 1 else ''}" + (
            f" ({there}); there is no {flat}" if count else f"; there is no {flat}"
        )


def find_place(schema: Schema, object_class: str, wanted: str) -> Place | None:
    """Return the field that `wanted` names in a class, as a name of the schema or as a flat name; None if none.

    The number of an item may stand between any two words of its name, and after the last: "Vertex 2 Z-coordinate",
    "vertex_z_coordinate_2". A name of the schema comes first: `layer_2` of a Construction is one.
    """
    spelled = spell(wanted)
    for name in _own_fields(schema, object_class):
        if spell(name) == spelled:
            return Place(name, schema.get_field_schema(object_class, name) or {})
    slots = schema.get_extensible_field_names(object_class)
    words = spelled.split("_")
    for at, word in enumerate(words):
        slot = "_".join(words[:at] + words[at + 1 :])
        if word.isdecimal() and slot in slots:
            first = _first_number(schema, object_class)
            cache = schema.get_parsing_cache(object_class)
            return Place(
                _flat(slots, slot, int(word)),
                cache.ext_inner_props[slot],
                cache.ext_wrapper_key,
                slot,
                int(word) - first,
                first,
            )
    return None


def field_names(schema: Schema, object_class: str) -> list[str]:
    """The names of all fields of a class but its name; of the items, those of the first."""
    slots = schema.get_extensible_field_names(object_class)
    first = _first_number(schema, object_class)
    return _own_fields(schema, object_class) + [_flat(slots, slot, first) for slot in slots]


def unnumbered(schema: Schema, object_class: str, wanted: str) -> str:
    """The flat name of the first item when `wanted` names a field of the items without saying of which; else ""."""
    slots = schema.get_extensible_field_names(object_class)
    slot = spell(wanted)
    return _flat(slots, slot, _first_number(schema, object_class)) if slot in slots else ""


def refusal(schema: Mapping[str, Any], value: Any) -> str:
    """What the schema of one field has against a value: "" when nothing. For items, which idfkit does not validate."""
    if "anyOf" in schema:
        said = [refusal(one, value) for one in schema["anyOf"]]
        of_type = [text for text in said if not text.startswith("Expected")]
        return "" if "" in said else (of_type or said)[0]
    kind = schema.get("type")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind in ("number", "integer") and not is_number:
        return f"Expected {kind}, got {type(value).__name__}"
    if kind == "string" and not isinstance(value, str):
        return f"Expected string, got {type(value).__name__}"
    if kind == "integer" and not float(value).is_integer():
        return f"Expected integer, got {value}"
    allowed = schema.get("enum")
    if isinstance(value, str) and allowed and value.casefold() not in {str(one).casefold() for one in allowed}:
        return f"Value '{value}' not in allowed values: {allowed}"
    return _out_of_range(schema, value) if is_number else ""


def as_number(value: Any) -> float | None:
    """Return a value as a number, also where a model holds it as text ("18.3"); None when it is no finite number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def spell(name: str) -> str:
    """Return a field's name as it is compared: "Vertex 2 Z-coordinate" is "vertex_2_z_coordinate"."""
    return re.sub(r"[^0-9a-z]+", "_", name.casefold()).strip("_")


def _out_of_range(schema: Mapping[str, Any], value: float) -> str:
    for word, (is_wrong, text) in _BOUNDS.items():
        if word in schema and is_wrong(value, schema[word]):
            return f"Value {value} {text} {schema[word]}"
    return ""


def _own_fields(schema: Schema, object_class: str) -> list[str]:
    return [name for name in schema.get_all_field_names(object_class) if name != "name"]


def _first_number(schema: Schema, object_class: str) -> int:
    """The number of the first item: more than 1 where the class has fields `wavelength_1` to `wavelength_4` before."""
    slots = schema.get_extensible_field_names(object_class)
    numbers = [0]
    for name in _own_fields(schema, object_class):
        words = name.split("_")
        numbers += [
            int(word)
            for at, word in enumerate(words)
            if word.isdecimal() and "_".join(words[:at] + words[at + 1 :]) in slots
        ]
    return max(numbers) + 1


def _flat(slots: list[str], slot: str, number: int) -> str:
    """The flat name of a field of an item, as the IDD mostly has it.

    The number stands after the words that all fields of the group begin with (`vertex_2_x_coordinate`), before "name"
    where a group is one name (`branch_2_name`), else at the end (`value_until_time_2`).
    """
    words = slot.split("_")
    same = 0
    groups = [one.split("_") for one in slots]
    while len(groups) > 1 and same < len(words) - 1 and len({tuple(one[: same + 1]) for one in groups}) == 1:
        same += 1
    if len(slots) == 1 and len(words) > 1 and words[-1] == "name":
        same = len(words) - 1
    at = same or len(words)
    return "_".join([*words[:at], str(number), *words[at:]])
