-- Makes a worker the holder of instances that another handed to it, and renews its lease; takes over nothing. I3.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the worker
-- ARGV[2]  JSON: instances
-- Reply    see reply; refused: what is not ready (any more)
local worker = ARGV[1]
local ids = cjson.decode(ARGV[2])
for i, id in ipairs(ids) do ids[i] = tostring(id) end
load()
if begun then
  renew(worker)
  prefetch(ids)
end
for _, id in ipairs(ids) do
  local held = begun and get(id)
  if type(held) ~= 'table' then
    refused[#refused + 1] = id
  else
    obtain(worker)
    if held.worker ~= worker or not held.told then
      remove(id, held)
      if held.worker ~= worker then
        idle[held.worker] = true
        seq = seq + 1
        held.seq = seq
        held.worker = worker
      end
      held.told = true
      add(id, held)
      set(id, held)
    end
  end
end
return reply()
