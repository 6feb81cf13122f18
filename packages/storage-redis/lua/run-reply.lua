-- Writing down what a step changed, and answering. Part of the steps that all operations share: see run.lua.

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
    run.writeWorkers()
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
