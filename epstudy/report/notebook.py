"""The notebook of a report: what it holds before it is executed, and which parameters it has."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epstudy.core.canonical import content_digest
from epstudy.core.errors import InputError
from epstudy.core.extras import require

if TYPE_CHECKING:
    from nbformat import NotebookNode

#: The tag of the cells that are added to a report.
TAG = "epstudy-report"
_TAG = "parameters"
_OF_A_REPORT = {TAG, "injected-parameters"}  # the other one is papermill's


@dataclass(frozen=True)
class Source:
    """A notebook as it was found: its path, what it holds, the SHA-256 of its file.

    `parameters` are the names that its cell with the tag "parameters" assigns, each with the value as written there;
    None when there is no such cell.
    """

    path: Path
    notebook: NotebookNode
    digest: str
    parameters: Mapping[str, str] | None

    @property
    def title(self) -> str:
        """The first heading, else the name of the file."""
        for cell in self.notebook.cells:
            if cell.cell_type == "markdown" and cell.source.lstrip().startswith("# "):
                return str(cell.source.lstrip().partition("\n")[0].removeprefix("# ").strip())
        return self.path.stem

    def own_value(self, name: str) -> Any:
        """The notebook's own value of a parameter; None when it is None, is computed, or there is none."""
        try:
            return ast.literal_eval((self.parameters or {})[name])
        except (KeyError, ValueError, SyntaxError):
            return None

    def computed_from(self, name: str) -> set[str]:
        """The names that the notebook's own value of a parameter is computed from."""
        try:
            value = ast.parse((self.parameters or {})[name], mode="eval")
        except (KeyError, SyntaxError):
            return set()
        return {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}


def read_source(path: Path) -> Source:
    """Return the notebook at `path`.

    Raises
    ------
    InputError
        When there is none, the file is no notebook or an executed report, or its language is not Python.
    """
    require("nbformat", "papermill")

    import nbformat

    try:
        content = path.read_bytes()
        notebook = nbformat.reads(content.decode(), as_version=4)
        nbformat.validate(notebook)
    except FileNotFoundError:
        near = sorted(one.name for one in path.absolute().parent.glob("*.ipynb"))
        raise InputError(
            f"there is no notebook {path}" + (f"; its folder has {', '.join(near)}" if near else "")
        ) from None
    except OSError as error:
        raise InputError(f"the notebook {path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # nbformat lets through what the file's JSON happens to break
        raise InputError(f"{path} is no notebook: {str(error).partition(chr(10))[0]}") from error
    if any(_OF_A_REPORT & set(cell.metadata.get("tags", [])) for cell in notebook.cells):
        raise InputError(f"{path} is an executed report; give the notebook it was made from")
    language = notebook.metadata.get("kernelspec", {}).get("language", "python")
    if language != "python":
        raise InputError(f"{path} is a notebook in {language}; a report is one in Python")
    return Source(path.absolute(), notebook, content_digest(content), _parameters(notebook))


def _parameters(notebook: NotebookNode) -> dict[str, str] | None:
    """Name and value, as it is written, of each parameter; None without a cell of parameters."""
    tagged = [cell.source for cell in notebook.cells if _TAG in cell.metadata.get("tags", [])]
    if not tagged:
        return None
    try:
        return _assigned(tagged[0])
    except (SyntaxError, ValueError):  # such as a magic of IPython
        return _assigned_by_papermill(notebook)


def _assigned(code: str) -> dict[str, str]:
    """What a cell assigns to names, as it is written there, or in one line where it takes several."""
    found: dict[str, str] = {}
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            written = ast.get_source_segment(code, statement.value) or ""
            value = written if "\n" not in written else ast.unparse(statement.value)
            found |= {target.id: value for target in targets if isinstance(target, ast.Name)}
    return found


def _assigned_by_papermill(notebook: NotebookNode) -> dict[str, str]:
    import papermill

    seen: Any = copy.deepcopy(notebook)
    seen.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return {name: str(found["default"]) for name, found in papermill.inspect_notebook(seen).items()}
