-- How a run ends. I6, I8. Part of the steps that all operations share: see run.lua.

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
  local known = call('HMGET', run.key('s'), 'resultTtl', 'begunAt')
  ttl = tonumber(known[1])
  local makespan = now - (tonumber(known[2]) or now)
  run.say('client', '{"type":"ended","status":"' .. outcome .. '","makespanMs":' .. string.format('%.0f', makespan) .. '}')
  call('HSET', run.key('s'), 'endedAt', string.format('%.0f', now), 'ttl', string.format('%.0f', ttl))
  for _, k in ipairs(run.heldKeys()) do call('UNLINK', k) end
  call('UNLINK', run.key('p'), run.key('l'), run.key('w'), run.key('r'))
  touched.p, touched.l, touched.w, touched.r = nil, nil, nil, nil
  progress, dirty, deadlines, named, idle, spoken = {}, {}, {}, {}, {}, {}
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
