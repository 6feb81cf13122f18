-- Completes instances in the order given: I1, I2, I3, I5, I8, I9.
--
-- KEYS[1]  base of the run
-- ARGV[1]  the worker
-- ARGV[2]  JSON: a list of { instance, added, measure, keep, steps, releases }
--          keep: instance, readers, where its bytes are in ARGV or 0 for an object, ...
--          steps: instance, need, delta, planned worker or 0, inputs or 0, ...
--          releases: instance, delta, ...
--          measure is the inside of a list in JSON; it is passed on as it is
-- ARGV[3...]  bytes
-- Reply    see reply; a run that has ended or is gone refuses all
local worker = ARGV[1]
local completions = cjson.decode(ARGV[2])

load()
if begun then
  renew(worker)
  expire()
end

local ids, mentioned = {}, {}
for i, completion in ipairs(completions) do
  ids[i] = tostring(completion[1])
  mentioned[#mentioned + 1] = ids[i]
  local steps = completion[5] or {}
  for j = 1, #steps, 5 do mentioned[#mentioned + 1] = tostring(steps[j]) end
end

local isTarget = {}
if status == 'running' and #ids > 0 then
  prefetch(mentioned)
  for i = 1, #ids, 4000 do
    local found = call('SMISMEMBER', key('t'), unpack(ids, i, math.min(i + 3999, #ids)))
    for j, one in ipairs(found) do isTarget[ids[i + j - 1]] = one == 1 end
  end
end

-- I1: what is complete stays as it is.
local notices = {}
for i, completion in ipairs(completions) do
  local id = ids[i]
  local added, measure, keep, steps, releases =
    completion[2], completion[3], completion[4] or {}, completion[5] or {}, completion[6] or {}
  local before = status == 'running' and get(id)
  if status ~= 'running' then
    refused[#refused + 1] = id
    for j = 1, #keep, 3 do turnAway(tostring(keep[j]), keep[j + 2]) end
  elseif before == 'c' then
    refused[#refused + 1] = id
  else
    set(id, 'c')
    completed = completed + 1
    instances = instances + added
    if type(before) == 'table' then
      remove(id, before)
      if before.worker ~= worker then idle[before.worker] = true end
    end
    notices[#notices + 1] = '[' .. cjson.encode(completion[1]) .. ',' .. measure .. ']'
    for j = 1, #keep, 3 do put(tostring(keep[j]), keep[j + 1], keep[j + 2]) end
  end
  if status == 'running' then
    for j = 1, #steps, 5 do
      local planned, inputs = steps[j + 3], steps[j + 4]
      planned = planned ~= 0 and planned or ''
      if inputs ~= 0 then
        for k, input in ipairs(inputs) do inputs[k] = tostring(input) end
      else
        inputs = nil
      end
      if before == 'c' then
        answerAgain(worker, tostring(steps[j]), planned, inputs)
      else
        advance(worker, tostring(steps[j]), steps[j + 1], steps[j + 2], planned, inputs)
      end
    end
    if before ~= 'c' then
      for j = 1, #releases, 2 do release(tostring(releases[j]), releases[j + 1]) end
      if isTarget[id] then
        open = open - 1
        if open == 0 then finish('succeeded') end
      end
    end
  end
end

if #notices > 0 then
  table.insert(messages, 1, { 'client',
    '{"type":"completed","worker":' .. cjson.encode(worker) .. ',"instances":' .. string.format('%.0f', instances)
      .. ',"completions":[' .. table.concat(notices, ',') .. ']}' })
end

if status == 'running' then
  takeOver(worker)
end
if status == 'running' and deadline(worker) then
  -- For a named worker: what became ready for it meanwhile.
  for _, one in ipairs(heldBy(worker, true)) do
    local held = get(one.id)
    if type(held) == 'table' and held.seq == one.seq then answer(one.id, held, nil) end
  end
  idle[worker] = true
end
return reply()
