-- What becomes ready, and what becomes of what was lost. I2, I3, I5. Part of the steps that all operations share: see run.lua.

-- Answers what its holder has not been told of, or may have forgotten: once.
function run.answer(id, held, inputs)
  if not held.told then
    run.remove(id, held)
    held = run.wayTo(held.worker, held)
    run.add(id, held)
    run.set(id, held)
  end
  if isAnswered[id] then return end
  isAnswered[id] = true
  if held.attempt == 1 and not inputs then plain[#plain + 1] = id
  else special[#special + 1] = { id, held.attempt, inputs or {} } end
end

-- I3: gives a ready instance to the caller, or to the named worker it was planned for.
function run.makeReady(caller, id, planned, inputs, begun, unbegun)
  local worker = planned ~= '' and planned or caller
  run.obtain(worker)
  local held = begun and run.way(begun, unbegun, worker == caller, planned, worker) or run.freshWay(caller, planned)
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
  if waits > 0 then run.set(id, waits) else run.makeReady(caller, id, planned, inputs) end
end

-- Forgets a holder. What it held is handed out by takeOver, when it is clear who is lost and what is complete.
-- whole: counts as an attempt, else as a tenth of one
function run.lose(worker, reason, whole)
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
  lost[#lost + 1] = { worker = worker, held = held, reason = reason, whole = whole }
end

-- I4, I5: everyone who speaks learns whose lease has run out.
function run.expire()
  if not begun or status ~= 'running' then return end
  for _, worker in ipairs(call('ZRANGEBYSCORE', run.key('l'), '-inf', string.format('%.0f', now))) do
    if run.hasBegun(worker) then run.lose(worker, 'it has not been heard of for longer than its lease', true)
    else run.lose(worker, 'it did not begin within its lease', false) end
  end
end

local function times(count) return count == 1 and 'once' or count .. ' times' end

function run.giveUp(id, worker, begun, unbegun, reason)
  local message = 'its worker was '
  if begun == 0 then message = message .. 'invoked ' .. unbegun .. ' times and never began'
  elseif unbegun > 0 then
    message = message .. 'lost ' .. times(begun) .. ', and ' .. times(unbegun)
      .. ' was invoked and never began; the last time because ' .. reason
  elseif begun == 1 then message = message .. 'lost: ' .. reason
  else message = message .. 'lost ' .. times(begun) .. ', the last time because ' .. reason end
  local count = begun + unbegun
  local text = cjson.encode({ instance = id, kind = 'lost', worker = worker, attempts = count, message = message })
  run.fail(cjson.encode({ id, worker, count, 'lost' }), text)
end

-- I5: hands out what was lost in this step, counting the loss of each.
function run.takeOver(taker)
  if #lost == 0 then return end
  local all = lost
  lost = {}
  for _, one in ipairs(all) do
    for _, id in ipairs(one.held) do
      if status ~= 'running' then return end
      local held = run.get(id)
      if type(held) == 'table' and isLost[id] then
        local begun = held.begun + (one.whole and 1 or 0)
        local unbegun = held.unbegun + (one.whole and 0 or 1)
        if begun + math.floor(unbegun / TENTHS) < maxAttempts then
          run.makeReady(taker, id, held.planned, nil, begun, unbegun)
        else
          run.giveUp(id, one.worker, begun, unbegun, one.reason)
        end
      end
    end
  end
  -- It has a whole lease for what it was given.
  if #plain + #special > 0 then run.renew(taker) end
end
