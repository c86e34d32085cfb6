"""What may become of the messages in a queue, as Lua scripts over its list; each says how many messages it changed."""

from __future__ import annotations

CHANGES = {
    "doubled": """
        local all = redis.call('LRANGE', KEYS[1], 0, -1)
        if #all > 400 then return 0 end
        for _, one in ipairs(all) do redis.call('LPUSH', KEYS[1], one) end
        return #all""",
    "reversed": """
        local all = redis.call('LRANGE', KEYS[1], 0, -1)
        if #all < 2 then return 0 end
        redis.call('DEL', KEYS[1])
        for _, one in ipairs(all) do redis.call('LPUSH', KEYS[1], one) end
        return #all""",
    "dropped": """
        math.randomseed(tonumber(ARGV[1]))
        local dropped = 0
        for _, one in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
          if math.random() < 0.2 then dropped = dropped + redis.call('LREM', KEYS[1], 1, one) end
        end
        return dropped""",
}
