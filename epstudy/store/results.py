"""Results and failures as files, and the names of all files that stand under a key."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from epstudy.core.errors import StoreError
from epstudy.core.outcome import Outcome
from epstudy.store.checksummed import DamagedFileWarning, seal, unseal
from epstudy.store.files import Files


@dataclass(frozen=True, slots=True)
class Ends:
    """Which keys are done, and of others the failure with when it was written, by the store's clock (s since 1970)."""

    done: frozenset[str]
    failed: Mapping[str, tuple[Outcome, float]]


def shard(key: str) -> str:
    """Return the folder in which everything of a result is."""
    return f"results/{key[:2]}"


def result_file(key: str) -> str:
    """Return the name of a result's file."""
    return f"{shard(key)}/{key}.json"


def failure_file(key: str) -> str:
    """Return the name of a failure's file."""
    return f"{shard(key)}/{key}.failed.json"


def seal_outcome(key: str, outcome: Outcome) -> bytes:
    """Return the content of an outcome's file."""
    return seal({"key": key, **outcome.to_json()}, sort=True)


def unseal_outcome(key: str, content: bytes) -> Outcome | None:
    """Return the outcome in a file; None when it is damaged, or another key's."""
    said = unseal(content)
    if said is None or said.pop("key", None) != key:
        return None
    try:
        return Outcome.from_json(said)
    except ValueError:
        return None


def read_outcome(files: Files, file: str, key: str) -> Outcome | None:
    """Return the outcome in a file; None when there is none, with a warning when it is damaged."""
    try:
        content = files.read(file)
    except FileNotFoundError:
        return None
    outcome = unseal_outcome(key, content)
    if outcome is None:
        warnings.warn(f"{files.shown(file)} is damaged; it counts as absent", DamagedFileWarning, stacklevel=3)
    return outcome


def discard_if_damaged(files: Files, file: str, key: str) -> None:
    """Remove an outcome that is damaged, unless somebody wrote it anew meanwhile, or the store cannot be written."""
    with contextlib.suppress(FileNotFoundError, StoreError):
        if unseal_outcome(key, files.read(file)) is None:
            files.remove(file)


def names_under(files: Files, keys: Iterable[str]) -> dict[str, list[str]]:
    """Return for each key the names of its files, without their folder: one listing a shard, not one look a key."""
    found: dict[str, list[str]] = {key: [] for key in keys}
    for folder in {shard(key) for key in found}:
        for name in files.names(folder):
            key = name.partition(".")[0]
            if key in found:
                found[key].append(name)
    return found
