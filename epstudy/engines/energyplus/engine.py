"""`EnergyPlus`, the engine as a notebook names it: a model, a weather file, and what to run of the year."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from epstudy.core.canonical import content_digest, plain
from epstudy.core.check import Check
from epstudy.core.contracts import Prepared
from epstudy.core.errors import EngineError, InputError
from epstudy.core.parameter import Parameter

PERIODS = ("annual", "design-days", "model")
MODEL_SUFFIXES = (".idf", ".epjson")


@dataclass(frozen=True, init=False, slots=True)
class EnergyPlus:
    """An EnergyPlus model with its weather.

    Parameters
    ----------
    model
        Path of an `.idf` or `.epJSON`, or an idfkit document.
    weather
        Path of an `.epw`; needed unless `period="design-days"`.
    period
        `"annual"`: 1 January to 31 December of the weather file. `"design-days"`: the model's sizing periods, quick;
        energies are NaN. `"model"`: whatever the model's SimulationControl says.

    Raises
    ------
    InputError
        For a period that is none of the three, or a model or weather that is no path. That the files are there and
        good is `Study.check()`'s to say, together with everything else.
    """

    model: Any
    weather: Path | None
    period: str

    def __init__(self, model: Any, weather: str | os.PathLike[str] | None = None, *, period: str = "annual") -> None:
        if period not in PERIODS:
            raise InputError(f"period is {period!r}; expected one of {', '.join(map(repr, PERIODS))}")
        if not _is_document(model) and not isinstance(model, str | os.PathLike):
            raise InputError(f"model is {model!r}; expected the path of an .idf or .epJSON, or an idfkit document")
        if weather is not None and not isinstance(weather, str | os.PathLike):
            raise InputError(f"weather is {weather!r}; expected the path of an .epw")
        object.__setattr__(self, "model", model if _is_document(model) else Path(model))
        object.__setattr__(self, "weather", None if weather is None else Path(weather))
        object.__setattr__(self, "period", period)

    @property
    def kind(self) -> str:
        return "energyplus"

    def __repr__(self) -> str:
        weather = f', weather="{self.weather}"' if self.weather else ""
        return f'EnergyPlus("{self._model_name()}"{weather}, period="{self.period}")'

    def prepare(self, parameters: Mapping[str, Parameter]) -> Prepared:
        """Read model, weather and external files once; check them and every level; see `core.contracts.Prepared`."""
        return _Preparation(self).prepare(parameters)

    def _model_name(self) -> str:
        return "idfkit document" if _is_document(self.model) else str(self.model)


class _Preparation:
    """One look at the files of an engine. Findings pile up; nothing is raised."""

    def __init__(self, engine: EnergyPlus) -> None:
        self.engine = engine
        self.problems: list[str] = []
        self.files: dict[str, bytes] = {}

    def prepare(self, parameters: Mapping[str, Parameter]) -> Prepared:
        from epstudy.engines.energyplus import checks
        from epstudy.engines.energyplus.external import find_external_files
        from epstudy.engines.energyplus.model import version_of
        from epstudy.engines.energyplus.outputs import METRICS

        build = self._build()
        model, suffix = self._model()
        weather = self._weather()
        if build is None or model is None or (weather is None and self.engine.weather is not None):
            return Prepared(Check(tuple(self.problems)))
        name = self.engine._model_name()
        self.problems += [f"{name} {text}" for text in checks.check_version(version_of(model), build)]
        document = self._document(model, suffix)
        if document is None:
            return Prepared(Check(tuple(self.problems)))

        about_model = [
            *checks.check_classes(document),
            *checks.check_period(document, self.engine.period, weather),
        ]
        self.problems += [f"{name} {text}" for text in about_model]
        external = find_external_files(document, self._folder())
        self.problems += [f"{name}: {text}" for text in external.problems]
        self.files |= external.contents
        problems, warnings, touches, matches = checks.check_parameters(document, parameters, self.engine.period)
        self.problems += problems

        recipe = {
            "build": build.build,
            "model": self._keep(model, suffix),
            "weather": None if weather is None else self._keep(weather, ".epw"),
            "external": external.staged,
            "period": self.engine.period,
            "outputs": [],
        }
        edits = {
            parameter_name: _edits(parameter, [match.canonical for match in matches[parameter_name]])
            for parameter_name, parameter in parameters.items()
        }
        check = Check(tuple(self.problems), tuple(warnings), touches)
        return Prepared(check, plain(recipe), self.files, edits, METRICS)

    def _build(self) -> Any:
        from epstudy.engines.energyplus.installation import find_installation

        try:
            return find_installation()
        except EngineError as error:
            self.problems.append(str(error))
            return None

    def _model(self) -> tuple[bytes | None, str]:
        if _is_document(self.engine.model):
            from epstudy.engines.energyplus.model import write

            return write(self.engine.model, ".idf"), ".idf"
        path: Path = self.engine.model
        if path.suffix.lower() not in MODEL_SUFFIXES:
            self.problems.append(f"{path} is no model: expected a file that ends in .idf or .epJSON")
            return None, ""
        return self._read(path, "model"), path.suffix.lower()

    def _weather(self) -> bytes | None:
        from epstudy.engines.energyplus.checks import check_weather

        if self.engine.weather is None:
            return None
        content = self._read(self.engine.weather, "weather file")
        if content is not None:
            self.problems += [
                f"the weather file {self.engine.weather} {text}" for text in check_weather(content, self.engine.period)
            ]
        return content

    def _read(self, path: Path, what: str) -> bytes | None:
        try:
            return path.expanduser().read_bytes()
        except FileNotFoundError:
            near = _neighbours(path)
            self.problems.append(f"there is no {what} {path}" + (f"; its folder has {near}" if near else ""))
        except OSError as error:
            self.problems.append(f"the {what} {path} cannot be read: {error.strerror or error}")
        return None

    def _document(self, model: bytes, suffix: str) -> Any:
        from epstudy.engines.energyplus.model import load

        try:
            return load(model, suffix)
        except InputError as error:
            if not self.problems:  # a model of another version is told by its version
                self.problems.append(f"{self.engine._model_name()} {error}")
            return None

    def _folder(self) -> Path:
        if _is_document(self.engine.model):
            path = getattr(self.engine.model, "filepath", None)
            return Path(path).parent if path else Path.cwd()
        return Path(self.engine.model).expanduser().parent

    def _keep(self, content: bytes, suffix: str) -> str:
        name = content_digest(content) + suffix
        self.files[name] = content
        return name


def _edits(parameter: Parameter, targets: list[str]) -> tuple[tuple[Any, ...], ...]:
    """For each level what it does where; None does nothing, as a factor of 1 does.

    Targets that match nothing stay as they were typed.
    """
    named = targets if len(targets) == len(parameter.targets) else list(parameter.targets)
    verb, how, nothing = ("scale", "by", (None, 1)) if parameter.kind == "scale" else ("set", "to", (None,))
    return tuple(
        () if level.value in nothing else tuple({verb: target, how: level.value} for target in named)
        for level in parameter.levels
    )


def _is_document(model: Any) -> bool:
    return type(model).__name__ == "IDFDocument"


def _neighbours(path: Path) -> str:
    """The files of the same kind beside a missing one."""
    try:
        names = sorted(
            one.name for one in path.expanduser().parent.iterdir() if one.suffix.lower() == path.suffix.lower()
        )
    except OSError:
        return ""
    return ", ".join(names[:5])
