"""Connections to Redis: one way to spell a URL, one set of time limits, one error when nobody answers."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis import Redis, exceptions
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as TimeLost
from redis.retry import Retry

from epstudy.core.errors import InputError, PoolError
from epstudy.settings import mask

ANSWER_S = 1.0  # asked twice: a notebook waits no longer than 2 s for one answer

__all__ = [
    "ANSWER_S",
    "ConnectionLost",
    "RedisError",
    "TimeLost",
    "broker_url",
    "connect",
    "set_aside",
    "socket_url",
    "tls_of",
    "warn_of_foreign",
]

log = logging.getLogger(__name__)

_CERTIFICATES = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
_SET_ASIDE = """
local foreign = {}
for _, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'list' and kind ~= 'none' then
    redis.call('RENAME', key, key .. '.foreign')
    foreign[#foreign + 1] = key
  end
end
return foreign
"""


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


def tls_of(url: str) -> tuple[str, dict[str, Any] | None]:
    """Return the URL without what it says of TLS, and that as kombu takes it; None when the URL asks for no TLS.

    The server's certificate is required, and compared with its name, as redis-py does; `ssl_ca_certs`, `ssl_cert_reqs`
    and others in the URL are heeded.
    """
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return url, None
    said = parse_qsl(parts.query)
    options: dict[str, Any] = {name: value for name, value in said if name.startswith("ssl_")}
    left = urlencode([(name, value) for name, value in said if not name.startswith("ssl_")])
    required = options.get("ssl_cert_reqs", "required").lower().removeprefix("cert_")
    if required not in _CERTIFICATES:
        raise InputError(f'ssl_cert_reqs is "{required}"; expected one of {", ".join(_CERTIFICATES)}')
    options["ssl_cert_reqs"] = _CERTIFICATES[required]
    compared = options.get("ssl_check_hostname", "true").lower() not in ("false", "0", "no")
    options["ssl_check_hostname"] = compared and required != "none"
    return urlunsplit(parts._replace(query=left)), options


def set_aside(redis: Redis, keys: Sequence[str]) -> list[str]:
    """Rename those of these keys that hold no list to `<key>.foreign`, and return them: a queue is there or nothing."""
    said: Any = redis.eval(_SET_ASIDE, len(keys), *keys)
    return [one.decode(errors="replace") for one in said]


def warn_of_foreign(keys: Sequence[str]) -> None:
    """Log which keys were set aside."""
    for key in keys:
        log.warning("Redis had something under %s that is no queue; it is called %s.foreign now", key, key)


def socket_url(path: str) -> str:
    """Return the URL of a Redis on a unix socket."""
    return f"unix://{path}"


def broker_url(url: str) -> str:
    """Return `url` as Celery spells it."""
    return url.replace("unix://", "redis+socket://")
