"""What a panel asks of a study, and what it has done with it. A panel starts no pool but one that was killed."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Sequence
from dataclasses import replace

from epstudy.core.errors import InputError, PoolError, StoreError, StudyNotFoundError
from epstudy.core.glance import Glance, Mark
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Outcome, State, seconds_of
from epstudy.notebook.asked import asked_values, lacks_energy
from epstudy.pool import commands
from epstudy.pool.client import Live
from epstudy.pool.troubles import Watch
from epstudy.results.kept import fetch
from epstudy.results.states import stored_states
from epstudy.settings import Settings, mask
from epstudy.store import Store

log = logging.getLogger(__name__)

LOG_LINES = 40
_LOG_BYTES = 64_000  # of a log that may have any length

_MARKS = {
    State.PENDING: Mark.PENDING,
    State.RUNNING: Mark.RUNNING,
    State.DONE: Mark.HELD,
    State.FAILED: Mark.FAILED,
    State.CANCELLED: Mark.CANCELLED,
}


class Source:
    """A study as it stands in store and pool, with connections of its own: a panel lives in a thread of its own."""

    def __init__(self, settings: Settings, manifest: Manifest) -> None:
        self.manifest = manifest
        self._settings = settings
        self._store = Store(settings.store)
        self._live = Live(settings, self._store, say=log.info)  # a thread prints nothing into somebody's cell
        self._watch = Watch(self._store, manifest, private=self._live.private)

    @property
    def private(self) -> bool:
        """Whether variants run in the user's own pool on this machine."""
        return self._live.private

    @property
    def attach(self) -> str:
        """The line that opens the study in another notebook, with store and pool where others are set there."""
        usual = Settings.load()
        named = [f'"{self.manifest.study}"']
        if self._settings.redis_url != usual.redis_url and self._settings.redis_url is not None:
            named.append(f'pool="{mask(self._settings.redis_url)}"')
        if self._settings.store != usual.store:
            named.append(f'store="{self._settings.store}"')
        return f"ep.Study.open({', '.join(named)})"

    @property
    def command(self) -> str:
        """What to put before `cancel NAME` in a terminal."""
        usual, own = Settings.load(), self._settings
        said = [f"EPSTUDY_STORE={shlex.quote(own.store)}"] if own.store != usual.store else []
        if own.redis_url is not None and own.redis_url != usual.redis_url:
            said.append(f"EPSTUDY_REDIS_URL={shlex.quote(mask(own.redis_url))}")
        return " ".join([*said, "epstudy"])

    @property
    def trouble(self) -> str:
        """Why the pool does not answer; empty while it does."""
        return self._live.trouble

    def troubles(self, glance: Glance | None, gone: Sequence[int]) -> list[str]:
        """Return what has stopped being true of a study that is under way, each text with what to do.

        `gone` are the variants that are done and whose results cannot be read.
        """
        return self._watch.troubles(glance, gone)

    def glance(self, known: str = "") -> Glance | None:
        """Return what the pool says of the study; None when there is none, or it knows nothing of it."""
        return self._live.glance(self.manifest, known, stay=True)

    def mend(self) -> None:
        """Have a private pool that was killed work on; the study is in its store."""
        if self.manifest.study in self._store.wanted():
            try:
                self._live.mend()
            except PoolError as error:
                log.warning("the pool of %s does not start: %s", self.manifest.study, error)

    def stored_marks(self) -> bytes:
        """Return one mark a variant by what the store holds, for a study that no pool knows."""
        return "".join(_MARKS[State(state)] for state in stored_states(self._store, self.manifest)).encode()

    def why_halted(self) -> str:
        """Return why the study is paused or was stopped, as the store knows it; empty when nobody said."""
        study = self.manifest.study
        return self._store.why_paused(study) or self._store.why_cancelled(study)

    def is_another(self) -> bool:
        """Say whether the study's name stands for another grid by now, or for none."""
        try:
            return self._store.manifest(self.manifest.study).digest != self.manifest.digest
        except StudyNotFoundError:
            return True

    def begun_s(self) -> float | None:
        """Return when the study was begun, by the store, in seconds since 1970; None when it does not say.

        That is the request that is under way, else the last `run()`.
        """
        study = self.manifest.study
        wanted = self._store.wanted().get(study)
        if wanted is not None and wanted.grid in ("", self.manifest.digest) and wanted.since:
            return wanted.since
        try:
            stored = self._store.manifest(study)
        except StudyNotFoundError:
            return None
        at = stored.written.get("at", "") if stored.digest == self.manifest.digest else ""
        return seconds_of(at)

    def mark(self) -> str:
        """Return what changes when another manifest is stored under the study's name."""
        return self._store.manifest_mark(self.manifest.study)

    def outcome(self, index: int) -> Outcome | None:
        """Return what the store holds of a variant; None when it holds nothing.

        Of a run that has no energies, as that of design days, the results have what the study asked for instead.
        """
        outcome = self._store.outcome(self.manifest.keys[index], self.manifest.artifacts)
        if outcome is None or not self.manifest.outputs or not lacks_energy(outcome.metrics):
            return outcome
        return replace(outcome, metrics={**outcome.metrics, **asked_values(self._store, self.manifest, index)})

    def log_tail(self, index: int) -> list[str]:
        """Return the last lines of the engine's own messages on a variant; none when it left none."""
        try:
            path = fetch(self._store, self.manifest, index, "err")
        except InputError:
            return []
        try:
            with path.open("rb") as file:
                file.seek(max(path.stat().st_size - _LOG_BYTES, 0))
                return file.read().decode(errors="replace").splitlines()[-LOG_LINES:]
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error}") from error

    def cancel(self) -> None:
        """Stop the study."""
        commands.cancel(self._store, self._live, self.manifest)

    def pause(self) -> None:
        """Have nothing more begun."""
        commands.pause(self._store, self._live, self.manifest)

    def resume(self) -> None:
        """Go on after a pause."""
        commands.resume(self._store, self._live, self.manifest)

    def run(self) -> None:
        """Begin (again) with what has no outcome."""
        self._live.refuse_another_grid(self.manifest)
        commands.run(self._store, self._live, self.manifest, None)

    def retry(self, variants: Sequence[int] | None = None) -> None:
        """Have simulated again what failed or was cancelled; of these variants only, if given."""
        commands.retry(self._store, self._live, self.manifest, variants=variants)

    def set_slots(self, count: int) -> None:
        """Have so many simulations run at once in the private pool."""
        if not self._live.set_slots(count):
            raise InputError("no private pool runs; run() starts one")


def _log(text: str) -> None:
    log.info("%s", text)
