"""What a study has in the store that is there and is not what was written."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from epstudy.core.manifest import Manifest
from epstudy.store.artifacts import RECORD, RECORD_OF_FAILURE, Beside, artifact_file, artifact_names, record_file
from epstudy.store.files import Files
from epstudy.store.results import failure_file, names_under, result_file, unseal_outcome

_ABSENT = "is damaged and counts as absent; run() makes it again"
_REMOVED = "is damaged and was removed; run() makes it again"
_TAKEN = "is damaged and was removed; what it has digests of is taken as it is"


def damage(files: Files, beside: Beside, manifest: Manifest) -> list[str]:
    """Return a line for each damaged file of the study's results and failures, and of what stands beside them."""
    variants: dict[str, list[int]] = {}
    for index, key in enumerate(manifest.keys):
        variants.setdefault(key, []).append(index)
    held = names_under(files, variants)

    def lines(key: str) -> list[str]:
        who = f"variant{'s' if len(variants[key]) > 1 else ''} {', '.join(map(str, variants[key]))}"
        return [f"{who}: {line}" for line in _damaged(files, beside, key, held[key])]

    there = [key for key in variants if held[key]]
    if not files.remote:
        return [line for key in there for line in lines(key)]
    with ThreadPoolExecutor(max_workers=16) as threads:
        return [line for found in threads.map(lines, there) for line in found]


def _damaged(files: Files, beside: Beside, key: str, held: list[str]) -> Iterator[str]:
    """Each damaged file under a key, and what becomes of it."""
    for file in (result_file(key), failure_file(key)):
        if file.rsplit("/", 1)[-1] in held and not _is_outcome(files, file, key):
            yield f"{file} {_ABSENT}"
    for failed, record in ((False, RECORD), (True, RECORD_OF_FAILURE)):
        if f"{key}.{record}" in held and beside.discard_damaged_record(key, failed=failed):
            yield f"{record_file(key, failed=failed)} {_TAKEN}"
    for name, failed in artifact_names(key, held):
        if beside.discard_if_damaged(key, name, failed=failed):
            yield f"{artifact_file(key, name, failed=failed)} {_REMOVED}"


def _is_outcome(files: Files, file: str, key: str) -> bool:
    try:
        return unseal_outcome(key, files.read(file)) is not None
    except FileNotFoundError:
        return True  # gone meanwhile: nothing is damaged
