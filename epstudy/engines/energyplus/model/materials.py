"""Layers: the materials of a model, and new ones made of properties, under names that come from their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idfkit import validate_object
from idfkit.objects import IDFObject

from epstudy.core.canonical import digest, folded
from epstudy.core.errors import InputError
from epstudy.engines.energyplus.model.model import Document, ends_a_field, named, nearest, some, spelled

#: What a property is when the schema demands it and nobody gives it. A change of these changes results.
DEFAULTS = {"roughness": "MediumRough", "optical_data_type": "SpectralAverage"}

_NAME_LENGTH = 80  # EnergyPlus reads 100 characters of a name; the rest is for the digits of the content
#: How many digits of the content a name may have: more than the first only where the model has that name already.
DIGITS = range(6, 65, 2)


@dataclass(frozen=True, slots=True)
class Layer:
    """A material: its name, class and fields; `is_new` when the model does not have it yet."""

    name: str
    object_class: str
    fields: Mapping[str, Any]
    is_new: bool = False

    @property
    def glazed(self) -> bool:
        """Whether it belongs into a window."""
        return self.object_class.startswith("WindowMaterial:")


def material_classes(document: Document) -> list[str]:
    """Return the classes that a layer of a Construction may be of, the opaque ones first."""
    lists = document.schema.get_field_schema("Construction", "outside_layer")["object_list"]
    return [name for one in lists for name in document.schema.get_types_providing_reference(one)]


def materials_of(document: Document) -> dict[str, Layer]:
    """Return the materials of a model by their `folded` names."""
    return {
        folded(one.name): Layer(one.name, object_class, one.data)
        for object_class in material_classes(document)
        if object_class in document
        for one in document[object_class]
    }


def resolve_layer(document: Document, layer: str | Mapping[str, Any]) -> Layer:
    """Return the material that a layer of a parameter means: one of the model, or a new one.

    A name that the model has brings the properties that are not given. A new material is named by its content, so that
    it never stands in the place of another: "Mineral wool 3f2a91".

    Raises
    ------
    InputError
        When the model has no such material, a property is unknown, missing or out of the schema's range.
    """
    materials = materials_of(document)
    if isinstance(layer, str):
        found = named(materials, layer)
        if found is None:
            names = [one.name for one in materials.values()]
            raise InputError(
                f'the model has no material "{layer}"'
                + (nearest(layer, names) or f"; it has {some(names)}")
                + "; a new one needs its properties"
            )
        return found
    name = str(layer.get("name", ""))
    given = {key: value for key, value in layer.items() if key not in ("name", "class")}
    known = named(materials, name)
    object_class = _class_of(document, layer, given, known)
    kept = dict(known.fields) if known is not None and known.object_class == object_class else {}
    fields = {key: value for key, value in kept.items() if value not in (None, "")}
    fields |= {key: _as_schema(document, object_class, key, value) for key, value in given.items()}
    for key in document.schema.get_required_fields(object_class):
        if key in DEFAULTS:
            fields.setdefault(key, DEFAULTS[key])
    _check(document, Layer(name or object_class, object_class, fields))
    if known is not None and _same(document, known, Layer(name, object_class, fields)):
        return known
    return _new(document, Layer(name or object_class.rpartition(":")[2], object_class, fields))


def reversed_layer(document: Document, layer: Layer) -> Layer:
    """Return the material as it is seen from the other side: a glass with its front at the back, any other itself."""
    if layer.object_class != "WindowMaterial:Glazing":
        return layer
    turned = Layer(layer.name, layer.object_class, {_other_side(name): value for name, value in layer.fields.items()})
    return layer if _same(document, layer, turned) else _new(document, turned)


def add_layer(document: Document, layer: Layer) -> None:
    """Put a new material into the model, in place."""
    if layer.is_new and folded(layer.name) not in materials_of(document):
        document.add(layer.object_class, layer.name, dict(layer.fields), validate=False)


def content_name(base: str, content: Any, length: int) -> str:
    """Return `base` with the first digits of the digest of `content`: equal content, equal name."""
    return f"{base[:_NAME_LENGTH].strip()} {digest(content)[:length]}"


def _new(document: Document, layer: Layer) -> Layer:
    """The material under a name that no other material of the model has."""
    materials = materials_of(document)
    content = [layer.name.casefold(), layer.object_class, _effective(document, layer)]
    for length in DIGITS:
        new = Layer(content_name(layer.name, content, length), layer.object_class, layer.fields, is_new=True)
        other = materials.get(folded(new.name))
        if other is None or _same(document, other, new):
            return other or new
    raise InputError(f'the model has other materials under every name for the new "{layer.name}"; name it otherwise')


def _class_of(document: Document, layer: Mapping[str, Any], given: Mapping[str, Any], known: Layer | None) -> str:
    """The class that a layer says, or that its name has in the model, or that its properties fit best."""
    classes = material_classes(document)
    if "class" in layer:
        found = next((name for name in classes if name.casefold() == str(layer["class"]).casefold()), None)
        if found is None:
            raise InputError(
                f'{_who(layer)}: "{layer["class"]}" is no class of materials'
                + (nearest(str(layer["class"]), classes) or f"; there are {', '.join(classes)}")
            )
    elif known is not None and not _unknown(document, known.object_class, given):
        found = known.object_class
    else:
        found = min(classes, key=lambda name: (len(_unknown(document, name, given)), classes.index(name)))
    unknown = _unknown(document, found, given)
    if unknown:
        fields = document.schema.get_field_names(found)
        near = nearest(unknown[0], fields) or f"; it has {some(fields)}"
        raise InputError(f'{_who(layer)}: "{unknown[0]}" is no property of {found}{near}')
    return found


def _unknown(document: Document, object_class: str, given: Mapping[str, Any]) -> list[str]:
    fields = document.schema.get_field_names(object_class)
    return [name for name in given if name not in fields]


def _check(document: Document, layer: Layer) -> None:
    """Raise what the schema has against a material, in its words, all of it."""
    texts = [layer.name, *layer.fields.values()]
    said = [f"{text!r} holds a sign that ends a field of an IDF" for text in texts if ends_a_field(document, text)]
    issues = validate_object(IDFObject(layer.object_class, layer.name, dict(layer.fields)), document.schema)
    for issue in sorted(issues, key=lambda issue: str(issue.field)):
        units = (document.schema.get_field_schema(layer.object_class, issue.field) or {}).get("units")
        message = str(issue.message).removesuffix(".")
        said.append(
            message
            if "missing" in message
            else f"{issue.field}: {message}" + (f" {units}" if units and "Value" in message else "")
        )
    if said:
        mass = layer.object_class == "Material" and "thermal_resistance" not in layer.fields
        hint = "; a layer without mass has thermal_resistance instead" if mass and "missing" in "".join(said) else ""
        raise InputError(f'{layer.object_class} "{layer.name}": {", ".join(said)}{hint}')


def _as_schema(document: Document, object_class: str, name: str, value: Any) -> Any:
    """A property as the schema spells it: "rough" is "Rough", 2.0 of an integer field is 2."""
    allowed = (document.schema.get_field_schema(object_class, name) or {}).get("enum", [])
    spellings = {str(one).casefold(): one for one in allowed}
    return spellings.get(value.casefold(), value) if isinstance(value, str) else spelled(value)


def _same(document: Document, one: Layer, other: Layer) -> bool:
    return one.object_class == other.object_class and _effective(document, one) == _effective(document, other)


def _effective(document: Document, layer: Layer) -> dict[str, Any]:
    """Every field of a material as EnergyPlus takes it: blanks by the schema's default, texts without case."""
    values = {}
    for name in document.schema.get_field_names(layer.object_class):
        value = layer.fields.get(name)
        if value in (None, ""):
            value = document.schema.get_field_default(layer.object_class, name)
        values[name] = folded(value) if isinstance(value, str) else value
    return {name: value for name, value in values.items() if value not in (None, "")}


def _other_side(name: str) -> str:
    if "front_side" in name:
        return name.replace("front_side", "back_side")
    return name.replace("back_side", "front_side")


def _who(layer: Mapping[str, Any]) -> str:
    return f'layer "{layer["name"]}"' if "name" in layer else "a layer"
