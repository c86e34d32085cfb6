"""The Celery application, and why each setting is what it is (measured: docs/decisions/0003-celery-settings.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import Celery

from epstudy.pool.broker.connection import broker_url, tls_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from epstudy.core.manifest import Manifest

QUEUE = "epstudy"
TASK = "epstudy.simulate"
PREFIX = "ep:"
#: After a variant's own time limit Celery waits this long, and ends what did not end by itself. The simulator has a
#: watchdog of its own; a result may have to wait for room in the store.
BACKSTOP_S = 86400.0


def make_app(redis_url: str, *, answer_s: float = 30.0) -> Celery:
    """Return a Celery application on this Redis, which waits so long for an answer. It connects when first used."""
    url, tls = tls_of(broker_url(redis_url))
    app = Celery(
        "epstudy",
        broker=url,
        amqp="epstudy.pool.broker.transport:Amqp",  # the gate: nothing but our own messages gets to Celery
        set_as_current=False,
    )
    app.conf.update(
        # kombu by itself takes any certificate of a rediss:// URL.
        broker_use_ssl=tls,
        # JSON only: a message is data, never code.
        task_serializer="json",
        accept_content=["json"],
        result_serializer="json",
        # Results are in the store. Celery's own expire after a day, and asking for them blocks 19 s without Redis.
        result_backend=None,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        # Acknowledged at the start: late acknowledgement loses messages with a killed worker all the same, runs
        # everything longer than the visibility timeout twice, and loops on a task that kills its worker.
        # The lease in the ledger and the reconciliation do what it promises.
        task_acks_late=False,
        task_reject_on_worker_lost=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # A worker takes a message when it has a free slot, and none to keep for later.
        worker_disable_prefetch=True,
        worker_prefetch_multiplier=1,
        # A belt: children are replaced now and then. The simulator has its own process anyway.
        worker_max_tasks_per_child=500,
        # A child that takes longer to come up is killed, and another one started: by default after 4 s, which on a busy
        # machine goes on for ever.
        worker_proc_alive_timeout=3600.0,
        # Events halve the rate of short tasks, and nobody here reads them.
        worker_send_task_events=False,
        task_send_sent_event=False,
        task_track_started=False,
        # A Redis that went away may come back at any time.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A notebook must not hang in `run()`: two quick tries, then the reconciliation publishes what is missing.
        task_publish_retry=True,
        task_publish_retry_policy={"max_retries": 2, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5},
        task_default_queue=QUEUE,
        task_create_missing_queues=True,
        worker_hijack_root_logger=False,
        broker_transport_options={
            # What a worker took is not kept in Redis besides: what it loses is queued again by the reconciliation
            # within seconds and not after an hour, and an entry there that is none of kombu's would end every worker
            # at its start.
            "ack_emulation": False,
            "queue_order_strategy": "round_robin",  # "priority" starves whoever comes second
            "global_keyprefix": PREFIX,
            "fanout_prefix": f"/{PREFIX}{{db}}.",
            "socket_timeout": answer_s,
            "socket_connect_timeout": min(answer_s, 5.0),
            **({} if "socket:" in broker_url(redis_url) else {"socket_keepalive": True}),
            "health_check_interval": 25,
        },
    )
    return app


def message_id(study: str, index: int) -> str:
    """Return the id of the message that asks for one variant: the reconciliation finds it in the queue by this."""
    return f"{study}:{index}"


def queue_of(needs: str) -> str:
    """Return the queue of the studies that need this of a worker; only workers that have it read it."""
    return f"{QUEUE}.{needs}" if needs else QUEUE


def queue_keys(queue: str) -> list[str]:
    """Return the names that a queue has in Redis: kombu reads a list for each of four priorities."""
    return [f"{PREFIX}{queue}", *(f"{PREFIX}{queue}\x06\x16{priority}" for priority in (3, 6, 9))]


def publish(app: Celery, manifest: Manifest, indices: Iterable[int]) -> None:
    """Queue one message a variant, in batches. Nothing travels but the study's name and the index."""
    limit = None if manifest.timeout_s is None else manifest.timeout_s + BACKSTOP_S
    with app.producer_pool.acquire(block=True, timeout=5) as producer, producer.batch(max_size=500):
        for index in indices:
            app.send_task(
                TASK,
                args=(manifest.study, index),
                task_id=message_id(manifest.study, index),
                queue=queue_of(manifest.needs),
                producer=producer,
                ignore_result=True,
                time_limit=limit,
            )
