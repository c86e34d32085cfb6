"""The Study: an engine, parameters and a sampling under a name, from the grid to the DataFrame.

    sampling ─▶ variants ─▶ check ─▶ store (inputs, manifest) ─▶ pool ─▶ store (results) ─▶ DataFrame

A Study holds nothing that is not in the store: another kernel, another day, `Study.open(name)` is the same study.
"""

from __future__ import annotations

import asyncio
import html
import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from epstudy.core.arguments import checked_causes
from epstudy.core.check import Check
from epstudy.core.contracts import Engine, Prepared
from epstudy.core.errors import (
    CheckError,
    EpstudyError,
    IncompleteError,
    InputError,
    StudyNotFoundError,
)
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Outcome, Progress, State
from epstudy.core.parameter import Parameter
from epstudy.core.sampling.grid import Labels, Sampling
from epstudy.core.tracebacks import brief_interrupts, shorten
from epstudy.core.variant import check_study_name
from epstudy.notebook import moved, watched
from epstudy.notebook.journal import note_study
from epstudy.plan import Plan, make_plan
from epstudy.pool import commands
from epstudy.pool.acceptance import acceptance
from epstudy.pool.client import Live
from epstudy.pool.following import POLL_S, follow, follow_and_show, progress_of
from epstudy.pool.progress import ProgressLines, progress_html
from epstudy.pool.troubles import study_troubles
from epstudy.results import kept
from epstudy.results.estimate import Estimate, estimate
from epstudy.results.failures import failing_levels_frame, failure_groups_frame, failures_frame
from epstudy.results.outputs import table_frame, timeseries_frame, with_output_columns
from epstudy.results.provenance import provenance_series
from epstudy.results.rows import results_frame
from epstudy.results.savings import with_savings
from epstudy.results.states import stored_states, told_keys
from epstudy.results.summary import summary
from epstudy.results.variants import checked_variant, chosen_variants, manifest_frame, reference_variant, variants_frame
from epstudy.results.verification import Verification, verify
from epstudy.settings import Settings
from epstudy.store import Store

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from epstudy.engines.energyplus.outputs.requests import Frequency
    from epstudy.engines.energyplus.outputs.scalars import KeptName
    from epstudy.notebook.panel import Panel

_LOOKED_AT = 5000  # variants of a study that `wait` looks through for parameters that changed nothing


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
    outputs
        What is wanted besides the scalars: `EndUses()`, `Meter(...)`, `Variable(...)`, `Table(...)`,
        `ComponentSizes()`. Asked of a finished study, they are read from kept files where they can be; else it is
        simulated again.
    where
        A function of a point's labels (`v.lpd`, `v["lpd"]`) that says which combinations to keep.
    baseline
        Whether to add the untouched model, as variant 0 unless the grid has it already: see `results(relative_to=)`.
    keep
        Which files each result keeps, for `fetch`: "sql", "err", "html", "csv", "model" and others. A failed variant
        always keeps its "err" and its "model".
    timeout
        Seconds that one simulation may take; None: no limit.
    retries
        How often a variant is tried again that was lost with its worker, or found its files or network missing.
    stop_after
        Stop the study when so many variants failed for one cause, as what runs then would too; None: never.
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
        outputs: Any = (),
        where: Callable[[Labels], Any] | None = None,
        baseline: bool = False,
        keep: KeptName | Sequence[KeptName] = (),
        timeout: float | None = None,
        retries: int = 2,
        stop_after: int | None = None,
        pool: str | None = None,
        store: str | None = None,
    ) -> None:
        self._plan: Plan | None = make_plan(
            name,
            engine,
            parameters,
            sampling=sampling,
            outputs=outputs,
            where=where,
            baseline=baseline,
            keep=keep,
            timeout=timeout,
            retries=retries,
            stop_after=stop_after,
        )
        self.name = self._plan.name
        self._settings = Settings.load(redis_url=pool, store=store)
        self._manifest: Manifest | None = None

    @classmethod
    def open(cls, name: str, *, pool: str | None = None, store: str | None = None) -> Study:
        """Return the study called `name` as it was last run, from any kernel.

        Raises
        ------
        StudyNotFoundError
            When the store has no study of that name; the message lists those it has.
        """
        study = cls._of(check_study_name(name), None, Settings.load(redis_url=pool, store=store))
        study._manifest = study._store.manifest(study.name)
        note_study(study._settings, study._manifest)
        return study

    @classmethod
    def _of(cls, name: str, plan: Plan | None, settings: Settings) -> Study:
        study = cls.__new__(cls)
        study.name, study._plan, study._settings, study._manifest = name, plan, settings, None
        return study

    @property
    def engine(self) -> Engine | None:
        """What simulates; None for a study that was opened from the store."""
        return None if self._plan is None else self._plan.engine

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The parameters by name; none for a study that was opened from the store."""
        return {} if self._plan is None else self._plan.parameters

    # before -----------------------------------------------------------------------------------------------------

    @property
    def variants(self) -> pd.DataFrame:
        """The variants: index "variant" from 0, one column a parameter."""
        if self._plan is None:
            return manifest_frame(self._own_manifest())
        rows = [[level.label for level in point] for point in self._plan.points]
        return variants_frame(list(self._plan.parameters), rows)

    @brief_interrupts()
    def check(self, probe: bool = False) -> Check:
        """Look at every file, target and level, and return all problems at once. Nothing is queued.

        When all are well, the model is run on this machine to its first time step, which takes a second or so, and what
        EnergyPlus refuses is a problem. The same files are not tried again, and no try takes longer than half a minute:
        a model that needs more is let pass.

        With `probe=True` the corner variants are simulated first, at most eight of them: what fails there is a problem.
        Their results are kept like any other.
        """
        if self._plan is None:
            return Check(warnings=("opened from the store: its files were checked when it was run, not now",))
        check = self._tried(self._plan)[0].check
        if probe and check.ok:
            check = replace(check, problems=tuple(self._probe(self._plan)))
        return check

    @brief_interrupts()
    def estimate(self) -> Estimate:
        """Return how many variants are done and how many will run, and what that takes by what earlier runs took."""
        return estimate(self._store, self._own_manifest(), slots=self._live.slots())

    # the run ----------------------------------------------------------------------------------------------------

    @brief_interrupts()
    def run(self, *, only: Literal["failed", "missing"] | None = None, check: bool = True) -> Study:
        """Check, then queue what the store does not hold; return at once.

        Running a study again simulates nothing that is done, or that failed because of the model. `only="failed"`
        simulates those again; `only="missing"` what has no outcome. With `check=False` the engine says what is wrong.

        Raises
        ------
        CheckError
            When the check finds problems; nothing was queued.
        PoolError
            When no Redis answers. One that answered before, and does not now, is waited for: the study begins then.
        """
        if only not in (None, "failed", "missing"):
            raise InputError(f'only is {only!r}; expected "failed", "missing" or None')
        if not self._live.private:
            self._live.begin(lambda pool: pool)  # first of all: the check asks its workers what they have
        prepared = None
        if self._plan is not None:
            prepared, self._manifest = self._tried(self._plan) if check else self._look(self._plan)
            if self._manifest is None or (check and not prepared.check.ok):
                raise CheckError(self.name, prepared.check)
        manifest = self._own_manifest()
        self._live.begin(lambda pool: pool.refuse_another_store())
        self._store.create()
        if prepared is not None:
            self._keep_files(prepared)  # before the first message, everything that workers need is in the store
            self._store.put_manifest(manifest)
        note_study(self._settings, manifest)
        commands.run(self._store, self._live, manifest, only)
        moved(self._settings, self._own_manifest())
        return self

    @brief_interrupts()
    def wait(self, timeout: float | None = None) -> Study:
        """Block until every variant has ended, showing progress; return the study.

        Raises
        ------
        TimeoutError
            After `timeout` seconds. The study goes on, as it does after an interrupt (Ctrl-C, the stop button).
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        manifest = self._read_manifest()
        self._live.refuse_to_wait(manifest)
        with watched(self._settings, manifest) as lines:
            for progress in follow_and_show(self._store, self._live, manifest, lines):
                if deadline is not None and time.monotonic() > deadline and not progress.complete:
                    raise _not_yet(f'study "{self.name}" after {timeout:g} s: {progress}; it goes on')
            lines.say(self._store.why_cancelled(self.name))
            if len(manifest) <= _LOOKED_AT:
                for text in summary(self._store, manifest, self._outcomes(self._live.states(manifest))):
                    lines.say(text)
        return self

    def __await__(self) -> Generator[Any, None, Study]:
        return self._finished().__await__()

    async def _finished(self) -> Study:
        manifest = self._read_manifest()
        with watched(self._settings, manifest, silent=True):
            for progress in follow(self._store, self._live, manifest):
                if progress.complete:
                    break
                await asyncio.sleep(POLL_S)
        return self

    def cancel(self) -> Study:
        """Stop the study: what runs is stopped, what waits is not started; what is done stays.

        Raises
        ------
        InputError
            When this study was not run, or its name stands for another grid now.
        """
        commands.cancel(self._store, self._live, self._own_manifest())
        moved(self._settings, self._own_manifest())
        return self

    def pause(self) -> Study:
        """Begin nothing more; what runs is finished. `resume()`, `run()` and `retry()` go on.

        Raises
        ------
        InputError
            When this study was not run, or its name stands for another grid now.
        """
        commands.pause(self._store, self._live, self._own_manifest())
        moved(self._settings, self._own_manifest())
        return self

    def resume(self) -> Study:
        """Go on with a study that was paused. One that was cancelled stays so: `run()` and `retry()` begin it again.

        Raises
        ------
        InputError
            When this study was not run, or its name stands for another grid now.
        """
        commands.resume(self._store, self._live, self._own_manifest())
        moved(self._settings, self._own_manifest())
        return self

    def retry(self, cause: str | Sequence[str] | None = None, *, variants: Sequence[int] | None = None) -> Study:
        """Simulate again what failed or was cancelled; with `cause`, only what failed by it: "timeout", "lost", ...

        With `variants`, only these, as far as they failed (by `cause`) or were cancelled.

        Raises
        ------
        InputError
            When this study was not run, its name stands for another grid now, or there is no such cause or variant.
        """
        manifest = self._read_manifest()
        chosen = None if variants is None else chosen_variants(manifest, variants)
        commands.retry(self._store, self._live, manifest, checked_causes(cause), chosen)
        moved(self._settings, self._own_manifest())
        return self

    @brief_interrupts()
    def minimise(self, objectives: Any, *, n: int = 100, batch: int = 16, seed: int = 0) -> pd.DataFrame:
        """Search the space of the parameters for the variants with the least objectives; return all that were tried.

        optuna proposes (the tree-structured Parzen estimator for one objective, NSGA-II for several) a batch at a time,
        which the pool simulates as the study `<name>.minimised`. Every evaluation stays in the store: interrupted and
        called again with the same arguments, it goes on where it was, and a larger `n` goes further.

        Parameters
        ----------
        objectives
            A result, or several: `"site_eui_kwh_m2"`, `{"site_eui_kwh_m2": "min", "floor_area_m2": "max"}`; or a
            function of the results, `{"cost": lambda df: 90 * df["insulation"] + df["electricity_kwh"]}`, whose least
            value is sought.
        n
            How many variants to try.
        batch
            How many at a time: several times the pool's slots. The fewer, the more each proposal knows.
        seed
            The same seed proposes the same variants.

        Returns
        -------
        DataFrame as `results()`, with the objectives, `batch`, and `best`: whether no other variant is as good in
        every objective and better in one. Failed variants are rows, too. A search that is cancelled returns what it
        has tried.

        Raises
        ------
        InputError
            When there is no such result, a distribution has no ends, or no variant of the first batch has a value.
        CheckError
            When the check finds problems.
        """
        from epstudy.search import Search, check_objectives, run_search

        if self._plan is None:
            raise InputError("this study was opened from the store; minimise() needs the one made with its engine")
        search = Search(self._plan, objectives, n=n, batch=batch, seed=seed)
        prepared = self._tried(self._plan)[0]
        if not prepared.check.ok:
            raise CheckError(self.name, prepared.check)
        if not prepared.outputs:  # which may bring columns of their own
            check_objectives(search.objectives, list(prepared.metrics))
        return run_search(search, n, lambda plan: Study._of(plan.name, plan, self._settings)._evaluated())

    def _evaluated(self) -> tuple[Progress, pd.DataFrame]:
        """Run without a check, wait in silence; return how it ended, and the results."""
        manifest = self.run(check=False)._own_manifest()
        for progress in follow(self._store, self._live, manifest):
            if progress.complete:
                break
            time.sleep(POLL_S)
        return progress, self.results()

    # after ------------------------------------------------------------------------------------------------------

    def progress(self) -> Progress:
        """Return how far the study is; before it was run, what the store holds of it already."""
        return progress_of(self._store, self._live, self._own_manifest())

    @brief_interrupts()
    def verify(self) -> Verification:
        """Compare the study with the promise that nothing is lost: every variant has one end, and the store is whole.

        Damaged files are told; they count as absent, so `run()` computes them again.
        """
        return verify(self._store, self._own_manifest(), self._live)

    def troubles(self) -> list[str]:
        """Return what has stopped being true while the study runs, each with what to do; the panel shows it, too.

        The store is gone or nearly full, input files are damaged, no worker lives or can run it, clocks are apart.
        """
        return study_troubles(self._store, self._own_manifest(), self._live)

    @brief_interrupts()
    def results(self, strict: bool = False, *, relative_to: Literal["baseline"] | int | None = None) -> pd.DataFrame:
        """Return one row a variant, whatever its state: its parameters, "status", then its metrics.

        A metric of a variant that is not done is NaN. Units are in `attrs["units"]`, those of parameters in
        `attrs["parameter_units"]`, the engine's own version in `attrs["engine"]`. With `relative_to`, "baseline" or the
        index of a variant, each energy, area-related energy and power is followed by `<name>_saving`, in its own unit,
        and `<name>_saving_percent` against that variant: positive is less; NaN in percent of nothing.

        Raises
        ------
        IncompleteError
            With `strict=True`, when some variant is not done.
        InputError
            When there is no such variant to compare with.
        """
        manifest = self._read_manifest()
        states = self._live.states(manifest)
        frame = results_frame(manifest, self._outcomes(states), states)
        frame = with_output_columns(frame, manifest, self._store)
        if strict and not (frame["status"] == State.DONE).all():
            counts = ", ".join(f"{count} {state}" for state, count in frame["status"].value_counts().items())
            raise IncompleteError(f'study "{self.name}": {counts}; wait() for it, look at failures(), or strict=False')
        return (
            frame if relative_to is None else with_savings(frame, reference_variant(self._own_manifest(), relative_to))
        )

    @brief_interrupts()
    def timeseries(
        self,
        name: str,
        key: str | Sequence[str] | None = None,
        variants: Sequence[int] | None = None,
        *,
        frequency: Frequency | None = None,
        long: bool = False,
    ) -> pd.DataFrame:
        """Return a meter or a variable over time: one row a time step, one column a variant.

        A stamp is the END of its interval, in local standard time, without summer time; the rows of all variants are
        those of the first, by position. Energies are in kWh, averages in EnergyPlus' own unit: `attrs["units"]`. A
        variant that is not done, or has no such meter, is a column of NaN.

        Parameters
        ----------
        name
            As in `outputs=`: `Meter(name)`, or `Variable(name)`.
        key
            Which of a variable's keys (zones, surfaces, ...); None when it has one. Several, or "*": the columns are
            pairs (variant, key).
        variants
            Only these; None: all. Nothing else is read.
        frequency
            Where the study asks for the same name at several.
        long
            One row a time step, variant and key: columns "variant", "time", "key", "value".

        Raises
        ------
        InputError
            When the study does not ask for it, or the variants have not equally many steps.
        """
        return timeseries_frame(self._store, self._read_manifest(), name, key, variants, frequency, long=long)

    @brief_interrupts()
    def table(self, report: str, table: str | None = None) -> pd.DataFrame:
        """Return a table of EnergyPlus for all variants, long: the variant and its parameters in front.

        `report` and `table` as in `outputs=Table(report, table)`; or "EndUses", "ComponentSizes" for these outputs.

        Raises
        ------
        InputError
            When the study does not ask for it; the message says what to add.
        """
        return table_frame(self._store, self._read_manifest(), report, table)

    def to_xarray(self, series: str | Sequence[str] | Mapping[str, str | Sequence[str]] = ()) -> xr.Dataset:
        """Return the results of a grid as labelled arrays: the parameters are the dimensions, their labels coordinates.

        Each metric is a variable of shape (levels of the first parameter, ...), NaN where a variant is not done or
        `where=` left it out; the unit is its attribute "units". A baseline that is no point of the grid is left out.

        Parameters
        ----------
        series
            Meters and variables to add, each over the parameters and "time", whose stamps are the END of an interval:
            names as in `timeseries`, or `{name: key}`, where several keys, or "*", become the dimension "key".

        Raises
        ------
        InputError
            When the sampling is no grid; otherwise as `timeseries`.
        """
        from epstudy.results.arrays import dataset

        keys = series if isinstance(series, Mapping) else dict.fromkeys([series] if isinstance(series, str) else series)
        frames = {name: self.timeseries(name, key) for name, key in keys.items()}
        return dataset(self._own_manifest(), self.results(), frames)

    @brief_interrupts()
    def failures(self, by: Literal["message", "level"] | None = None) -> pd.DataFrame:
        """Return the failed variants: their parameters, cause, message, attempts and worker, and what EnergyPlus said.

        With `by="message"` one row for each group of variants with the same message but for names and numbers; with
        `by="level"` one row for each level, those that fail most first.
        """
        if by not in _FAILURES:
            raise InputError(f'by is {by!r}; expected "message", "level" or None')
        manifest = self._read_manifest()
        states = self._live.states(manifest)
        return _FAILURES[by](manifest, self._outcomes(states), states)

    def fetch(self, variant: int, name: str) -> Path:
        """Return the path of a file that a variant kept: "sql", "err", "html", "model", or its file name.

        Raises
        ------
        InputError
            When there is none; the message lists those that it kept.
        """
        return kept.fetch(self._store, self._own_manifest(), checked_variant(self._own_manifest(), variant), name)

    @brief_interrupts()
    def export(self, variant: int, path: str | os.PathLike[str]) -> Path:
        """Write a folder that reproduces a row without epstudy, and return it: model, weather, external files, command.

        Raises
        ------
        InputError
            When the folder is there and not empty, or the variant's model cannot be made.
        """
        manifest = self._own_manifest()
        index = checked_variant(self._own_manifest(), variant)
        if self._plan is not None:
            self._keep_files(self._look(self._plan)[0])
        allowed = self._plan is not None or self._live.private or bool(self._settings.allow_code)
        return kept.export(self._store, manifest, index, Path(path), allow_code=allowed)

    def why(self, variant: int) -> pd.DataFrame:
        """Return what a variant's key is made of, and which part differs from the nearest other result in the store."""
        return kept.why(self._store, self._own_manifest(), checked_variant(self._own_manifest(), variant))

    def provenance(self) -> pd.Series[Any]:
        """Return what stands behind the results, by name: files with digests, engine, seed, CPU hours, versions.

        `epstudy.results.provenance.study_facts` says what each fact means. Files of a study that an earlier epstudy
        ran have no names, only digests.
        """
        return provenance_series(self._read_manifest(), self._outcomes())

    def panel(self) -> Panel:
        """Return the live view of the study: what it shows as the last line of a cell.

        Live on a page that runs widgets, and a static snapshot in a saved notebook, a report, and when its kernel is
        gone. One that is shown moves until the study ends, also while a cell runs.
        """
        from epstudy.notebook.panel import panel_of

        return panel_of(self._settings, self._own_manifest())

    def _ipython_display_(self) -> None:
        from IPython.display import display

        try:
            was_run = self._was_run()
            state = "" if was_run else self._state()
        except EpstudyError as error:
            was_run, state = False, str(error)
        if was_run:
            self.panel()._ipython_display_()
        else:
            display({"text/html": self._page(state), "text/plain": self._line(state)}, raw=True)  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        return self._line(self._state())

    def _repr_html_(self) -> str:
        return self._page(self._state())

    def _state(self) -> Progress | str:
        """How far the study is, or why nobody knows.

        Before its files were looked at, how many variants it has: nothing is read for that.
        """
        if self._manifest is None and self._plan is not None:
            count = len(self._plan.points)
            return f"{count} variant{'' if count == 1 else 's'}"
        try:
            return self.progress()
        except EpstudyError as error:
            return str(error)

    def _line(self, state: Progress | str) -> str:
        return f'Study("{self.name}": {str(state).splitlines()[0]})'

    def _page(self, state: Progress | str) -> str:
        if isinstance(state, Progress):
            return progress_html(self.name, state)
        return f"<div><b>{html.escape(self.name)}</b>: {html.escape(state)}</div>"

    # inside -----------------------------------------------------------------------------------------------------

    @cached_property
    def _live(self) -> Live:
        return Live(self._settings, self._store)

    @cached_property
    def _store(self) -> Store:
        return Store(self._settings.store)

    def _look(self, plan: Plan) -> tuple[Prepared, Manifest | None]:
        return plan.look(self._store, self._live, self._settings.user)

    def _tried(self, plan: Plan) -> tuple[Prepared, Manifest | None]:
        """Look at everything; where that finds no problem, have the engine begin with the model."""
        prepared, manifest = self._look(plan)
        if manifest is None or not prepared.check.ok:
            return prepared, manifest
        found = acceptance(self._store, prepared, manifest)
        warnings = (*prepared.check.warnings, *found.warnings)
        return replace(prepared, check=replace(prepared.check, problems=found.problems, warnings=warnings)), manifest

    def _probe(self, plan: Plan) -> list[str]:
        """Simulate the corner variants as a study of their own, which leaves only results; say which of them fail."""
        corners = plan.probe()
        probe = Study._of(corners.name, corners, replace(self._settings, report_studies=None))
        try:
            probe.run(check=False)
            with ProgressLines(probe.name) as lines:  # and no panel: nobody can open this study afterwards
                for _ in follow_and_show(probe._store, probe._live, probe._own_manifest(), lines):
                    pass
            failed = probe.failures()
        finally:
            self._store.remove_study(probe.name)
            probe._live.say(lambda pool: pool.forget(probe._own_manifest()))
        return [
            f"probe: {', '.join(f'{name}={row[name]}' for name in plan.parameters)} fails ({row['cause']}): "
            f"{row['message']}"
            for row in failed.to_dict("records")
        ]

    def _keep_files(self, prepared: Prepared) -> None:
        for name, content in prepared.files.items():
            self._store.put_input(content, name[name.index(".") :] if "." in name else "")

    def _own_manifest(self) -> Manifest:
        """The manifest of what this object describes, whatever else may be stored under its name."""
        if self._manifest is None:
            assert self._plan is not None, "a study from the store has one"
            prepared, self._manifest = self._look(self._plan)
            if self._manifest is None:
                raise CheckError(self.name, prepared.check)
        return self._manifest

    def _read_manifest(self) -> Manifest:
        """The manifest, for what reads outcomes: a report is made of them, also when this study was never run."""
        manifest = self._own_manifest()
        if self._settings.report_studies:
            states = [] if self._was_run() else stored_states(self._store, manifest)
            unrun = f"{states.count(State.DONE.value)} of {len(states)} done" if states else ""
            note_study(self._settings, manifest, unrun)
        return manifest

    def _was_run(self) -> bool:
        """Whether the store's study of this name is this one."""
        try:
            stored = self._store.manifest(self.name)
        except StudyNotFoundError:
            return False
        return stored.digest == self._own_manifest().digest

    def _outcomes(self, states: Sequence[str] = ()) -> dict[str, Outcome]:
        """The outcomes in the store; those that have ended by the ledger's `states` are looked for by their names."""
        manifest = self._own_manifest()
        told = told_keys(self._store, manifest, states)
        return self._store.outcomes(manifest.keys, manifest.artifacts, told=told)


def _not_yet(message: str) -> TimeoutError:
    error = TimeoutError(message)
    shorten(error)
    return error


_FAILURES = {None: failures_frame, "message": failure_groups_frame, "level": failing_levels_frame}
