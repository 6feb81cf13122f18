-- Makes a worker the holder of instances that another handed to it, and renews its lease; takes over nothing. I3.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the worker
-- ARGV[2]  JSON: instances
-- Reply    see reply; refused: what is not ready (any more)
local worker = ARGV[1]
local ids = cjson.decode(ARGV[2])
run.load()
if begun then
  run.renew(worker)
  run.prefetch(ids)
end
local adopted = {}
for _, id in ipairs(ids) do
  local held = begun and run.get(id)
  if type(held) ~= 'table' then
    refused[#refused + 1] = id
  else
    run.obtain(worker)
    local mine = adopted[held] or run.way(held.attempt, true, held.planned, worker)
    adopted[held] = mine
    if mine ~= held then
      run.remove(id, held)
      run.add(id, mine)
      run.set(id, mine)
      idle[held.worker] = true
    end
  end
end
return run.reply()
