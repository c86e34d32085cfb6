"""Another number of slots for a Celery worker that runs: the supervisor writes a file, Celery's main process obeys it.

No simulation is ever ended for it: children are added at once, and taken away when they are idle.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps
from celery.worker import state

_LOOK_S = 0.25
_MOST_AT_ONCE = 16  # billiard ends a pool that makes more than 100 children within a second
_FILE = "slots"


def write_slots(scratch: Path, count: int) -> None:
    """Tell the Celery worker of this scratch folder how many slots it is to have."""
    part = scratch / f"{_FILE}.part"
    part.write_text(str(count), encoding="ascii")
    part.replace(scratch / _FILE)


def forget_slots(scratch: Path) -> None:
    """Have a Celery worker that is about to start keep the number that it starts with."""
    (scratch / _FILE).unlink(missing_ok=True)


def follow_slots(app: Celery, scratch: Path) -> None:
    """Have the workers of this application look again and again how many slots they are to have."""

    class Follow(bootsteps.StartStopStep):  # type: ignore[misc]
        requires = ("celery.worker.components:Pool",)

        def register_with_event_loop(self, worker: Any, hub: Any) -> None:
            # at each new connection to Redis: Celery cancels what was registered for the one before
            hub.call_repeatedly(_LOOK_S, _follow, worker, scratch)

    app.steps["worker"].add(Follow)


def _follow(worker: Any, scratch: Path) -> None:
    """Go a step towards the number in the file. From now on no message is taken beyond it, or beyond the children."""
    wanted = _read_slots(scratch)
    if wanted is None or worker.blueprint.state != bootsteps.RUN:
        return
    pool = worker.pool
    before = pool.num_processes
    if wanted > before:
        pool.grow(min(wanted - before, _MOST_AT_ONCE))
        pool.maintain_pool()
    elif wanted < before and _is_safe_to_shrink(pool, scratch):
        with suppress(ValueError):  # fewer were idle: the others when they have finished
            pool.shrink(before - wanted)
    worker.max_concurrency = min(wanted, _children_up(pool)) or None
    if pool.num_processes != before:
        worker.consumer._update_prefetch_count(pool.num_processes - before)  # as Celery's own pool_grow does


def _read_slots(scratch: Path) -> int | None:
    with suppress(FileNotFoundError):  # nobody asked for another number
        return int((scratch / _FILE).read_text(encoding="ascii"))
    return None


def _children_up(pool: Any) -> int:
    """How many children have started, busy or not, and have not ended."""
    return int(pool.info["writes"]["inqueues"]["total"])


def _is_safe_to_shrink(pool: Any, scratch: Path) -> bool:
    """Whether each child that Celery takes for idle is so, and would end: `shrink` sends such a one SIGTERM.

    Celery takes a child for idle until it has read that the child accepted its message; and for good, when the
    connection to Redis broke at that moment. So no message may be under way, and a child with a run folder must be
    known as busy. A child that was just forked takes the signal for Celery's own and lives on, and one that is ending
    already would be counted twice.
    """
    children = pool.info["processes"]
    if not len(children) == _children_up(pool) == pool.num_processes or state.reserved_requests - state.active_requests:
        return False
    busy = {request.worker_pid for request in state.active_requests}
    owners = {folder.name.partition("-")[0] for folder in (scratch / "runs").glob("*")}
    return not any(str(child) in owners for child in children if child not in busy)
