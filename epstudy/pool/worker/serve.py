"""A Celery worker of the pool: `python -m epstudy.pool.worker.serve`, started by `epstudy worker` and by the keeper."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown

from epstudy.engines import abilities, able
from epstudy.pool.broker.app import QUEUE, TASK, make_app, queue_of
from epstudy.pool.worker.resize import follow_slots
from epstudy.pool.worker.slot import Slot
from epstudy.processes import die_with_parent
from epstudy.settings import Settings


def register(app: Celery, slot: Slot) -> None:
    """Make the application's one task do what `slot` does, in every child of this process."""
    parent = os.getpid()

    @app.task(name=TASK)  # type: ignore[untyped-decorator]
    def simulate(study: str, index: int) -> None:
        slot.simulate(str(study), int(index))

    def begin(**_: Any) -> None:
        # Celery asks the system for the same, but a parent that died just before is not told of: children that wait
        # for work keep each other's pipes open, and would wait for ever.
        die_with_parent(parent)
        slot.warm()

    def end(**_: Any) -> None:
        slot.close()

    worker_process_init.connect(begin, weak=False)
    worker_process_shutdown.connect(end, weak=False)


def main() -> None:
    """Run the worker that the environment describes, until it is told to stop."""
    if len(sys.argv) != 4:
        sys.exit("this is the inner process of `epstudy worker`; start that instead")
    die_with_parent(int(sys.argv[1]))
    settings = Settings.load()
    url = settings.broker_url()
    if url is None or settings.scratch is None:
        sys.exit("this is the inner process of `epstudy worker`; start that instead")
    app = make_app(url)
    scratch = Path(settings.scratch)
    engines = able()  # which also loads, once in the parent, what every child would load for itself
    register(app, Slot(settings, url, scratch, supervisor=sys.argv[2], identity=sys.argv[3], engines=engines))
    follow_slots(app, scratch)
    app.worker_main(
        [
            "worker",
            "--pool=prefork",
            f"--concurrency={settings.workers or 1}",
            f"--queues={','.join([QUEUE, *map(queue_of, abilities())])}",
            f"--hostname=epstudy-{os.getpid()}@%h",
            "--loglevel=INFO",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )


if __name__ == "__main__":
    main()
