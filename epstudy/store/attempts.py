"""The tries of a variant, each noted before it is begun: who dies with it is counted too.

Only the holder of a key's lease writes here, so that reading, changing and replacing need no lock.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from epstudy.core.outcome import Attempt
from epstudy.core.shape import check_shape
from epstudy.store.checksummed import DamagedFileWarning, seal, unseal
from epstudy.store.files import Files

_FOLDER = "attempts"


def attempts_file(key: str) -> str:
    """Return the name of the file with the tries of a variant."""
    return f"{_FOLDER}/{key[:2]}/{key}.json"


def read_attempts(files: Files, key: str) -> list[Attempt]:
    """Return the tries of a variant, the oldest first; none, with a warning, when the file is damaged."""
    file = attempts_file(key)
    try:
        said = unseal(files.read(file))
    except FileNotFoundError:
        return []
    attempts = None if said is None or said.get("key") != key else _attempts_in(said)
    if attempts is None:
        warnings.warn(f"{files.shown(file)} is damaged; it counts as no attempt", DamagedFileWarning, stacklevel=3)
        return []
    return attempts


def _attempts_in(stored: Mapping[str, Any]) -> list[Attempt] | None:
    try:
        check_shape(stored, {"attempts": list})
        return [Attempt.from_json(attempt) for attempt in stored["attempts"]]
    except ValueError:
        return None


def keys_with_attempts(files: Files) -> list[str]:
    """Return the keys of the variants that have tries: those under way, and those to be begun again."""
    return [name.removesuffix(".json") for shard in files.names(_FOLDER) for name in files.names(f"{_FOLDER}/{shard}")]


def write_attempts(files: Files, key: str, attempts: Sequence[Attempt]) -> None:
    """Keep these as the tries of a variant."""
    if attempts:
        said = {"key": key, "attempts": [one.to_json() for one in attempts]}
        files.replace(attempts_file(key), seal(said))
    else:
        files.remove(attempts_file(key))


def forget_attempts(files: Files, keys: Iterable[str]) -> None:
    """Remove the tries of these variants: one listing a shard that is there, not one look a key."""
    wanted = set(keys)
    for shard in {key[:2] for key in wanted}.intersection(files.names(_FOLDER)):
        for name in files.names(f"{_FOLDER}/{shard}"):
            key = name.removesuffix(".json")
            if key in wanted:
                files.remove(attempts_file(key))
