-- How far each instance is: complete, waiting for others, or ready and held. Part of the steps that all operations share: see run.lua.

local progress, dirty = {}, {}

-- How instances are held, by its text: many are held alike, and share the table, which is not changed.
local ways = {}

-- How many losses with a worker that never began count as one.
local TENTHS = 10

-- A way to be held: h lost with a worker that had begun . with one that had not : told : length of planned : planned worker
function run.wayOf(text)
  local way = ways[text]
  if way then return way end
  local begun, unbegun, told, length, at = string.match(text, '^h(%d+)%.(%d+):(%d):(%d+):()')
  begun, unbegun = tonumber(begun), tonumber(unbegun)
  local split = at + tonumber(length)
  local worker = string.sub(text, split)
  way = {
    begun = begun, unbegun = unbegun, attempt = 1 + begun + math.floor(unbegun / TENTHS),
    told = told == '1', planned = string.sub(text, at, split - 1), worker = worker,
    text = text, key = (told == '1' and run.key('held:') or run.key('inbox:')) .. worker
  }
  ways[text] = way
  return way
end

function run.way(begun, unbegun, told, planned, worker)
  return run.wayOf('h' .. begun .. '.' .. unbegun .. (told and ':1:' or ':0:') .. #planned .. ':' .. planned .. worker)
end

-- The same, but held by another worker, who knows of it.
function run.wayTo(worker, held)
  return run.way(held.begun, held.unbegun, true, held.planned, worker)
end

local fresh = {}

-- How the caller gets what has become ready for the first time. There is one caller in a step.
function run.freshWay(caller, planned)
  local known = fresh[planned]
  if not known then
    local worker = planned ~= '' and planned or caller
    known = run.way(0, 0, worker == caller, planned, worker)
    fresh[planned] = known
  end
  return known
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
