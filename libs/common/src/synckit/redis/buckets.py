"""Token buckets in Redis, shared by all replicas: one atomic script a call, on Redis's own clock.

Key `bucket:<name>`, value `<tokens> <seconds of Redis's clock>`, kept until the bucket is full again: at most as many
keys as there are buckets that are not full. `synckit.buckets` says what the numbers mean, and the script follows its
`level_now` and `seconds_until`.
"""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis

from synckit.buckets import LONGEST_WITHIN, Charge, ensure_possible
from synckit.redis.locks import command

PREFIX = "bucket:"
TAKE = f"""
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local within, wait, levels, is_ahead = tonumber(ARGV[1]), 0, {{}}, false
for i, key in ipairs(KEYS) do
    local rate, burst = tonumber(ARGV[4 * i - 2]), tonumber(ARGV[4 * i - 1])
    local level = burst
    local stored = redis.pcall('GET', key)
    -- Whatever is no level of ours (another type, other words, not a number) is a full bucket.
    local tokens, at = string.match(type(stored) == 'string' and stored or '', '^(-?[%d.]+) ([%d.]+)$')
    tokens, at = tonumber(tokens), tonumber(at)
    if tokens and at then
        level = math.min(burst, tokens + math.max(0, now - at) * rate)
        level = math.max(level, -{LONGEST_WITHIN} * rate)
        is_ahead = is_ahead or at > now
    end
    levels[i] = level
    local missing = tonumber(ARGV[4 * i]) + tonumber(ARGV[4 * i + 1]) - level
    if missing > 0.000001 then
        wait = math.max(wait, math.ceil(missing / rate * 1000000) / 1000000)
    end
end
local is_taken = wait <= within
-- Redis's clock went back: a level of the future is dated anew, or it would not grow until then.
if is_taken or is_ahead then
    for i, key in ipairs(KEYS) do
        local rate, burst = tonumber(ARGV[4 * i - 2]), tonumber(ARGV[4 * i - 1])
        local level = levels[i]
        if is_taken then
            level = level - tonumber(ARGV[4 * i])
        end
        local kept = math.max(1, math.ceil((burst - level) / rate * 1000))
        redis.call('SET', key, string.format('%.6f %.6f', level, now), 'PX', string.format('%.0f', kept))
    end
end
return string.format('%.6f', wait)
"""


class RedisBuckets:
    """`synckit.buckets.Buckets`. Loses nothing but counts where Redis forgets: the buckets are full then."""

    def __init__(self, redis: Redis, *, prefix: str = PREFIX) -> None:
        self._take = redis.register_script(TAKE)
        self._prefix = prefix

    async def take(self, charges: Sequence[Charge], *, within: float = 0.0) -> float:
        ensure_possible(charges, within)
        arguments = [repr(float(within))]
        for each in charges:
            numbers = (each.bucket.per_second, each.bucket.burst, each.price, each.leave)
            arguments += [repr(float(number)) for number in numbers]
        keys = [self._prefix + each.bucket.name for each in charges]
        return float(await command(self._take(keys=keys, args=arguments)))
