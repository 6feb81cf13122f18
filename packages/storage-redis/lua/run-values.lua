-- Values, and how many readers each has left. I9. Part of the steps that all operations share: see run.lua.

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
