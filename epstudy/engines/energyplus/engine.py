"""`EnergyPlus`, the engine as a notebook names it: a model, a weather file, and what to run of the year."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from epstudy.core.contracts import Prepared
from epstudy.core.errors import InputError
from epstudy.core.parameter import Parameter

Period = Literal["annual", "design-days", "model"]
PERIODS: tuple[Period, ...] = get_args(Period)


@dataclass(frozen=True, init=False, slots=True)
class EnergyPlus:
    """An EnergyPlus model with its weather.

    Parameters
    ----------
    model
        Path of an `.idf` or `.epJSON`, or an idfkit document.
    weather
        Path of an `.epw`; needed unless `period="design-days"`.
    ddy
        Path of a `.ddy`: its location and design days replace the model's.
    installation
        Folder of an installed EnergyPlus; None: one of the model's version in `ENERGYPLUS_DIR`, on PATH, in the usual
        folders or in the wheel `pyenergyplus-lbnl`.
    trusted
        Whether the model may name files outside its folder, and run code of its own (PythonPlugin, co-simulation).
    period
        `"annual"`: the year of the weather file, 1 January to 31 December; a measured one over its own days, see
        docs/varying.md. `"design-days"`: the model's sizing periods, quick; energies are NaN. `"model"`: whatever the
        model's SimulationControl says.

    Raises
    ------
    InputError
        For a period that is none of the three, or a model or weather that is no path. That the files are there and
        good is `Study.check()`'s to say, together with everything else.
    """

    model: Any
    weather: Path | None
    period: Period
    ddy: Path | None
    installation: Path | None
    trusted: bool

    def __init__(
        self,
        model: Any,
        weather: str | os.PathLike[str] | None = None,
        *,
        period: Period = "annual",
        ddy: str | os.PathLike[str] | None = None,
        installation: str | os.PathLike[str] | None = None,
        trusted: bool = False,
    ) -> None:
        if period not in PERIODS:
            raise InputError(f"period is {period!r}; expected one of {', '.join(map(repr, PERIODS))}")
        if not _is_document(model) and not isinstance(model, str | os.PathLike):
            raise InputError(f"model is {model!r}; expected the path of an .idf or .epJSON, or an idfkit document")
        for name, value, what in (
            ("weather", weather, "the path of an .epw"),
            ("ddy", ddy, "the path of a .ddy"),
            ("installation", installation, "the folder of an EnergyPlus"),
        ):
            if value is not None and not isinstance(value, str | os.PathLike):
                raise InputError(f"{name} is {value!r}; expected {what}")
        object.__setattr__(self, "model", model if _is_document(model) else Path(model))
        object.__setattr__(self, "weather", None if weather is None else Path(weather))
        object.__setattr__(self, "period", period)
        object.__setattr__(self, "ddy", None if ddy is None else Path(ddy))
        object.__setattr__(self, "installation", None if installation is None else Path(installation))
        object.__setattr__(self, "trusted", bool(trusted))

    @property
    def kind(self) -> str:
        return "energyplus"

    def __repr__(self) -> str:
        weather = f', weather="{self.weather}"' if self.weather else ""
        return f'EnergyPlus("{self.model_name}"{weather}, period="{self.period}")'

    def prepare(
        self,
        parameters: Mapping[str, Parameter],
        outputs: Sequence[Any] = (),
        keep: Sequence[str] = (),
        *,
        untouched: bool = False,
    ) -> Prepared:
        """Read model, weather and external files once; check them and every level; see `core.contracts.Prepared`."""
        from epstudy.engines.energyplus.check.preparation import Preparation

        return Preparation(self).prepare(parameters, outputs, keep, untouched)

    @property
    def is_document(self) -> bool:
        """Whether the model was given as an idfkit document."""
        return _is_document(self.model)

    @property
    def model_name(self) -> str:
        """What messages call the model."""
        return "idfkit document" if self.is_document else str(self.model)


def _is_document(model: Any) -> bool:
    return any(one.__name__ == "IDFDocument" for one in type(model).__mro__)  # and does not import idfkit
