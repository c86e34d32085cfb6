"""One look at the files of a study: what a key is made of, what every level does, and everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epstudy.core.canonical import content_digest, plain
from epstudy.core.check import Check
from epstudy.core.contracts import Prepared
from epstudy.core.errors import EngineError, InputError
from epstudy.core.parameter import Parameter
from epstudy.core.refusal import REFUSED, is_refused, refused
from epstudy.engines.energyplus.abilities import needed
from epstudy.engines.energyplus.check import checks, levels
from epstudy.engines.energyplus.check.calendar_checks import calendar_warnings, span_warnings
from epstudy.engines.energyplus.check.weather_checks import Use, use_of, weather_findings
from epstudy.engines.energyplus.installation import Installation, find_installation, find_installations
from epstudy.engines.energyplus.model.annual import annual_days
from epstudy.engines.energyplus.model.document import template_classes
from epstudy.engines.energyplus.model.epw import read_epw
from epstudy.engines.energyplus.model.external import find_external_files
from epstudy.engines.energyplus.model.model import Document, forget_text, load, version_of, write
from epstudy.engines.energyplus.model.site import apply_site, site_from_ddy
from epstudy.engines.energyplus.outputs import keeping, long_runs, requests, scalars
from epstudy.settings import surroundings

if TYPE_CHECKING:
    from epstudy.engines.energyplus.engine import EnergyPlus

_SUFFIXES = (".idf", ".epjson")


class Preparation:
    """Findings pile up; nothing is raised."""

    def __init__(self, engine: EnergyPlus) -> None:
        self.engine = engine
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.files: dict[str, bytes] = {}
        self._name = engine.model_name

    def prepare(
        self, parameters: Mapping[str, Parameter], wanted: Sequence[Any], keep: Sequence[str], untouched: bool
    ) -> Prepared:
        """Return the study as the engine sees it; see `core.contracts.Engine`."""
        model, suffix = self._model()
        installation = self._installation(model)
        weather = self._weather()
        ddy = self._ddy()
        lacking = (weather is None and self.engine.weather) or (ddy is None and self.engine.ddy)
        if installation is None or model is None or lacking:
            self._check_weather(weather, use_of(None, self.engine.period, parameters))
            return self._nothing()
        stated = version_of(model)
        self._say(checks.check_version(stated, installation))
        document = self._document(model, suffix, installation.version)
        use = use_of(document, self.engine.period, parameters)
        self._check_weather(weather, use)
        if document is None:
            return self._nothing()
        if stated is None:
            taken = ".".join(map(str, installation.version[:2]))
            self.warnings.append(f"{self._name} states no version; EnergyPlus takes it for one of its own, {taken}")
        recipe = self._recipe(document, installation, model, suffix, weather, ddy)
        recipe |= self._calendar(document, weather)
        if ddy is not None and not self.problems:
            apply_site(document, site_from_ddy(ddy))  # parameters and the period see what will run
        seen = self._look(document, suffix, parameters, use)
        if self.engine.period == "model":
            self._say_spans(document)
            recipe |= self._scalars(document, seen)
        asked = self._requests(document, wanted, keep, recipe)
        every_level_has_one = not untouched and any(
            parameter.kind == "weather" and all(level.value is not None for level in parameter.levels)
            for parameter in parameters.values()
        )
        model_suffix = ".idf" if template_classes(document) else suffix
        self._say_prepared_for_others(document, parameters, seen, untouched)
        self._say(checks.check_classes(document, installation, self.engine.trusted))
        plugins = checks.uses_plugins(document)
        hints = {"installation": str(installation.folder)} if installation.folder is not None else {}
        hints |= {"plugins": "yes"} if plugins else {}
        self._say(checks.check_period(document, self.engine.period, weather is not None or every_level_has_one))
        return Prepared(
            Check(tuple(self.problems), tuple(self.warnings), {name: one.touches for name, one in seen.items()}),
            plain(recipe),
            self.files,
            {name: _told_with_its_name(name, one.edits) for name, one in seen.items()},
            scalars.METRICS,
            sources={digest: code for one in seen.values() for digest, code in one.sources.items()},
            outputs=tuple(request.to_json() for request in asked),
            artifacts=(*map(keeping.artifact_of, asked), *keeping.kept_names(keep, asked, model_suffix)),
            notes={name: one.notes for name, one in seen.items() if any(one.notes)},
            needs=needed(installation.build, plugins),
            hints=hints,
            names=self._names(),
            units={name: one.unit for name, one in seen.items() if one.unit},
        )

    def _nothing(self) -> Prepared:
        return Prepared(Check(tuple(self.problems), tuple(self.warnings)))

    def _names(self) -> dict[str, str]:
        model = getattr(self.engine.model, "filepath", None) if self.engine.is_document else self.engine.model
        named = {"model": model, "weather": self.engine.weather, "ddy": self.engine.ddy}
        return {part: Path(path).name for part, path in named.items() if path}

    def _say_prepared_for_others(
        self, document: Document, parameters: Mapping[str, Parameter], seen: Mapping[str, levels.Seen], untouched: bool
    ) -> None:
        always = [
            name
            for name, parameter in parameters.items()
            if not untouched and all(level.value is not None for level in parameter.levels)
        ]
        fields = {(id(one), match.field) for name in always for match in seen[name].matches for one in match.objects}
        measured = any(parameters[name].kind == "measure" for name in always)
        found = checks.prepared_for_others(document, fields, measured)
        self._say(found.problems)
        self.warnings += [f"{self._name} {text}" for text in found.warnings]

    def _say(self, about_model: Sequence[str]) -> None:
        self.problems += [f"{self._name} {text}" for text in about_model]

    def _recipe(
        self,
        document: Document,
        installation: Installation,
        model: bytes,
        suffix: str,
        weather: bytes | None,
        ddy: bytes | None,
    ) -> dict[str, Any]:
        """All that a key holds besides the edits. What a study does not use leaves no trace, so that old keys stay."""
        external = find_external_files(document, self._folder(), trusted=self.engine.trusted)
        about_files = [f"{self._name}: {text}" for text in external.problems]
        self.problems += about_files
        self.files |= external.contents
        recipe: dict[str, Any] = {
            "build": installation.build,
            "model": self._keep(model, suffix),
            "weather": None if weather is None else self._keep(weather, ".epw"),
            "external": external.staged,
            "period": self.engine.period,
            "outputs": [],
        }
        if ddy is not None:
            recipe["ddy"] = self._keep(ddy, ".ddy")
        if external.rewrites:
            recipe["rewrites"] = [list(one) for one in external.rewrites]
        if about_files:  # what EnergyPlus would read all the same is not in the key
            recipe[REFUSED] = about_files[0]
        return recipe

    def _calendar(self, document: Document, weather: bytes | None) -> dict[str, Any]:
        """Say what is odd about the days of the run; and which they are, where the period alone does not tell."""
        try:
            epw = None if weather is None else read_epw(weather)
        except InputError:
            return {}  # told already
        if epw is None:
            return {}
        self.warnings += calendar_warnings(document, self.engine.period, epw, str(self.engine.weather))
        days = annual_days(document, epw) if self.engine.period == "annual" else {}
        return {"days": days} if days else {}

    def _say_spans(self, document: Document) -> None:
        self.warnings += [f"{self._name} {text}" for text in span_warnings(document)]

    def _scalars(self, document: Document, seen: Mapping[str, levels.Seen]) -> dict[str, str]:
        """Part of the key of runs of two years: earlier versions gave their last year."""
        matches = [match for one in seen.values() for match in one.matches]
        varied = any(match.object_class == "RunPeriod" and match.field.endswith("_year") for match in matches)
        return {"scalars": "of the whole run"} if varied or long_runs.is_long(document) else {}

    def _look(
        self, document: Document, suffix: str, parameters: Mapping[str, Parameter], use: Use
    ) -> dict[str, levels.Seen]:
        """Look at every parameter; its findings carry its name."""
        base = levels.Base(document, suffix, self.engine.period, levels.issues(document), _read, use, self._ddy_name())
        seen = {}
        measures = 0
        for name, parameter in parameters.items():
            one = seen[name] = levels.look(base, parameter, measures)
            measures += parameter.kind == "measure"
            self.problems += [f'parameter "{name}": {text}' for text in one.problems]
            self.warnings += [f'parameter "{name}" {text}' for text in one.warnings]
            self.files |= one.files
        matches = [(name, match) for name, one in seen.items() for match in one.matches]
        self.problems += checks.overlaps(matches)
        self.problems += checks.climates(
            [name for name, parameter in parameters.items() if parameter.kind == "weather"], matches
        )
        self.problems += checks.built_and_set({name: one.built for name, one in seen.items()}, matches)
        self.problems += checks.shared_surfaces({name: one.surfaces for name, one in seen.items() if one.surfaces})
        return seen

    def _requests(
        self, document: Document, wanted: Sequence[Any], keep: Sequence[str], recipe: dict[str, Any]
    ) -> tuple[Any, ...]:
        try:
            asked = requests.merged(requests.read_requests(wanted))
        except InputError as error:
            self.problems += [str(error), *scalars.keep_problems(keep)]
            recipe.setdefault(REFUSED, str(error))
            return ()
        unwritable = checks.unwritable(document, asked)
        self.problems += unwritable or requests.request_problems(document, asked)
        self.problems += scalars.keep_problems(keep, asked)
        if unwritable:
            recipe.setdefault(REFUSED, unwritable[0])
        return asked

    def _installation(self, model: bytes | None) -> Installation | None:
        """The one that was named, else one of the model's version, else the one to prefer."""
        around = surroundings()
        try:
            if self.engine.installation is not None:
                return find_installation(wanted=self.engine.installation)
            version = None if model is None else version_of(model)
            here = find_installations(environment=around)
            fitting = [one for one in here if version in (None, one.version[:2])]
            return fitting[0] if fitting else find_installation(environment=around)
        except EngineError as error:
            self.problems.append(str(error))
            return None

    def _model(self) -> tuple[bytes | None, str]:
        if self.engine.is_document:
            document = self.engine.model.copy()
            forget_text(document)
            return write(document, ".idf"), ".idf"
        path: Path = self.engine.model
        if path.suffix.lower() not in _SUFFIXES:
            self.problems.append(f"{path} is no model: expected a file that ends in .idf or .epJSON")
            return None, ""
        return self._read(path, "model"), path.suffix.lower()

    def _weather(self) -> bytes | None:
        if self.engine.weather is None:
            return None
        return self._read(self.engine.weather, "weather file")

    def _check_weather(self, content: bytes | None, use: Use) -> None:
        if content is not None:
            found = weather_findings(content, use)
            self.problems += [f"the weather file {self.engine.weather} {text}" for text in found.problems]
            self.warnings += [f"the weather file {self.engine.weather} {text}" for text in found.warnings]

    def _ddy_name(self) -> str:
        return "" if self.engine.ddy is None else self.engine.ddy.name

    def _ddy(self) -> bytes | None:
        if self.engine.ddy is None:
            return None
        content = self._read(self.engine.ddy, "design-day file")
        if content is None:
            return None
        try:
            site_from_ddy(content)
        except InputError as error:
            self.problems.append(f"the design-day file {self.engine.ddy} {error}")
        return content

    def _read(self, path: Path, what: str) -> bytes | None:
        try:
            return _read(path, what)
        except InputError as error:
            self.problems.append(str(error))
        return None

    def _document(self, model: bytes, suffix: str, version: tuple[int, int, int]) -> Document | None:
        try:
            return load(model, suffix, version)
        except InputError as error:
            if not self.problems:  # a model of another version is told by its version
                self.problems.append(f"{self._name} {error}")
            return None

    def _folder(self) -> Path:
        if self.engine.is_document:
            path = getattr(self.engine.model, "filepath", None)
            return Path(path).parent if path else Path.cwd()
        return Path(self.engine.model).expanduser().parent

    def _keep(self, content: bytes, suffix: str) -> str:
        name = content_digest(content) + suffix
        self.files[name] = content
        return name


def _told_with_its_name(name: str, edits_by_level: Sequence[tuple[Any, ...]]) -> tuple[tuple[Any, ...], ...]:
    """The edits of a parameter's levels; why one cannot be made begins with the parameter, as in the check."""
    return tuple(
        tuple(refused(f'parameter "{name}": {edit[REFUSED]}', edit["value"]) for edit in edits)
        if is_refused(edits)
        else edits
        for edits in edits_by_level
    )


def _read(path: Path, what: str) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except FileNotFoundError as error:
        near = _neighbours(path)
        raise InputError(f"there is no {what} {path}" + (f"; its folder has {near}" if near else "")) from error
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in the name, ~ of a user who is not there
        why = getattr(error, "strerror", None) or error
        raise InputError(f"the {what} {str(path)!r} cannot be read: {why}") from error


def _neighbours(path: Path) -> str:
    """The files of the same kind beside a missing one."""
    try:
        names = sorted(
            one.name for one in path.expanduser().parent.iterdir() if one.suffix.lower() == path.suffix.lower()
        )
    except (OSError, ValueError, RuntimeError):
        return ""
    return ", ".join(names[:5])
