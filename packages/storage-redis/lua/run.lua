-- The steps of the protocol on one run, shared by all operations: put in front of each of them. This is how they
-- begin; run-progress, run-holders, run-values, run-end, run-steps and run-reply follow, in that order.
--
-- The same as MemoryRun.ts in @weft/storage, which is the reference; the invariants I1 to I9 are those of
-- Coordination.ts there. Each step goes: renew who speaks, set aside what the silent held (expire), do what was asked,
-- hand out what was set aside and is still incomplete (takeOver), write it all down and answer (reply).
--
-- KEYS[1]  base, e.g. weft:{run}: all keys of a run begin with it, and are in one hash slot
--   :s  hash    the run: status, times, counters
--   :p  hash    instance -> "c" complete | a number: waits for so many | "h..." ready and held (see wayOf)
--   :v  hash    instance -> its value's bytes | OBJECT if they are in the object store
--   :r  hash    instance -> how many readers its value has left, after "o" if it is an object; absent: inline, one
--   :t  set     the targets
--   :l  zset    worker -> when its lease runs out, ms: who holds something, is alive or was asked for
--   :held:worker  set  instances that a worker holds; :inbox:worker those that it has not been told of
--   :w  hash    worker -> "a" named, and asked for | "i" incarnation: named, and there | "b" incarnation, if it has said:
--               has begun; absent: was invoked and has not begun
--   :f  hash    failures
--   :d  hash    what workers need to join
-- :objects, :large and :parts are the object store's; they live as long as the run does.
--
-- Instances are opaque strings here. What a step reads is cached, and written when it ends.

local now, status, lease, maxAttempts, instances, completed, open, ttl, refreshed, isEarly
local begun, clock = false, 0
local touched, messages, lost, invoke, refused, dropped = {}, {}, {}, {}, {}, {}
-- Of what is answered: instances for the first time, with no inputs; others with their attempt and inputs.
local plain, special = {}, {}
local isDropped, isAnswered, isAsked, isLost, idle, spoken = {}, {}, {}, {}, {}, {}

-- Where a value's bytes are in the object store. Encoded values never begin with this byte.
local OBJECT = '\255object'

local base = KEYS[1]
local call = redis.call

-- The steps. In a table, since each call of a script makes all functions anew, and looks for the variables that each of
-- them uses among all that any does: as local functions they took most of a short script's time.
local run = {}

function run.key(name) return base .. ':' .. name end

function run.chunked(command, k, list)
  for i = 1, #list, 4000 do call(command, k, unpack(list, i, math.min(i + 3999, #list))) end
end

-- Loads the run. I4: time is the store's, and does not go back.
function run.load()
  local t = call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
  local s = call('HMGET', run.key('s'), 'status', 'clock', 'lease', 'max', 'instances', 'completed', 'open', 'ttl',
    'refreshed', 'early')
  if not s[1] then
    status = 'gone'
    return
  end
  begun, status, clock = true, s[1], tonumber(s[2])
  now = math.max(now, clock)
  lease = s[3] == 'inf' and math.huge or tonumber(s[3])
  maxAttempts, instances, completed, open = tonumber(s[4]), tonumber(s[5]), tonumber(s[6]), tonumber(s[7])
  ttl, refreshed, isEarly = tonumber(s[8]), tonumber(s[9]), s[10]
end

function run.say(channel, message) messages[#messages + 1] = { channel, message } end
