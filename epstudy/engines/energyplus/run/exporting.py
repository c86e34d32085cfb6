"""A variant as a folder that EnergyPlus runs by itself."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from epstudy.engines.energyplus.run.staging import stage

_README = """\
One variant of a parametric study, as EnergyPlus ran it.

  {model}       the variant's model, with the output requests that gave its numbers
  weather.epw   its weather file (if it has one)
  variant.json  parameters, edits, versions, and what became of it

With EnergyPlus {build} on the PATH, in this folder:

    {command}

Without an installation, by its Python package (pip install pyenergyplus-lbnl==25.2.0 holds 25.2.0-cf7368216c):

    python run.py

Other files beside the model are those that it refers to. Run it in this folder: their names are relative to it.
"""

_SCRIPT = """\
import sys

from pyenergyplus.api import EnergyPlusAPI

api = EnergyPlusAPI()
sys.exit(api.runtime.run_energyplus(api.state_manager.new_state(), {arguments}))
"""


def export(order: Mapping[str, Any]) -> str:
    """Stage an order into its folder as files without links, and return the command that runs it there."""
    folder = Path(order["folder"])
    staged = stage(order)
    for path in folder.rglob("*"):
        if path.is_symlink():
            target = path.resolve()
            path.unlink()
            shutil.copyfile(target, path)
    model = Path(staged[-1]).name
    arguments = ["-d", "out", model]
    if "-w" in staged:
        shutil.copyfile(staged[staged.index("-w") + 1], folder / "weather.epw")
        arguments = ["-w", "weather.epw", *arguments]
    command = " ".join(["energyplus", *arguments])
    text = _README.format(model=model, build=order["recipe"]["build"], command=command)
    (folder / "README.txt").write_text(text, encoding="utf-8")
    (folder / "run.py").write_text(_SCRIPT.format(arguments=arguments), encoding="utf-8")
    return command
