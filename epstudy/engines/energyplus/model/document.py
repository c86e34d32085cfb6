"""The document of a model: idfkit's, except that it keeps names apart as EnergyPlus does, and is copied cheaply.

EnergyPlus takes objects of a class whose names differ by case, or by letters beyond ASCII, and leaves it to the class
to refuse them; idfkit takes one name for the other. What an edit adds under a name that is there is still refused.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import idfkit
from idfkit.cst import CSTNode, DocumentCST
from idfkit.objects import IDFCollection, IDFObject

#: How the classes of HVACTemplate objects begin, casefolded.
TEMPLATE = "hvactemplate:"

IDFDocument: Any = idfkit.IDFDocument  # typed as a dict of its classes, it cannot be inherited from


class Names(IDFCollection[Any]):
    """The objects of a class; those whose names idfkit takes for one stand beside each other."""

    def take(self, one: IDFObject) -> None:
        """Add an object that the model has, whatever its name."""
        if one.name and one.name.upper() in self.by_name:
            self._items.append(one)  # found by position, and by whoever looks at all of them
        else:
            self.add(one)

    def remove(self, obj: IDFObject) -> None:
        """Remove this very object, not one that is equal to it."""
        key = obj.name.upper() if obj.name else ""
        if self.by_name.get(key) is obj:
            del self.by_name[key]
        self._items[:] = [one for one in self._items if one is not obj]


class ModelDocument(IDFDocument):  # type: ignore[misc]
    """A model as an idfkit document that knows the text it was read from.

    The text is not where idfkit keeps one (`_cst`): it would go through all of it for every object that is removed.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.tree: DocumentCST | None = None
        self.origins: dict[int, tuple[IDFObject, IDFObject]] = {}  # of a copy: its objects by id, and their originals
        self.text: str | None = None

    @property
    def cst(self) -> DocumentCST | None:
        """The text the model was read from, by object; None for one that came as epJSON."""
        return self.tree

    @property
    def raw_text(self) -> str | None:
        """The text the model was read from."""
        return self.text

    def take(self, one: IDFObject) -> None:
        """Add an object that the model has, whatever its name."""
        object.__setattr__(one, "_document", self)
        collection = self.collections.get(one.obj_type)
        if collection is None:
            collection = self.collections[one.obj_type] = Names(one.obj_type)
        collection.take(one)
        self._index_object_references(one)

    def copy(self) -> ModelDocument:
        """Return an independent copy that writes the same text."""
        copied = ModelDocument(version=self.version, schema=self.schema, filepath=self.filepath, strict=self.strict)
        twins: dict[int, IDFObject] = {}
        for object_class, collection in self.collections.items():
            copied.collections[object_class] = Names(object_class)
            for one in collection:
                twins[id(one)] = twin = _twin(one)
                copied.take(twin)
                copied.origins[id(twin)] = (twin, one)
        if self.tree is not None:
            nodes = [
                CSTNode(node.text, twins.get(id(node.obj)))
                for node in self.tree.nodes
                if node.obj is None or id(node.obj) in twins  # without the text of what was removed
            ]
            copied.tree = DocumentCST(nodes, self.tree.encoding)
        copied.text = self.text
        return copied

    def is_as_copied(self, one: IDFObject) -> bool:
        """Say whether an object of a copy is what it was copied from, also after somebody wrote into its `data`."""
        _, origin = self.origins.get(id(one), (None, None))
        return origin is not None and origin.name == one.name and origin.data == one.data

    def changes(self) -> dict[str, int]:
        """Return how many objects of each class are new, gone or other than in what this is a copy of."""
        there = [one for collection in self.collections.values() for one in collection]
        new = [one.obj_type for one in there if not self.is_as_copied(one)]
        alive = {id(one) for one in there}
        gone = [one.obj_type for place, (_, one) in self.origins.items() if place not in alive]
        return dict(Counter([*new, *gone]))


def _twin(one: IDFObject) -> IDFObject:
    data = {
        name: [dict(item) if isinstance(item, dict) else item for item in value] if isinstance(value, list) else value
        for name, value in one.data.items()
    }
    twin = IDFObject(
        one.obj_type,
        one.name,
        data,
        one.schema_dict,
        field_order=one.field_order,
        ref_fields=one._ref_fields,
        extensibles=one._extensibles,
        wrapper_key=one._wrapper_key,
        ext_inner_names=one._ext_inner_names,
    )
    object.__setattr__(twin, "_source_text", one.source_text)
    return twin


def template_classes(document: Any) -> list[str]:
    """Return the HVACTemplate classes that the document has objects of, sorted."""
    return sorted(name for name in document if name.casefold().startswith(TEMPLATE) and len(document[name]))


def needs_expansion(document: Any) -> bool:
    """Say whether the document has HVACTemplate objects, which EnergyPlus itself does not simulate."""
    return bool(template_classes(document))
