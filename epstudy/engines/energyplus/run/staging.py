"""From recipe and edits to the folder of a run: the edited model, the files it refers to, EnergyPlus' arguments.

This runs in the warm process: the user's own code, and whatever a model makes a parser do, is supervised there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from epstudy.core.canonical import canonical
from epstudy.core.errors import InputError
from epstudy.engines.energyplus.installation import find_installation
from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.model.document import needs_expansion
from epstudy.engines.energyplus.model.external import rewrite
from epstudy.engines.energyplus.model.templates import expand
from epstudy.engines.energyplus.outputs import long_runs, scalars
from epstudy.engines.energyplus.run import edits, measures


def stage(order: Mapping[str, Any]) -> list[str]:
    """Write the model of an order and link its files into the order's folder; return EnergyPlus' arguments.

    An order is plain JSON: `folder`, `recipe`, `edits`, `sources`, `outputs`, `keep`, `allow_code` of a run, and
    `inputs`, the local path of each input file by its name.

    Raises
    ------
    InputError
        When the edits cannot be applied, or the user's own code fails or may not run here.
    """
    recipe, inputs, folder = order["recipe"], order["inputs"], Path(order["folder"])
    path = Path(inputs[recipe["model"]])
    wanted = canonical([order["outputs"], order["keep"], recipe.get("rewrites", [])])
    document = _base(path, inputs.get(recipe.get("ddy")), recipe["period"], wanted).copy()
    material = edits.Material(
        read=lambda name: Path(inputs[name]).read_bytes(),
        function=measures.functions(order["sources"], order["allow_code"]),
    )
    edits.apply(document, order["edits"], material)
    days = edits.annual_days_of(recipe, order["edits"])
    measured = any("measure" in edit for edit in order["edits"])
    if measured or days:
        scalars.set_period(document, recipe["period"], days)  # whatever the user's code asked for
    if measured or long_runs.is_long(document):
        scalars.ask(document, order["outputs"], order["keep"])
    content, name = model.write(document, path.suffix), f"in{path.suffix}"
    if needs_expansion(document):
        content, name = expand(content, find_installation(), folder), "in.idf"
    (folder / name).write_bytes(content)
    _link(folder, recipe["external"], inputs)
    weather = edits.weather_of(recipe, order["edits"])
    return ["-d", str(folder), *(["-w", inputs[weather]] if weather else []), str(folder / name)]


@lru_cache(maxsize=4)
def _base(path: Path, ddy: str | None, period: str, wanted: str) -> model.Document:
    """The parsed base model, ready but for the edits. Paths in the store are named by content: never another model."""
    requests, keep, rewrites = json.loads(wanted)
    document = model.load(path.read_bytes(), path.suffix, find_installation().version)
    rewrite(document, rewrites)
    if ddy is not None:
        from epstudy.engines.energyplus.model.site import apply_site, site_from_ddy

        apply_site(document, site_from_ddy(Path(ddy).read_bytes()))
    scalars.set_period(document, period)
    scalars.ask(document, requests, keep)
    return document


def _link(folder: Path, external: Mapping[str, str], inputs: Mapping[str, str]) -> None:
    for relative, stored in external.items():
        target = folder / relative
        if not target.resolve().is_relative_to(folder.resolve()):
            raise InputError(f'the model refers to "{relative}", outside its folder')
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(inputs[stored])
