-- A named worker is there: answers all that it holds. I5.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the worker
-- ARGV[2]  its incarnation
-- Reply    see reply; false if another incarnation is alive
local worker, incarnation = ARGV[1], 'i' .. ARGV[2]
load()
if status ~= 'running' then return reply() end
local isOther = isAlive(worker) and nameState(worker) ~= incarnation
if isOther and deadline(worker) > now then return false end
-- Another incarnation that was silent for too long is lost like any worker.
if not isOther then renew(worker) end
expire()
obtain(worker)
if nameState(worker) ~= incarnation then setNameState(worker, incarnation) end
-- What an incarnation was given may not have reached it: it gets everything.
for _, id in ipairs(heldBy(worker)) do answer(id, get(id), nil) end
takeOver(worker)
return reply()
