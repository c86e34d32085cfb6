"""What stands behind the numbers of a study: its files, engine, seed, CPU hours, and the versions of everything."""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from epstudy.core.canonical import canonical, content_digest
from epstudy.core.manifest import Axis, Manifest
from epstudy.core.outcome import Outcome, State
from epstudy.core.refusal import is_refused
from epstudy.core.version import VERSION

if TYPE_CHECKING:
    import pandas as pd

#: The packages that a result or its picture may depend on.
_PACKAGES = (
    *("celery", "idfkit", "matplotlib", "numpy", "pandas", "papermill", "pyarrow", "pyenergyplus-lbnl"),
    *("redis", "SALib", "scikit-learn", "scipy", "xarray"),
)

_FILE = re.compile(r"[0-9a-f]{64}(\.[A-Za-z]+)?")


def provenance_series(manifest: Manifest, outcomes: Mapping[str, Outcome]) -> pd.Series[Any]:
    """Return the facts of a study and of this machine by their names; see `study_facts` and `machine_facts`."""
    import pandas as pd

    facts = {**study_facts(manifest, outcomes), **machine_facts()}
    return pd.Series(facts, dtype=object, name=manifest.study).rename_axis("fact")


def study_facts(manifest: Manifest, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """Return what stands behind the results of a study.

    Files are told by name and SHA-256 of their content. "keys" is the SHA-256 over the keys of all variants, in their
    order: the same one stands for the same simulations. "seed" is empty where the sampling has none. "cpu_hours" adds
    up what the simulations of its results took, whichever run() it was; "from_earlier_runs" counts the
    results that were there before the study was last run, by the workers' clocks.
    """
    done = {key: outcome for key, outcome in outcomes.items() if outcome.state is State.DONE}
    states = Counter(outcomes[key].state if key in outcomes else None for key in manifest.keys)
    arguments = manifest.sampling_arguments
    run_at = manifest.written.get("at", "")
    stamps = sorted(outcome.finished for outcome in done.values() if outcome.finished)
    return {
        "study": manifest.study,
        "variants": len(manifest),
        "done": states[State.DONE],
        "failed": states[State.FAILED],
        "keys": content_digest("".join(manifest.keys).encode()),
        "sampling": _sampling(manifest.sampling, arguments),
        "seed": arguments.get("seed", ""),
        "engine": f"{manifest.engine} {_builds(manifest, done)}".strip(),
        **dict(_files(manifest)),
        "period": manifest.recipe.get("period", ""),
        "user": manifest.written.get("by", ""),
        "run_at": run_at,
        "simulated": f"{stamps[0]} to {stamps[-1]}" if stamps else "",
        "cpu_hours": round(sum(outcome.metrics.get("seconds", 0.0) for outcome in done.values()) / 3600, 4),
        "from_earlier_runs": sum(stamp < run_at for stamp in stamps),
        "epstudy_of_study": manifest.written.get("epstudy", ""),
    }


def machine_facts() -> dict[str, str]:
    """Return the versions of epstudy, Python, the system and the packages that numbers and figures depend on."""
    return {
        "epstudy": VERSION,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name))),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _sampling(kind: str, arguments: Mapping[str, Any]) -> str:
    """The sampling with its arguments and distributions: `sobol (n=128, seed=1; lpd from uniform(4, 8))`."""
    plain = ("points", "distributions")  # the one is the number of variants, the other has a form of its own
    numbers = ", ".join(f"{name}={value}" for name, value in arguments.items() if name not in plain)
    drawn = ", ".join(f"{name} from {what}" for name, what in arguments.get("distributions", {}).items())
    said = "; ".join(filter(None, (numbers, drawn)))
    return f"{kind} ({said})" if said else kind


def _builds(manifest: Manifest, done: Mapping[str, Outcome]) -> str:
    """The versions of the engine by its own word: those of the results, else the one that the study is for."""
    builds = sorted({outcome.engine for outcome in done.values() if outcome.engine})
    return ", ".join(builds) or str(manifest.recipe.get("build", ""))


def _files(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """The files of the recipe, and those that levels bring: what they are, name and digest."""
    for part, value in manifest.recipe.items():
        if isinstance(value, str) and _FILE.fullmatch(value):
            yield part, _file(manifest.written.get(part, ""), value)
    external = manifest.recipe.get("external")
    if external:
        yield "external_files", f"{len(external)} files, sha256 {content_digest(canonical(external).encode())}"
    for axis in manifest.axes:
        yield from _files_of_levels(axis)


def _files_of_levels(axis: Axis) -> Iterator[tuple[str, str]]:
    if axis.kind != "weather":
        return
    for label, value, edits in zip(axis.labels, axis.values, axis.edits, strict=True):
        for edit in edits if not is_refused(edits) else ():
            name = value[0] if isinstance(value, tuple | list) else value
            yield f"{axis.name} {label}", _file(PurePath(str(name)).name, edit["weather"])


def _file(name: str, content: str) -> str:
    return f"{name} sha256 {content.partition('.')[0]}".strip()
