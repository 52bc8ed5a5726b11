"""Token buckets in Redis, shared by all replicas: one atomic script a call, on Redis's own clock.

A bucket is kept as the moment at which it is full again, which is all that a bucket is (GCRA). Without Redis no call
passes: RemoteUnavailable.
"""

from __future__ import annotations

from redis.asyncio import Redis

from advoware_proxy.domain.callers import Rate
from synckit.adapters.redis import command

TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local wait = full - (burst - 1) * interval - now
if wait > 0 then
    return string.format('%.6f', wait)
end
full = full + interval
redis.call('SET', KEYS[1], string.format('%.6f', full), 'PX', math.ceil((full - now) * 1000))
return '0'
"""


class RedisBuckets:
    """`handlers.ports.Buckets`."""

    def __init__(self, redis: Redis, *, prefix: str = "advoware-proxy:rate:") -> None:
        self._take = redis.register_script(TAKE)
        self._prefix = prefix

    async def take(self, key_id: str, rate: Rate) -> float:
        told = await command(self._take(keys=[self._prefix + key_id], args=[repr(60.0 / rate.per_minute), rate.burst]))
        return float(told)
