-- Changes the history.
--
-- KEYS[1]  base, e.g. weft:{history}: all keys begin with it, and are in one hash slot
--   :runs           hash    run -> its record
--   :details        hash    run -> its details
--   :places         hash    run -> JSON [member, workflow, signature]: where it stands below
--   :seq            string  how many records and summaries there ever were
--   :all            zset    member -> when the run began
--   :workflow:<w>   zset    the same, of one workflow
--   :signature:<s>  zset    the same, of one signature
--   :summaries      hash    key -> revision ':' bytes
--   :batches:<run>  list    what workers have measured of a run that has no record yet
-- A member is 16 digits that count up, and the run: of those that began together the last comes last.
--
-- ARGV     remove, run...
--          record, run, workflow, signature, begun (ms), record, how many records and how many details to keep of a
--            workflow, details (or nothing)
--          replace, key, revision ('' if there must be none), bytes
--          upload, run, batch, for how long to keep the run's batches (ms)
-- Returns  remove: how many had a record; replace: 1 if it did; else nothing

local base = KEYS[1]
local call = redis.call

local function key(name) return base .. ':' .. name end
local function next_number() return string.format('%016.0f', call('INCR', key('seq'))) end
local function indexes(workflow, signature)
  return { key('all'), key('workflow:' .. workflow), key('signature:' .. signature) }
end
-- The run of a member.
local function run_of(member) return string.sub(member, 17) end

local function forget(run)
  local place = call('HGET', key('places'), run)
  if place then
    local member, workflow, signature = unpack(cjson.decode(place))
    for _, index in ipairs(indexes(workflow, signature)) do call('ZREM', index, member) end
  end
  call('HDEL', key('places'), run)
  call('HDEL', key('details'), run)
  call('DEL', key('batches:' .. run))
  return call('HDEL', key('runs'), run)
end

local operations = {}

function operations.remove()
  local removed = 0
  for i = 2, #ARGV do removed = removed + forget(ARGV[i]) end
  return removed
end

function operations.record()
  local run, workflow, signature, begun, record = unpack(ARGV, 2, 6)
  local keep, keep_details, details = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9]
  forget(run)
  local member = next_number() .. run
  local all = indexes(workflow, signature)
  -- First what may be refused, because something else has the key.
  for _, index in ipairs(all) do call('ZADD', index, begun, member) end
  call('HSET', key('runs'), run, record)
  call('HSET', key('places'), run, cjson.encode({ member, workflow, signature }))
  if details then call('HSET', key('details'), run, details) end
  -- One more than before: so at most one has become too many for its details, or the new one is too old itself.
  if call('ZREVRANK', all[2], member) >= keep_details then call('HDEL', key('details'), run) end
  local next = call('ZREVRANGE', all[2], keep_details, keep_details)[1]
  if next then call('HDEL', key('details'), run_of(next)) end
  for _, oldest in ipairs(call('ZRANGE', all[2], 0, -keep - 1)) do forget(run_of(oldest)) end
end

function operations.replace()
  local name, revision, bytes = unpack(ARGV, 2, 4)
  local known = call('HGET', key('summaries'), name)
  local now = known and string.match(known, '^(%d+):') or ''
  if now ~= revision then return 0 end
  call('HSET', key('summaries'), name, string.format('%.0f', call('INCR', key('seq'))) .. ':' .. bytes)
  return 1
end

function operations.upload()
  local run, batch, ms = unpack(ARGV, 2, 4)
  call('RPUSH', key('batches:' .. run), batch)
  call('PEXPIRE', key('batches:' .. run), ms)
end

return operations[ARGV[1]]()
