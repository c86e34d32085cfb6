"""Reads and writes a model as epJSON: what no edit touches is written as it was read, for EnergyPlus to judge.

Fields that are none of the class, such as a converter's `idf_order` or a `_comment`, stay: EnergyPlus passes over them.
"""

from __future__ import annotations

import json
import re
from typing import Any

from idfkit.objects import IDFObject
from idfkit.writers import EpJSONWriter

from epstudy.core.errors import InputError
from epstudy.engines.energyplus.model.document import ModelDocument

_TEXT_OR_COMMENT = re.compile(r'(?P<text>"(?:[^"\\]|\\.)*+")|//[^\n]*|/\*.*?\*/', re.DOTALL)

Document = Any  # an idfkit.IDFDocument
Schema = Any  # an idfkit.EpJSONSchema


def read_epjson(content: bytes, schema: Schema, version: tuple[int, int, int]) -> ModelDocument:
    """Return the model in `content` as a document of this version.

    Raises
    ------
    InputError
        When it is none; EnergyPlus' names of classes have one spelling here.
    ValueError
        When it is no JSON, or not in UTF-8.
    """
    said = parsed(content)
    if not isinstance(said, dict) or not said:
        raise InputError("is no model that can be read: it holds no object")
    document = ModelDocument(version=version, schema=schema)
    for object_class, objects in said.items():
        if schema.resolve_type_name(object_class) != object_class:
            raise InputError(
                f'is no model that can be read: "{object_class}" is no class of EnergyPlus '
                f"{'.'.join(map(str, version[:2]))}" + _spelled(schema, object_class)
            )
        for name, fields in (objects if isinstance(objects, dict) else {"": objects}).items():
            if not isinstance(fields, dict):
                raise InputError(
                    f'is no model that can be read: {object_class} "{name}" is {str(fields)[:100]!r}; expected fields'
                )
            document.take(new_object(schema, object_class, name, fields))
    return document


def parsed(content: bytes) -> Any:
    """Return the JSON in `content`; comments of C, which EnergyPlus passes over, may stand between its values.

    Raises
    ------
    ValueError
        When it is no JSON, or not in UTF-8.
    """
    text = content.decode("utf-8-sig")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return json.loads(_TEXT_OR_COMMENT.sub(lambda found: found["text"] or " ", text))


def write_epjson(document: Document) -> bytes:
    """Return `document` as epJSON: what was read from one as it was, all else in the spelling that EnergyPlus wants."""
    written = EpJSONWriter(document).to_dict()
    for object_class, collection in document.collections.items():
        there = written.get(object_class, {})
        if object_class != "Version" and len(there) == len(collection):  # one without a name has its key by its place
            for key, one in zip(there, collection, strict=True):
                if one.source_text == "":  # as it was read; of an IDF it is the object's text, and not epJSON
                    there[key] = one.data
    return json.dumps(written, indent=2).encode()


def new_object(schema: Schema, object_class: str, name: str, fields: dict[str, Any]) -> IDFObject:
    """Return an object of a class with these fields; it belongs to no document yet."""
    cache = schema.get_parsing_cache(object_class)
    one = IDFObject(
        object_class,
        name if cache.has_name else "",
        dict(fields),
        cache.obj_schema,
        field_order=list(cache.field_names if cache.has_name else cache.all_field_names),
        ref_fields=cache.ref_fields,
        extensibles=frozenset(cache.ext_field_names),
        wrapper_key=cache.ext_wrapper_key,
        ext_inner_names=tuple(cache.ext_inner_props),
    )
    object.__setattr__(one, "_source_text", "")  # as idfkit marks what was not changed since it was read
    return one


def _spelled(schema: Schema, object_class: str) -> str:
    right = schema.resolve_type_name(object_class)
    return f'; did you mean "{right}"?' if right else "; an epJSON holds classes and nothing else"
