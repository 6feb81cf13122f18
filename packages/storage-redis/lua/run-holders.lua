-- Who holds what, and until when. I3, I5. Part of the steps that all operations share: see run.lua.

local deadlines, named = {}, {}

-- When a worker's lease runs out; false if it has none.
function run.deadline(worker)
  if deadlines[worker] == nil then
    local score = call('ZSCORE', run.key('l'), worker)
    deadlines[worker] = score and (score == 'inf' and math.huge or tonumber(score)) or false
  end
  return deadlines[worker]
end

function run.setDeadline(worker)
  deadlines[worker] = now + lease
  touched.l = true
  call('ZADD', run.key('l'), lease == math.huge and '+inf' or string.format('%.0f', now + lease), worker)
end

-- Renews the lease of a worker, if it has one.
function run.renew(worker)
  if run.deadline(worker) then run.setDeadline(worker) end
end

-- The worker has spoken: renews its lease, and from then on it has begun.
function run.hear(worker)
  run.renew(worker)
  spoken[worker] = true
end

function run.obtain(worker)
  if not run.deadline(worker) then run.setDeadline(worker) end
end

-- 'a'; 'i' or 'b' and the incarnation; or false.
function run.nameState(worker)
  if named[worker] == nil then named[worker] = call('HGET', run.key('w'), worker) end
  return named[worker]
end

function run.isAlive(worker)
  local state = run.nameState(worker)
  return state and string.sub(state, 1, 1) == 'i'
end

-- Whether the worker is known to have come: else an invocation of it may have been lost.
function run.hasBegun(worker)
  return run.nameState(worker) and run.nameState(worker) ~= 'a'
end

function run.setNameState(worker, state)
  named[worker] = state
  if state then
    touched.w = true
    call('HSET', run.key('w'), worker, state)
  else
    call('HDEL', run.key('w'), worker)
  end
end

-- By instance, how it is held from now on; by key, what is taken out.
local added, removed = {}, {}

function run.add(id, held) added[id] = held end

function run.remove(id, held)
  if added[id] then
    added[id] = nil
    return
  end
  local list = removed[held.key]
  if not list then
    list = {}
    removed[held.key] = list
  end
  list[#list + 1] = id
end

function run.writeHeld()
  for k, list in pairs(removed) do run.chunked('SREM', k, list) end
  local lists = {}
  for id, held in pairs(added) do
    local list = lists[held.key]
    if not list then
      list = {}
      lists[held.key] = list
    end
    list[#list + 1] = id
  end
  for k, list in pairs(lists) do
    run.chunked('SADD', k, list)
    call('PEXPIRE', k, ttl, 'NX')
  end
  added, removed = {}, {}
end

-- A list; an empty one if the key holds something else: a run must be able to end whatever has become of its keys.
function run.listOf(...)
  local found = redis.pcall(...)
  return found.err and {} or found
end

-- The keys of what is held by those who have a lease: nobody else holds anything.
function run.heldKeys()
  local keys = {}
  for _, worker in ipairs(run.listOf('ZRANGE', run.key('l'), 0, -1)) do
    keys[#keys + 1] = run.key('held:') .. worker
    keys[#keys + 1] = run.key('inbox:') .. worker
  end
  return keys
end

-- Instances in the order of the graph, as far as they are numbers.
function run.byId(a, b)
  local m, n = tonumber(a), tonumber(b)
  if m and n then return m < n end
  return a < b
end

-- What a worker holds; all, or what it has not been told of.
function run.heldBy(worker, untoldOnly)
  local found = call('SMEMBERS', run.key('inbox:') .. worker)
  if not untoldOnly then
    for _, id in ipairs(call('SMEMBERS', run.key('held:') .. worker)) do found[#found + 1] = id end
  end
  table.sort(found, run.byId)
  return found
end

function run.isIdle(worker)
  local state = run.nameState(worker)
  local isNamed = state and string.sub(state, 1, 1) ~= 'b'
  return not isNamed and call('EXISTS', run.key('held:') .. worker, run.key('inbox:') .. worker) == 0
end

-- Forgets workers that have nothing to lose; notes of the others who have spoken that they have begun.
function run.writeWorkers()
  for worker in pairs(idle) do
    if run.deadline(worker) and run.isIdle(worker) then
      call('ZREM', run.key('l'), worker)
      deadlines[worker] = false
      if run.nameState(worker) then run.setNameState(worker, false) end
    end
  end
  for worker in pairs(spoken) do
    if run.deadline(worker) and not run.nameState(worker) then run.setNameState(worker, 'b') end
  end
end

-- Has the caller invoke a named worker, which has a whole lease to come.
function run.ask(worker)
  if isAsked[worker] then return end
  isAsked[worker] = true
  run.setNameState(worker, 'a')
  run.renew(worker)
  invoke[#invoke + 1] = worker
end
