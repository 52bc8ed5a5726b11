"""The one way to an aiohttp session, and what its failures mean: nothing sent twice, no proxy, no cookies."""

from __future__ import annotations

import aiohttp

from synckit.under_lease import ensure_held

SAFE_METHODS = frozenset({"GET", "HEAD"})
READ_BUFFER = 1 << 16
"""Bytes of an answer; aiohttp stops reading at twice as many."""
NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
TRANSPORT_ERRORS = (aiohttp.ClientError, OSError, TimeoutError)


def new_session(connections: int) -> aiohttp.ClientSession:
    """No proxy of the environment, no cookies (they would outlive a key), no connection kept for longer than an Apache
    does (5 s).
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=4),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(sent_once,),
        trust_env=False,
        read_bufsize=READ_BUFFER,
    )


class _CutOff(aiohttp.ClientConnectionError):
    """The connection of a write was lost. Of a kind that aiohttp does not repeat by itself."""


async def under_lease(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """The last moment to see that a write's lease has ended."""
    ensure_held.get()()
    return await handler(request)


async def sent_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp sends a PUT or DELETE again when its connection is lost: then it may be old, and overwrite a person."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method in SAFE_METHODS:
            raise
        raise _CutOff(type(error).__name__) from None


def word_for(error: BaseException) -> str:
    """A transport error as a metric's label."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "connect_timeout"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "connect"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "cut_short"
    return "reset"
