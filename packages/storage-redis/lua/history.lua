-- Adds a record to the history, or removes one.
--
-- KEYS[1]  base, e.g. weft:{history}: all keys begin with it, and are in one hash slot
--   :runs           hash    run -> its record
--   :places         hash    run -> JSON [member, workflow, signature]: where it stands below
--   :seq            string  how many records there ever were
--   :all            zset    member -> when the run began
--   :workflow:<w>   zset    the same, of one workflow
--   :signature:<s>  zset    the same, of one signature
-- A member is 16 digits that count up, and the run: of those that began together the last comes last.
--
-- ARGV     remove, run
--          record, run, workflow, signature, begun (ms), record, how many to keep of a workflow
-- Returns  nothing

local base = KEYS[1]
local call = redis.call

local function key(name) return base .. ':' .. name end
local function indexes(workflow, signature)
  return { key('all'), key('workflow:' .. workflow), key('signature:' .. signature) }
end

local function forget(run)
  local place = call('HGET', key('places'), run)
  if place then
    local member, workflow, signature = unpack(cjson.decode(place))
    for _, index in ipairs(indexes(workflow, signature)) do call('ZREM', index, member) end
  end
  call('HDEL', key('places'), run)
  call('HDEL', key('runs'), run)
end

local operation, run = ARGV[1], ARGV[2]
forget(run)
if operation == 'record' then
  local workflow, signature, begun, record, keep = ARGV[3], ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7])
  local member = string.format('%016d', call('INCR', key('seq'))) .. run
  local all = indexes(workflow, signature)
  -- First what may be refused, because something else has the key.
  for _, index in ipairs(all) do call('ZADD', index, begun, member) end
  call('HSET', key('runs'), run, record)
  call('HSET', key('places'), run, cjson.encode({ member, workflow, signature }))
  for _, oldest in ipairs(call('ZRANGE', all[2], 0, -keep - 1)) do forget(string.sub(oldest, 17)) end
end
