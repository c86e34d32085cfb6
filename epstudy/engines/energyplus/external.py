"""Files that a model refers to: found, named by content, and put beside the model for its run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from epstudy.core.canonical import content_digest
from epstudy.engines.energyplus.model import Document, objects_of

#: Class and field of every reference to a data file, from the 25.2 schema and its Input Output Reference.
REFERENCES = (
    ("Schedule:File", "file_name"),
    ("Schedule:File:Shading", "file_name"),
    ("Construction:WindowDataFile", "file_name"),
    ("Table:Lookup", "external_file_name"),
    ("Table:IndependentVariable", "external_file_name"),
    ("Coil:DX:ASHRAE205:Performance", "representation_file_name"),
    ("Chiller:Electric:ASHRAE205", "representation_file_name"),
)


@dataclass(slots=True)
class ExternalFiles:
    """The external files of a model: `staged` maps the path in the model to the name in the store."""

    staged: dict[str, str] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def find_external_files(document: Document, folder: Path) -> ExternalFiles:
    """Read every file that the model in `folder` refers to. What is missing or outside the folder is a problem."""
    found = ExternalFiles()
    for object_class, name in REFERENCES:
        for one in objects_of(document, object_class):
            said = getattr(one, name, None)
            if said:
                _stage(found, folder, str(said), f'{object_class} "{one.name}"')
    return found


def _stage(found: ExternalFiles, folder: Path, said: str, who: str) -> None:
    parts = PurePosixPath(said.replace("\\", "/"))
    if parts.is_absolute() or PureWindowsPath(said).drive or ".." in parts.parts:
        found.problems.append(
            f'{who} refers to "{said}", outside the model\'s folder; put it beside the model and name it from there'
        )
        return
    path = folder / parts
    try:
        content = path.read_bytes()
    except OSError as error:
        found.problems.append(f'{who} refers to "{said}", which cannot be read: {error.strerror or error}')
        return
    name = content_digest(content) + path.suffix
    found.staged[str(parts)] = name
    found.contents[name] = content
