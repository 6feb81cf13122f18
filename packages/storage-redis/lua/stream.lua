-- The steps on a run's streams, shared by their operations: put in front of each of them.
--
-- The same as MemoryStream.ts in @weft/storage, which is the reference; the invariants S1 to S5 are those of Streams.ts
-- there.
--
-- KEYS[1]  base, e.g. weft:{run}: all keys of a run begin with it, and are in one hash slot
--   :streams      hash      stream -> its state, JSON (see fresh)
--   :items:<id>   stream    its items: the one at position n has the id (n + 1)-0

local base = KEYS[1]
local call = redis.call
local streams = base .. ':streams'

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function itemsOf(id) return base .. ':items:' .. id end
local function idOf(position) return string.format('%d-0', position + 1) end

-- producer, attempt; alive: until when the producer counts as living; first, next: positions; hold, expected, whole, end,
-- total, error as the producer said; readers: name -> { position or -1 for the list, left, worker, alive until }
local function fresh()
  return { attempt = 0, alive = 0, first = 0, next = 0, hold = 0, expected = 0, whole = true, clock = 0, readers = {} }
end

local function load(id)
  local text = call('HGET', streams, id)
  if not text then return nil end
  local s = cjson.decode(text)
  now = math.max(now, s.clock)
  return s
end

local function left(s)
  local count = 0
  for _, reader in pairs(s.readers) do if reader[2] then count = count + 1 end end
  return count
end

-- S4: what has ended, and is read by nobody any more, goes.
local function save(id, s, ttl)
  if s['end'] and left(s) >= s.expected then
    call('HDEL', streams, id)
    call('UNLINK', itemsOf(id))
    return
  end
  s.clock = now
  call('HSET', streams, id, cjson.encode(s))
  if ttl then
    call('PEXPIRE', streams, ttl)
    call('PEXPIRE', itemsOf(id), ttl)
  end
end

-- S5. Who listens for what: items, or readers.
local function tell(id, news) call('PUBLISH', itemsOf(id) .. ':' .. news, '{"type":"wake"}') end

-- The lowest position of a living reader; false if there is none.
local function slowest(s)
  local lowest = false
  for _, reader in pairs(s.readers) do
    local position = reader[1]
    if not reader[2] and position >= 0 and reader[4] > now and (not lowest or position < lowest) then
      lowest = position
    end
  end
  return lowest
end

-- S3.
local function trim(id, s)
  if s['end'] then return end
  local begun = 0
  for _ in pairs(s.readers) do begun = begun + 1 end
  if begun < s.hold then return end
  local read = slowest(s)
  if not read or read <= s.first then return end
  s.first = math.min(read, s.next)
  call('XTRIM', itemsOf(id), 'MINID', idOf(s.first))
end
