"""The Study: an engine, parameters and a sampling under a name, from the grid to the DataFrame.

    sampling ─▶ variants ─▶ check ─▶ store (inputs, manifest) ─▶ pool ─▶ store (results) ─▶ DataFrame

A Study holds nothing that is not in the store: another kernel, another day, `Study.open(name)` is the same study.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from epstudy.core.arguments import checked_engine, checked_parameters, checked_retries, checked_timeout
from epstudy.core.check import Check
from epstudy.core.contracts import Engine, Prepared
from epstudy.core.errors import CheckError, EpstudyError, IncompleteError, InputError, StudyNotFoundError
from epstudy.core.manifest import Manifest, make_manifest
from epstudy.core.outcome import Outcome, Progress, State
from epstudy.core.parameter import Parameter
from epstudy.core.sampling import Grid, Labels, Point, Sampling, select, with_baseline
from epstudy.core.variant import check_study_name
from epstudy.core.version import VERSION
from epstudy.results import failures_frame, manifest_frame, results_frame, variants_frame, with_savings
from epstudy.settings import Settings
from epstudy.store import Store
from epstudy.views import ProgressLines, progress_html

if TYPE_CHECKING:
    import pandas as pd

    from epstudy.workers.pool import Pool

_POLL_S = 0.1
_SWEEP_EVERY_S = 2.0


class Study:
    """A parametric study.

    Parameters
    ----------
    name
        What it is called in the store: letters, digits, "-", "_" and ".".
    engine
        What simulates, such as `EnergyPlus(model, weather)`.
    parameters
        `{name: parameter}`; the order is the order of the columns.
    sampling
        Which points become variants; `Grid()` takes all combinations.
    where
        A function of a point's labels (`v.lpd`, `v["lpd"]`) that says which combinations to keep.
    baseline
        Whether to add the untouched model, as variant 0 unless the grid has it already: see `results(relative_to=)`.
    timeout
        Seconds that one simulation may take; None: no limit.
    retries
        How often a variant is tried again that was lost with its worker, or found its files or network missing.
    pool
        URL of a Redis; None: `EPSTUDY_REDIS_URL`, else a private pool that starts by itself.
    store
        Folder of the store; None: `EPSTUDY_STORE`, else a folder of the user.

    Raises
    ------
    InputError
        When the name, the parameters' names, or the grid cannot be; what is wrong with model, weather and levels is
        for `check()` to say.
    """

    def __init__(
        self,
        name: str,
        engine: Engine,
        parameters: Mapping[str, Parameter] | Sequence[tuple[str, Parameter]],
        *,
        sampling: Sampling | None = None,
        where: Callable[[Labels], Any] | None = None,
        baseline: bool = False,
        timeout: float | None = None,
        retries: int = 2,
        pool: str | None = None,
        store: str | None = None,
    ) -> None:
        self.name = check_study_name(name)
        self.engine: Engine | None = checked_engine(engine)
        self.parameters: Mapping[str, Parameter] = checked_parameters(parameters)
        self.sampling: Sampling = Grid() if sampling is None else sampling
        self._points: list[Point] = self.sampling.points(self.parameters)
        self._combinations = len(self._points)
        if where is not None:
            self._points = select(self._points, list(self.parameters), where)
        self._dropped = self._combinations - len(self._points)
        self._baseline: int | None = None
        if baseline:
            self._points, self._baseline = with_baseline(self._points, len(self.parameters))
        self._timeout_s = checked_timeout(timeout)
        self._retries = checked_retries(retries)
        self._settings = Settings.load(redis_url=pool, store=store)
        self._manifest: Manifest | None = None
        self._pool: Pool | None = None

    @classmethod
    def open(cls, name: str, *, pool: str | None = None, store: str | None = None) -> Study:
        """Return the study called `name` as it was last run, from any kernel.

        Raises
        ------
        StudyNotFoundError
            When the store has no study of that name; the message lists those it has.
        """
        study = cls.__new__(cls)
        study.name = check_study_name(name)
        study._settings = Settings.load(redis_url=pool, store=store)
        study._manifest = study._store.manifest(study.name)
        study.engine = None
        study.parameters = {}
        study._points = []
        study._baseline = study._manifest.baseline
        study._timeout_s = study._manifest.timeout_s
        study._retries = study._manifest.retries
        study._pool = None
        return study

    # before -----------------------------------------------------------------------------------------------------

    @property
    def variants(self) -> pd.DataFrame:
        """The variants: index "variant" from 0, one column a parameter."""
        if self.engine is None:
            return manifest_frame(self._own_manifest())
        rows = [[level.label for level in point] for point in self._points]
        return variants_frame(list(self.parameters), rows)

    def check(self) -> Check:
        """Look at every file, target and level, and return all problems at once. Nothing is queued."""
        if self.engine is None:
            return Check(warnings=("opened from the store: its files were checked when it was run, not now",))
        return self._prepare().check

    # the run ----------------------------------------------------------------------------------------------------

    def run(self, *, only: Literal["failed", "missing"] | None = None, check: bool = True) -> Study:
        """Check, then queue what the store does not hold; return at once.

        Running a study again simulates nothing that is done, or that failed because of the model. `only="failed"`
        simulates those again; `only="missing"` what has no outcome. With `check=False` the engine says what is wrong.

        Raises
        ------
        CheckError
            When the check finds problems; nothing was queued.
        PoolError
            When no Redis answers.
        """
        if only not in (None, "failed", "missing"):
            raise InputError(f'only is {only!r}; expected "failed", "missing" or None')
        prepared = None if self.engine is None else self._prepare()
        if prepared is not None:
            if prepared.recipe is None or (check and not prepared.check.ok):
                raise CheckError(self.name, prepared.check)
            self._manifest = self._make_manifest(prepared)
        manifest = self._own_manifest()
        pool = self._open_pool()
        if prepared is not None:
            self._keep(prepared, manifest)
        self._store.set_cancelled(self.name, cancelled=False)
        pool.open(manifest, only)
        return self

    def wait(self, timeout: float | None = None) -> Study:
        """Block until every variant has ended, showing progress; return the study.

        Raises
        ------
        TimeoutError
            After `timeout` seconds. The study goes on, as it does after an interrupt (Ctrl-C, the stop button).
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with ProgressLines(self.name) as lines:
            for progress in self._follow():
                lines.show(progress)
                if progress.complete:
                    break
                if deadline is not None and time.monotonic() > deadline:
                    raise TimeoutError(f'study "{self.name}" after {timeout:g} s: {progress}; it goes on')
                time.sleep(_POLL_S)
        return self

    def __await__(self) -> Generator[Any, None, Study]:
        return self._finished().__await__()

    async def _finished(self) -> Study:
        for progress in self._follow():
            if progress.complete:
                break
            await asyncio.sleep(_POLL_S)
        return self

    def cancel(self) -> Study:
        """Stop the study: what runs is stopped, what waits is not started; what is done stays.

        Raises
        ------
        InputError
            When this study was not run, or its name stands for another grid now.
        """
        self._refuse_another_grid()
        self._store.set_cancelled(self.name, cancelled=True)
        self._open_pool().cancel(self.name)
        return self

    def retry(self) -> Study:
        """Simulate again what failed or was cancelled.

        Raises
        ------
        InputError
            When this study was not run, or its name stands for another grid now.
        """
        self._refuse_another_grid()
        manifest = self._own_manifest()
        states = self._states()
        again = [index for index, state in enumerate(states) if state in (State.FAILED, State.CANCELLED)]
        self._store.set_cancelled(self.name, cancelled=False)
        self._open_pool().retry(manifest, again)
        return self

    # after ------------------------------------------------------------------------------------------------------

    def progress(self) -> Progress:
        """Return how far the study is; before it was run, what the store holds of it already."""
        live = self._ask_pool()
        if live is not None:
            return live
        states = self._states()
        count = {state: states.count(state.value) for state in State}
        return Progress(
            total=len(states),
            pending=count[State.PENDING],
            running=count[State.RUNNING],
            done=count[State.DONE],
            failed=count[State.FAILED],
            cancelled=count[State.CANCELLED],
            cached=count[State.DONE],
        )

    def results(self, strict: bool = False, *, relative_to: Literal["baseline"] | int | None = None) -> pd.DataFrame:
        """Return one row a variant, whatever its state: its parameters, "status", then its metrics.

        A metric of a variant that is not done is NaN; units are in `attrs["units"]`. With `relative_to`, "baseline" or
        the index of a variant, each energy, area-related energy and power is followed by `<name>_saving`, in its own
        unit, and `<name>_saving_percent` against that variant: positive is less; NaN in percent of nothing.

        Raises
        ------
        IncompleteError
            With `strict=True`, when some variant is not done.
        InputError
            When there is no such variant to compare with.
        """
        manifest = self._own_manifest()
        frame = results_frame(manifest, self._outcomes(), self._live_states())
        if strict and not (frame["status"] == State.DONE).all():
            counts = ", ".join(f"{count} {state}" for state, count in frame["status"].value_counts().items())
            raise IncompleteError(f'study "{self.name}": {counts}; wait() for it, look at failures(), or strict=False')
        return frame if relative_to is None else with_savings(frame, self._reference(relative_to))

    def failures(self) -> pd.DataFrame:
        """Return the failed variants: their parameters, cause, message, attempts and worker."""
        return failures_frame(self._own_manifest(), self._outcomes(), self._live_states())

    def __repr__(self) -> str:
        try:
            said = str(self.progress())
        except EpstudyError as error:
            said = str(error).splitlines()[0]
        return f'Study("{self.name}": {said})'

    def _repr_html_(self) -> str:
        try:
            return progress_html(self.name, self.progress())
        except EpstudyError as error:
            return f"<div><b>{html.escape(self.name)}</b>: {html.escape(str(error))}</div>"

    # inside -----------------------------------------------------------------------------------------------------

    @cached_property
    def _store(self) -> Store:
        return Store(self._settings.store)

    def _prepare(self) -> Prepared:
        assert self.engine is not None
        prepared = self.engine.prepare(self.parameters)
        clashes = tuple(
            f'parameter "{name}" has the name of a result; give it another one'
            for name in self.parameters
            if name in prepared.metrics
        )
        dropped = f"where= drops {self._dropped} of {self._combinations} combinations"
        check = replace(
            prepared.check,
            problems=clashes + prepared.check.problems,
            warnings=((dropped,) if self._dropped else ()) + prepared.check.warnings,
        )
        return replace(prepared, check=check)

    def _make_manifest(self, prepared: Prepared) -> Manifest:
        assert self.engine is not None
        return make_manifest(
            self.name,
            self.engine.kind,
            prepared,
            self.parameters,
            self._points,
            sampling=self.sampling.kind,
            timeout_s=self._timeout_s,
            retries=self._retries,
            baseline=self._baseline,
            written={
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "by": self._settings.user,
                "epstudy": VERSION,
            },
        )

    def _keep(self, prepared: Prepared, manifest: Manifest) -> None:
        """Inputs and manifest into the store: before the first message, everything that workers need is there."""
        for name, content in prepared.files.items():
            self._store.put_input(content, name[name.index(".") :] if "." in name else "")
        self._store.put_manifest(manifest)

    def _own_manifest(self) -> Manifest:
        """The manifest of what this object describes, whatever else may be stored under its name."""
        if self._manifest is None:
            prepared = self._prepare()
            if prepared.recipe is None:
                raise CheckError(self.name, prepared.check)
            self._manifest = self._make_manifest(prepared)
        return self._manifest

    def _reference(self, relative_to: Literal["baseline"] | int) -> int:
        """The index of the variant to compare with."""
        if relative_to == "baseline":
            if self._baseline is None:
                raise InputError(f'study "{self.name}" has no baseline; add it with ep.Study(..., baseline=True)')
            return self._baseline
        if (
            not isinstance(relative_to, int)
            or isinstance(relative_to, bool)
            or not 0 <= relative_to < len(self._own_manifest())
        ):
            last = len(self._own_manifest()) - 1
            raise InputError(f'relative_to is {relative_to!r}; expected "baseline" or a variant from 0 to {last}')
        return relative_to

    def _open_pool(self) -> Pool:
        if self._pool is None:
            from epstudy.workers.pool import Pool

            self._pool = Pool(self._settings, self._store)
        return self._pool

    def _outcomes(self) -> dict[str, Outcome]:
        return self._store.outcomes(self._own_manifest().keys)

    def _live_states(self) -> list[str]:
        """What the ledger says, when a pool is there; a study can be read without one."""
        pool = self._peek_pool()
        states: list[str] = []
        if pool is not None:
            from epstudy.workers.pool import AWAY

            with contextlib.suppress(*AWAY):
                states = pool.states(self._own_manifest())
        if not states and self._store.is_cancelled(self.name):
            return [State.CANCELLED.value] * len(self._own_manifest())
        return states

    def _states(self) -> list[str]:
        frame = results_frame(self._own_manifest(), self._outcomes(), self._live_states())
        return [str(state) for state in frame["status"]]

    def _ask_pool(self) -> Progress | None:
        """The ledger's counters, when it follows this very manifest."""
        pool = self._peek_pool()
        if pool is None:
            return None
        from epstudy.workers.pool import AWAY

        try:
            return pool.progress(self._own_manifest())
        except AWAY:
            return None

    def _peek_pool(self) -> Pool | None:
        """The pool if there is one; none is started for a look."""
        if self._pool is None:
            from epstudy.workers.pool import peek

            self._pool = peek(self._settings, self._store)
        return self._pool

    def _follow(self) -> Iterator[Progress]:
        """Progress, again and again, until the study is complete; sweeps, and mends what broke meanwhile."""
        from epstudy.workers.pool import AWAY

        manifest = self._own_manifest()
        self._refuse_another_grid()
        next_sweep = time.monotonic()
        while True:
            progress = None
            try:
                pool = self._open_pool()
                if time.monotonic() >= next_sweep:
                    next_sweep = time.monotonic() + _SWEEP_EVERY_S
                    pool.sweep(self.name)
                progress = pool.progress(manifest)
                if progress is None:
                    self._refuse_another_grid()
            except AWAY:
                self._pool = None  # gone, or started anew: the next round connects again
            yield progress or self.progress()
            if progress is not None and progress.complete:
                return

    def _refuse_another_grid(self) -> None:
        """What was never run, or whose name stands for another grid now, cannot be waited for, cancelled or retried."""
        try:
            stored = self._store.manifest(self.name)
        except StudyNotFoundError:
            raise InputError(f'study "{self.name}" was not run yet; call run() first') from None
        if stored.digest != self._own_manifest().digest:
            raise InputError(
                f'the name "{self.name}" stands for another grid in the store; call run() to run this one, '
                "or give it a name of its own"
            )


def studies(*, store: str | None = None) -> pd.DataFrame:
    """Return the studies of the store, one row each: how many variants, how many done and failed, run when."""
    import pandas as pd

    settings = Settings.load(store=store)
    kept = Store(settings.store)
    rows = []
    for name in kept.studies():
        manifest = kept.manifest(name)
        outcomes = kept.outcomes(manifest.keys).values()
        rows.append(
            {
                "study": name,
                "variants": len(manifest),
                "done": sum(outcome.state is State.DONE for outcome in outcomes),
                "failed": sum(outcome.state is State.FAILED for outcome in outcomes),
                "engine": manifest.engine,
                "run": manifest.written.get("at", ""),
            }
        )
    return pd.DataFrame(rows, columns=["study", "variants", "done", "failed", "engine", "run"]).set_index("study")
