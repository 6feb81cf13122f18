-- Completes instances in the order given: I1, I2, I3, I5, I8, I9.
--
-- KEYS[1]  base of the run
-- ARGV[1]  the worker
-- ARGV[2]  JSON: { instances, notices, added, keep, steps, releases }
--          notices: for each instance what the client is told, in JSON
--          added: for each instance how many more there are, or 0 if it is so for all
--          keep: place among the instances, instance, readers, where its bytes are in ARGV or 0 for an object; ...
--          steps: place, need, delta, planned worker or 0, inputs or 0, how many instances, instances; ...
--          releases: place, instance, delta; ...
-- ARGV[3...]  bytes
-- Reply    see reply; a run that has ended or is gone refuses all
local worker = ARGV[1]
local ids, notices, added_, keep, steps, releases = unpack(cjson.decode(ARGV[2]))

run.load()
if begun then
  run.hear(worker)
  run.expire()
end

local isTarget = {}
if status == 'running' and #ids > 0 then
  local mentioned = {}
  for i, id in ipairs(ids) do mentioned[i] = id end
  local at = 1
  while at <= #steps do
    local last = at + 5 + steps[at + 5]
    for j = at + 6, last do mentioned[#mentioned + 1] = steps[j] end
    at = last + 1
  end
  run.prefetch(mentioned)
  for i = 1, #ids, 4000 do
    local found = call('SMISMEMBER', run.key('t'), unpack(ids, i, math.min(i + 3999, #ids)))
    for j, one in ipairs(found) do
      if one == 1 then isTarget[ids[i + j - 1]] = true end
    end
  end
end

local told, count = {}, 0
local k, s, r = 1, 1, 1
for i, id in ipairs(ids) do
  local before = status == 'running' and run.get(id)
  -- I1: what is complete stays as it is.
  local isFirst = status == 'running' and before ~= 'c'
  if isFirst then
    run.set(id, 'c')
    completed = completed + 1
    if added_ ~= 0 then instances = instances + added_[i] end
    if type(before) == 'table' then
      run.remove(id, before)
      if before.worker ~= worker then idle[before.worker] = true end
    end
    count = count + 1
    told[count] = notices[i]
  else
    refused[#refused + 1] = id
  end
  while keep[k] == i do
    if isFirst then run.putNew(keep[k + 1], keep[k + 2], keep[k + 3])
    elseif status ~= 'running' then run.turnAway(keep[k + 1], keep[k + 3]) end
    k = k + 4
  end
  while steps[s] == i do
    local last = s + 5 + steps[s + 5]
    if status == 'running' then
      local need, delta, planned, inputs = steps[s + 1], steps[s + 2], steps[s + 3], steps[s + 4]
      planned = planned ~= 0 and planned or ''
      inputs = inputs ~= 0 and inputs or nil
      for j = s + 6, last do
        if isFirst then run.advance(worker, steps[j], need, delta, planned, inputs)
        else run.answerAgain(worker, steps[j], planned, inputs) end
      end
    end
    s = last + 1
  end
  while releases[r] == i do
    if isFirst then run.release(releases[r + 1], releases[r + 2]) end
    r = r + 3
  end
  if isFirst and isTarget[id] then
    open = open - 1
    if open == 0 then run.finish('succeeded') end
  end
end

if count > 0 then
  table.insert(messages, 1, { 'client',
    '{"type":"completed","worker":' .. cjson.encode(worker) .. ',"instances":' .. string.format('%.0f', instances)
      .. ',"completions":[' .. table.concat(told, ',') .. ']}' })
end

if status == 'running' then run.takeOver(worker) end
if status == 'running' and run.deadline(worker) then
  -- For a named worker: what became ready for it meanwhile.
  for _, id in ipairs(run.heldBy(worker, true)) do
    local held = run.get(id)
    if type(held) == 'table' and held.worker == worker then run.answer(id, held, nil) end
  end
  idle[worker] = true
end
return run.reply()
