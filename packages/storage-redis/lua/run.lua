-- The steps of the protocol on one run, shared by all operations: put in front of each of them.
--
-- The same as MemoryRun.ts in @weft/storage, which is the reference; the invariants I1 to I9 are those of
-- Coordination.ts there. Each step goes: renew who speaks, set aside what the silent held (expire), do what was asked,
-- hand out what was set aside and is still incomplete (takeOver), write it all down and answer (reply).
--
-- KEYS[1]  base, e.g. weft:{run}: all keys of a run begin with it, and are in one hash slot
--   :s  hash    the run: status, times, counters
--   :p  hash    instance -> "c" complete | a number: waits for so many | "h..." ready and held (see heldOf)
--   :v  hash    instance -> its value's bytes | OBJECT if they are in the object store
--   :r  hash    instance -> how many readers its value has left, after "o" if it is an object; absent: inline, one
--   :t  set     the targets
--   :l  zset    worker -> when its lease runs out, ms: who holds something, is alive or was asked for
--   :held:worker  set  instances that a worker holds; :inbox:worker those that it has not been told of
--   :w  hash    named worker -> "a" asked for | "i" incarnation
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
local isDropped, isAnswered, isAsked, isLost, idle = {}, {}, {}, {}, {}

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

-- Progress --------------------------------------------------------------------------------------------------------

local progress, dirty = {}, {}

-- How instances are held, by its text: many are held alike, and share the table, which is not changed.
local ways = {}

-- A way to be held: h attempt : told : length of planned : planned worker
function run.wayOf(text)
  local way = ways[text]
  if way then return way end
  local attempt, told, length, at = string.match(text, '^h(%d+):(%d):(%d+):()')
  local split = at + tonumber(length)
  local worker = string.sub(text, split)
  way = {
    attempt = tonumber(attempt), told = told == '1', planned = string.sub(text, at, split - 1), worker = worker,
    text = text, key = (told == '1' and run.key('held:') or run.key('inbox:')) .. worker
  }
  ways[text] = way
  return way
end

local fresh = {}

-- How the caller gets what has become ready for the first time. There is one caller in a step.
function run.freshWay(caller, planned)
  local known = fresh[planned]
  if not known then
    local worker = planned ~= '' and planned or caller
    known = run.wayOf('h1:' .. (worker == caller and '1:' or '0:') .. #planned .. ':' .. planned .. worker)
    fresh[planned] = known
  end
  return known
end

function run.way(attempt, told, planned, worker)
  return run.wayOf('h' .. attempt .. ':' .. (told and '1:' or '0:') .. #planned .. ':' .. planned .. worker)
end

-- Reads the progress of several instances at once.
function run.prefetch(ids)
  local wanted, count = {}, 0
  for _, id in ipairs(ids) do
    if progress[id] == nil then
      progress[id] = false
      count = count + 1
      wanted[count] = id
    end
  end
  for i = 1, count, 4000 do
    local last = math.min(i + 3999, count)
    local found = call('HMGET', run.key('p'), unpack(wanted, i, last))
    for j = i, last do
      local text = found[j - i + 1]
      if text then progress[wanted[j]] = text == 'c' and 'c' or tonumber(text) or run.wayOf(text) end
    end
  end
end

-- 'c', a number, a way if it is held, or false.
function run.get(id)
  if progress[id] == nil then run.prefetch({ id }) end
  return progress[id]
end

function run.set(id, value)
  progress[id] = value
  dirty[id] = true
end

-- Holders ---------------------------------------------------------------------------------------------------------

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

function run.obtain(worker)
  if not run.deadline(worker) then run.setDeadline(worker) end
end

-- 'a', 'i' and the incarnation, or false.
function run.nameState(worker)
  if named[worker] == nil then named[worker] = call('HGET', run.key('w'), worker) end
  return named[worker]
end

function run.isAlive(worker)
  local state = run.nameState(worker)
  return state and string.sub(state, 1, 1) == 'i'
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
  return not run.nameState(worker) and call('EXISTS', run.key('held:') .. worker, run.key('inbox:') .. worker) == 0
end

-- Has the caller invoke a named worker, which has a whole lease to come.
function run.ask(worker)
  if isAsked[worker] then return end
  isAsked[worker] = true
  run.setNameState(worker, 'a')
  run.renew(worker)
  invoke[#invoke + 1] = worker
end

-- Values ----------------------------------------------------------------------------------------------------------

-- By instance: how many readers its value has left, whether it is an object, whether that stands in :r, whether it is
-- sure to be there. false: it is not kept.
local values, changed, deleted, created = {}, {}, {}, {}

function run.valueOf(id)
  if values[id] == nil then
    local count = call('HGET', run.key('r'), id)
    local object = count and string.sub(count, 1, 1) == 'o'
    values[id] = {
      readers = count and tonumber(object and string.sub(count, 2) or count) or 1,
      object = object, counted = count and true, sure = count and true
    }
  end
  return values[id]
end

function run.isKept(id)
  local value = run.valueOf(id)
  if value and not value.sure then
    value.sure = call('HEXISTS', run.key('v'), id) == 1
    if not value.sure then values[id] = false end
  end
  return values[id] and true
end

function run.drop(id)
  if isDropped[id] then return end
  isDropped[id] = true
  dropped[#dropped + 1] = id
end

function run.delete()
  if #deleted > 0 then
    run.chunked('HDEL', run.key('v'), deleted)
    deleted = {}
  end
end

-- Keeps a value, unless it is kept already or has no readers. `at` is where its bytes are in ARGV, 0 for an object.
function run.put(id, readers, at)
  if readers <= 0 then
    if at == 0 and not run.isKept(id) then run.drop(id) end
    return
  end
  if values[id] == false then run.delete() end
  if call('HSETNX', run.key('v'), id, at > 0 and ARGV[at] or OBJECT) == 0 then return end
  touched.v = true
  values[id] = { readers = readers, object = at == 0, sure = true }
  if readers ~= 1 or at == 0 then changed[id] = true end
end

-- Keeps a value that comes with the first completion of its instance: it is kept already only if somebody was early.
function run.putNew(id, readers, at)
  if isEarly or values[id] ~= nil or readers <= 0 then return run.put(id, readers, at) end
  created[#created + 1] = id
  created[#created + 1] = at > 0 and ARGV[at] or OBJECT
  values[id] = { readers = readers, object = at == 0, sure = true }
  if readers ~= 1 or at == 0 then changed[id] = true end
end

-- What comes too late to be kept.
function run.turnAway(id, at)
  if at == 0 and call('HEXISTS', run.key('v'), id) == 0 then run.drop(id) end
end

-- I9: a value without readers goes.
function run.release(id, delta)
  local value = run.valueOf(id)
  if not value then return end
  if value.readers + delta > 0 and not run.isKept(id) then return end
  value.readers = value.readers + delta
  if value.readers > 0 then
    changed[id] = true
    return
  end
  deleted[#deleted + 1] = id
  if value.counted then call('HDEL', run.key('r'), id) end
  if value.object then run.drop(id) end
  values[id], changed[id] = false, nil
end

function run.writeValues()
  if #created > 0 then
    touched.v = true
    run.chunked('HSET', run.key('v'), created)
    created = {}
  end
  run.delete()
  local list = {}
  for id in pairs(changed) do
    list[#list + 1] = id
    list[#list + 1] = values[id].object and 'o' .. values[id].readers or values[id].readers
  end
  if #list > 0 then
    touched.r = true
    run.chunked('HSET', run.key('r'), list)
  end
  changed = {}
end

-- The end ---------------------------------------------------------------------------------------------------------

-- Workers that wait for work are told that there will be none.
function run.wakeAll()
  local states = run.listOf('HGETALL', run.key('w'))
  for i = 1, #states, 2 do
    if string.sub(states[i + 1], 1, 1) == 'i' then run.say(states[i], '{"type":"wake"}') end
  end
end

-- Drops all values but the targets'.
function run.retainTargets()
  run.writeValues()
  local ids = call('HKEYS', run.key('v'))
  for i = 1, #ids, 4000 do
    local some = { unpack(ids, i, math.min(i + 3999, #ids)) }
    local wanted = call('SMISMEMBER', run.key('t'), unpack(some))
    local gone = {}
    for j, id in ipairs(some) do
      if wanted[j] == 0 then
        gone[#gone + 1] = id
        local isShort = call('HSTRLEN', run.key('v'), id) == #OBJECT
        if isShort and call('HGET', run.key('v'), id) == OBJECT then run.drop(id) end
      end
    end
    if #gone > 0 then call('HDEL', run.key('v'), unpack(gone)) end
  end
end

-- I8: what is left of a run that has ended is its targets' values and its state.
function run.finish(outcome)
  status = outcome
  if outcome == 'succeeded' then run.retainTargets() else call('UNLINK', run.key('v')) end
  values, changed, deleted, created, added, removed = {}, {}, {}, {}, {}, {}
  run.wakeAll()
  run.say('client', '{"type":"ended","status":"' .. outcome .. '"}')
  ttl = tonumber(call('HGET', run.key('s'), 'resultTtl'))
  call('HSET', run.key('s'), 'endedAt', string.format('%.0f', now), 'ttl', string.format('%.0f', ttl))
  for _, k in ipairs(run.heldKeys()) do call('UNLINK', k) end
  call('UNLINK', run.key('p'), run.key('l'), run.key('w'), run.key('r'))
  touched.p, touched.l, touched.w, touched.r = nil, nil, nil, nil
  progress, dirty, deadlines, named, idle = {}, {}, {}, {}, {}
  lost, plain, special, invoke = {}, {}, {}, {}
  refreshed = nil
end

-- I6: records a failure, once, in the step that fails the run.
function run.fail(identity, text)
  if status ~= 'running' and status ~= 'failed' then return end
  local count = redis.pcall('HLEN', run.key('f'))
  touched.f = true
  -- If the key holds something else, the run fails all the same.
  if type(count) == 'number' then call('HSETNX', run.key('f'), identity, string.format('%06d', count) .. text) end
  if status == 'running' then run.finish('failed') end
end

-- Steps -----------------------------------------------------------------------------------------------------------

-- Answers what its holder has not been told of, or may have forgotten: once.
function run.answer(id, held, inputs)
  if not held.told then
    run.remove(id, held)
    held = run.way(held.attempt, true, held.planned, held.worker)
    run.add(id, held)
    run.set(id, held)
  end
  if isAnswered[id] then return end
  isAnswered[id] = true
  if held.attempt == 1 and not inputs then plain[#plain + 1] = id
  else special[#special + 1] = { id, held.attempt, inputs or {} } end
end

-- I3: gives a ready instance to the caller, or to the named worker it was planned for.
function run.makeReady(caller, id, planned, inputs, attempt)
  local worker = planned ~= '' and planned or caller
  run.obtain(worker)
  local held = attempt == 1 and run.freshWay(caller, planned) or run.way(attempt, worker == caller, planned, worker)
  run.add(id, held)
  run.set(id, held)
  isLost[id] = nil
  if held.told then
    run.answer(id, held, inputs)
  elseif run.isAlive(worker) then
    run.say(worker, '{"type":"wake"}')
  elseif run.nameState(worker) ~= 'a' then
    run.ask(worker)
  end
end

-- For a caller that repeats a call since its answer was lost: what it was given, as far as it still holds it.
function run.answerAgain(caller, id, planned, inputs)
  local held = run.get(id)
  if type(held) ~= 'table' then return end
  local worker = planned ~= '' and planned or caller
  if held.worker ~= worker then return end
  if worker == caller then
    run.answer(id, held, inputs)
  elseif not isLost[id] and run.nameState(worker) == 'a' then
    run.ask(worker)
  end
end

-- I2: counts down what is neither ready nor complete; so zero is reached once.
function run.advance(caller, id, need, delta, planned, inputs)
  local before = run.get(id)
  if before == 'c' or type(before) == 'table' then return end
  local waits = (before or need) + delta
  if waits > 0 then run.set(id, waits) else run.makeReady(caller, id, planned, inputs, 1) end
end

-- Forgets a holder. What it held is handed out by takeOver, when it is clear who is lost and what is complete.
function run.lose(worker, reason)
  -- First what may be refused, because something else has the key: nothing must be lost for good.
  local held = run.heldBy(worker)
  run.prefetch(held)
  if run.nameState(worker) then run.setNameState(worker, false) end
  call('ZREM', run.key('l'), worker)
  deadlines[worker] = false
  if #held == 0 then return end
  call('UNLINK', run.key('held:') .. worker, run.key('inbox:') .. worker)
  for _, id in ipairs(held) do isLost[id] = true end
  run.say('client', cjson.encode({ type = 'lost', worker = worker, instances = #held, reason = reason }))
  lost[#lost + 1] = { worker = worker, held = held, reason = reason }
end

-- I4, I5: everyone who speaks learns whose lease has run out.
function run.expire()
  if not begun or status ~= 'running' then return end
  for _, worker in ipairs(call('ZRANGEBYSCORE', run.key('l'), '-inf', string.format('%.0f', now))) do
    run.lose(worker, 'it has not been heard of for longer than its lease')
  end
end

function run.giveUp(id, worker, attempts, reason)
  local message = attempts == 1 and 'its worker was lost: ' .. reason
    or 'its worker was lost ' .. attempts .. ' times, the last time because ' .. reason
  local text = cjson.encode({ instance = id, kind = 'lost', worker = worker, attempts = attempts, message = message })
  run.fail(cjson.encode({ id, worker, attempts, 'lost' }), text)
end

-- I5: hands out what was lost in this step, counting one attempt for each.
function run.takeOver(taker)
  if #lost == 0 then return end
  local all = lost
  lost = {}
  for _, one in ipairs(all) do
    for _, id in ipairs(one.held) do
      if status ~= 'running' then return end
      local held = run.get(id)
      if type(held) == 'table' and isLost[id] then
        if held.attempt < maxAttempts then
          run.makeReady(taker, id, held.planned, nil, held.attempt + 1)
        else
          run.giveUp(id, one.worker, held.attempt, one.reason)
        end
      end
    end
  end
  -- It has a whole lease for what it was given.
  if #plain + #special > 0 then run.renew(taker) end
end

-- The answer ------------------------------------------------------------------------------------------------------

-- Writes down what the step changed, and sends its messages.
function run.write()
  if begun then
    local list, count = {}, 0
    for id in pairs(dirty) do
      local value = progress[id]
      list[count + 1] = id
      list[count + 2] = type(value) == 'table' and value.text or value
      count = count + 2
    end
    if count > 0 then
      run.chunked('HSET', run.key('p'), list)
      touched.p = true
      dirty = {}
    end
    run.writeValues()
    run.writeHeld()
    for worker in pairs(idle) do
      if run.deadline(worker) and run.isIdle(worker) then call('ZREM', run.key('l'), worker) end
    end
    call('HSET', run.key('s'), 'status', status, 'clock', string.format('%.0f', now), 'instances', instances, 'completed',
      completed, 'open', open)
    -- Runs that everybody has left go away. A key that was empty meanwhile needs its expiry again.
    if not refreshed or now - refreshed > ttl / 8 then
      for _, name in ipairs({ 's', 'p', 'v', 'r', 't', 'l', 'w', 'f', 'd', 'objects', 'large', 'parts' }) do
        call('PEXPIRE', run.key(name), ttl)
      end
      for _, k in ipairs(run.heldKeys()) do call('PEXPIRE', k, ttl) end
      call('HSET', run.key('s'), 'refreshed', string.format('%.0f', now))
    else
      for name in pairs(touched) do call('PEXPIRE', run.key(name), ttl, 'NX') end
    end
  end
  for _, message in ipairs(messages) do call('PUBLISH', base .. ':c:' .. message[1], message[2]) end
end

-- { clock, status, ready: instances, ready: { instance, attempt, inputs }, inputs: instance, bytes, ..., invoke,
-- refused, dropped }
function run.reply()
  run.write()
  local wanted, isWanted = {}, {}
  for _, one in ipairs(special) do
    for _, id in ipairs(one[3]) do
      if not isWanted[id] then
        isWanted[id] = true
        wanted[#wanted + 1] = id
      end
    end
  end
  local inputs = {}
  for i = 1, #wanted, 4000 do
    for j, bytes in ipairs(call('HMGET', run.key('v'), unpack(wanted, i, math.min(i + 3999, #wanted)))) do
      if bytes and bytes ~= OBJECT then
        inputs[#inputs + 1] = wanted[i + j - 1]
        inputs[#inputs + 1] = bytes
      end
    end
  end
  return { string.format('%.0f', now), status, plain, special, inputs, invoke, refused, dropped }
end
