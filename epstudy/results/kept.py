"""Where a row comes from: what its key is made of, the folder that reproduces it, and the files that it kept."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epstudy import engines
from epstudy.core.canonical import canonical
from epstudy.core.errors import EpstudyError, InputError
from epstudy.core.manifest import Manifest, make_run, output_file
from epstudy.core.outcome import State
from epstudy.core.refusal import REFUSED
from epstudy.core.version import VERSION
from epstudy.store import Store

if TYPE_CHECKING:
    import pandas as pd


# why --------------------------------------------------------------------------------------------------------------


def why(store: Store, manifest: Manifest, index: int) -> pd.DataFrame:
    """Return what a key is made of, beside the nearest other result in the store.

    One row a part of the recipe and one an edit: "part", "this", "nearest" and "same". In `attrs`: the "key", whether
    its result is "held", and which variant of which study is the "nearest"; None when the store has no other result.
    """
    import pandas as pd

    key = manifest.keys[index]
    mine = _parts(manifest, index)
    nearest = _nearest(store, manifest.engine, key, mine)
    other: dict[str, str] = {} if nearest is None else _parts(*nearest)
    rows = [
        (part, mine.get(part, ""), other.get(part, ""), mine.get(part) == other.get(part)) for part in {**mine, **other}
    ]
    frame = pd.DataFrame(rows, columns=["part", "this", "nearest", "same"]).set_index("part")
    outcome = store.outcome(key, manifest.artifacts)
    frame.attrs["key"] = key
    frame.attrs["held"] = outcome is not None and outcome.state is State.DONE
    frame.attrs["nearest"] = None if nearest is None else f'variant {nearest[1]} of study "{nearest[0].study}"'
    return frame


def _parts(manifest: Manifest, index: int) -> dict[str, str]:
    """Every part of a key as a text, by its name."""
    recipe = {"engine": manifest.engine, **manifest.recipe}
    parts = {name: value if isinstance(value, str) else canonical(value) for name, value in recipe.items()}
    for edit in manifest.edits(index):
        what, value = _spoken(edit)
        while what in parts:
            what += " "  # several of one kind
        parts[what] = value
    return parts


def _spoken(edit: Mapping[str, Any]) -> tuple[str, str]:
    """An edit as the part that it is and what it makes of it."""
    if REFUSED in edit:
        return f"cannot be made: level {canonical(edit.get('value'))}", str(edit[REFUSED])
    kind, target = next(
        (kind, edit[kind]) for kind in ("set", "scale", "construct", "weather", "measure", *edit) if kind in edit
    )
    rest = {name: value for name, value in edit.items() if name != kind}
    if kind == "weather":
        return "weather of the variant", canonical(dict(edit))
    return f"{kind} {target}", canonical(next(iter(rest.values())) if len(rest) == 1 else rest)


def _nearest(store: Store, engine: str, key: str, mine: Mapping[str, str]) -> tuple[Manifest, int] | None:
    """The result in the store, under another key, that differs in the fewest parts."""
    best: tuple[int, Manifest, int] | None = None
    for other in _manifests(store, engine):
        held = store.held(other.keys)
        seen: set[str] = {key}
        for index, candidate in enumerate(other.keys):
            if candidate in seen or f"{candidate}.json" not in held:
                continue
            seen.add(candidate)
            parts = _parts(other, index)
            differing = sum(mine.get(part) != parts.get(part) for part in mine.keys() | parts.keys())
            if best is None or differing < best[0]:
                best = (differing, other, index)
    return None if best is None else best[1:]


def _manifests(store: Store, engine: str) -> Iterator[Manifest]:
    for name in store.studies():
        try:
            manifest = store.manifest(name)
        except EpstudyError:
            continue  # a damaged one is no neighbour; opening that study says so
        if manifest.engine == engine:
            yield manifest


def simulated_again(store: Store, manifest: Manifest) -> str:
    """Say how many variants are done and lack what is asked for besides: read from kept files, or simulated again."""
    if not manifest.artifacts:
        return ""
    held = store.held(manifest.keys)
    done = [key for key in dict.fromkeys(manifest.keys) if f"{key}.json" in held]
    lacking = [key for key in done if not all(f"{key}.{name}" in held for name in manifest.artifacts)]
    if not lacking:
        return ""
    readable = sum(can_read_again(store, manifest, key, held) for key in lacking)
    said = [f"{readable} are read again from their kept files"] if readable else []
    if len(lacking) > readable:
        said.append(f'{len(lacking) - readable} are simulated again, for what they kept does not hold it (keep="sql")')
    return f"{len(lacking)} of the variants that are done lack what is asked for now: {', '.join(said)}"


def can_read_again(store: Store, manifest: Manifest, key: str, held: set[str]) -> bool:
    """Say whether what a result lacks can be made from the files that it kept."""
    outputs = [output_file(output) for output in manifest.outputs]
    if any(f"{key}.{name}" not in held for name in manifest.artifacts if name not in outputs):
        return False  # a file to keep that was not kept
    wanted = [output for output, name in zip(manifest.outputs, outputs, strict=True) if f"{key}.{name}" not in held]
    return engines.simulator(manifest.engine).readable(wanted, store.held_beside(key, compare=False))


# export -----------------------------------------------------------------------------------------------------------


def export(store: Store, manifest: Manifest, index: int, path: Path, *, allow_code: bool) -> Path:
    """Write a folder that gives the row's numbers without epstudy: model, weather, external files, command, versions.

    Raises
    ------
    InputError
        When the folder holds something already, or the variant's model cannot be made.
    """
    folder = path.expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{path} is there already and not an empty folder; give another name")
    why = manifest.refusal(index)
    if why:
        raise InputError(f"variant {index} cannot be made: {why}")
    folder.mkdir(parents=True, exist_ok=True)
    run = make_run(manifest, index, folder, store.input_path, allow_code=allow_code)
    try:
        command = engines.simulator(manifest.engine).export(run)
    except EpstudyError:
        shutil.rmtree(folder)  # it was empty before
        raise
    about = {
        "study": manifest.study,
        "variant": index,
        "parameters": dict(zip((axis.name for axis in manifest.axes), manifest.variant(index).labels, strict=True)),
        "key": manifest.keys[index],
        "engine": manifest.engine,
        "recipe": dict(manifest.recipe),
        "edits": manifest.edits(index),
        "sources": dict(manifest.sources),
        "command": command,
        "epstudy": VERSION,
        "python": _python(),
    }
    outcome = store.outcome(manifest.keys[index])
    if outcome is not None:
        about["outcome"] = outcome.to_json()
    (folder / "variant.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return folder


def _python() -> str:
    import platform

    return f"{platform.python_version()} on {platform.platform()}"


# kept files -------------------------------------------------------------------------------------------------------


def fetch(store: Store, manifest: Manifest, index: int, name: str) -> Path:
    """Return the path of a file that a variant kept: by its name, its suffix, or the word that `keep=` has for it.

    Raises
    ------
    InputError
        When it kept none of that name; the message lists those that it kept.
    """
    if not isinstance(name, str) or not name.strip():
        raise InputError(f'{name!r} names no file; expected "sql", "err", "model" or the name of a file')
    key = manifest.keys[index]
    outcome = store.outcome(key, manifest.artifacts)
    failed = outcome is None or outcome.state is not State.DONE
    there = [one for one, of_failure in store.names_beside(key) if of_failure == failed]
    files = [one for one in there if not one.endswith(".parquet")]
    words = dict(zip(manifest.keep, manifest.artifacts[len(manifest.outputs) :], strict=False))
    wanted = name.casefold().lstrip(".")
    found = [words[wanted]] if not failed and words.get(wanted) in files else []
    own = files if failed else [one for one in files if one in manifest.artifacts]
    found = found or [one for one in own if wanted in (one.casefold(), _plain(one).casefold())]
    found = found or [one for one in own if one.casefold().endswith(f".{wanted}")]
    found = found or [one for one in own if wanted in ("model", "input") and _plain(one).startswith("in.")]
    path = store.artifact(key, found[0], failed=failed) if len(found) == 1 else None
    if path is None:
        kept = f"it kept {', '.join(map(_plain, own))}" if own else "it kept no files"
        more = "" if failed else f'; ep.Study(..., keep=("{name}",)) and run() keep it'
        raise InputError(f'variant {index} of study "{manifest.study}" has no file "{name}": {kept}{more}')
    if path.stat().st_size == 0:
        raise InputError(f'variant {index} of study "{manifest.study}": the engine wrote no "{name}"')
    return path


def _plain(artifact: str) -> str:
    """The name of a kept file as the engine gave it."""
    first, _, rest = artifact.partition(".")
    return rest if re.fullmatch(r"[0-9a-f]{8}", first) and rest else artifact
