"""Connections to Redis: one way to spell a URL, one set of time limits, one error when nobody answers."""

from __future__ import annotations

from redis import Redis, exceptions
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as TimeLost
from redis.retry import Retry

from epstudy.core.errors import InputError, PoolError
from epstudy.settings import mask

ANSWER_S = 1.0  # asked twice: a notebook waits no longer than 2 s for one answer

__all__ = ["ANSWER_S", "ConnectionLost", "RedisError", "TimeLost", "broker_url", "connect", "socket_url"]


def connect(url: str, *, answer_s: float = ANSWER_S) -> Redis:
    """Return a client of the Redis at `url`, after it has answered.

    Raises
    ------
    InputError
        When `url` is no Redis URL.
    PoolError
        When nobody answers within five seconds, or the password is wrong.
    """
    try:
        _client(url, answer_s, tries=1).ping()  # a first look must not take twice the time
    except ValueError as error:
        raise InputError(f'"{mask(url)}" is no Redis URL: expected redis://, rediss:// or unix://') from error
    except (exceptions.AuthenticationError, exceptions.ResponseError) as error:
        said = "needs a password" if "HELLO" in str(error) or "NOAUTH" in str(error) else f"refuses: {error}"
        raise PoolError(
            f"the Redis at {mask(url)} {said}; put the password into EPSTUDY_REDIS_URL "
            "(redis://:password@host) or name its file in EPSTUDY_REDIS_PASSWORD_FILE"
        ) from error
    except RedisError as error:
        raise PoolError(
            f"no Redis answers at {mask(url)}: {error}. Start it or correct EPSTUDY_REDIS_URL; "
            "without EPSTUDY_REDIS_URL a private pool starts by itself"
        ) from error
    return _client(url, answer_s, tries=2)


def _client(url: str, answer_s: float, tries: int) -> Redis:
    on_socket = "socket:" in url or url.startswith("unix:")
    options = {} if on_socket else {"socket_keepalive": True}
    client: Redis = Redis.from_url(
        url.replace("redis+socket://", "unix://"),
        socket_timeout=answer_s,
        socket_connect_timeout=answer_s,
        retry=Retry(NoBackoff(), tries - 1),
        **options,
    )
    return client


def socket_url(path: str) -> str:
    """Return the URL of a Redis on a unix socket."""
    return f"unix://{path}"


def broker_url(url: str) -> str:
    """Return `url` as Celery spells it."""
    return url.replace("unix://", "redis+socket://")
