-- Makes a worker the holder of instances that another handed to it, and renews its lease; takes over nothing. I3.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the worker
-- ARGV[2]  JSON: instances
-- Reply    see reply; refused: what is not ready (any more)
local worker = ARGV[1]
local ids = cjson.decode(ARGV[2])
load()
if begun then
  renew(worker)
  prefetch(ids)
end
local adopted = {}
for _, id in ipairs(ids) do
  local held = begun and get(id)
  if type(held) ~= 'table' then
    refused[#refused + 1] = id
  else
    obtain(worker)
    local mine = adopted[held] or way(held.attempt, true, held.planned, worker)
    adopted[held] = mine
    if mine ~= held then
      remove(id, held)
      add(id, mine)
      set(id, mine)
      idle[held.worker] = true
    end
  end
end
return reply()
