-- A named worker is there: answers all that it holds. I5.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the worker
-- ARGV[2]  its incarnation
-- Reply    see reply; false if another incarnation is alive
local worker, incarnation = ARGV[1], 'i' .. ARGV[2]
run.load()
if status ~= 'running' then return run.reply() end
local isOther = run.isAlive(worker) and run.nameState(worker) ~= incarnation
if isOther and run.deadline(worker) > now then return false end
-- Another incarnation that was silent for too long is lost like any worker.
if not isOther then run.renew(worker) end
run.expire()
run.obtain(worker)
if run.nameState(worker) ~= incarnation then run.setNameState(worker, incarnation) end
-- What an incarnation was given may not have reached it: it gets everything.
for _, id in ipairs(run.heldBy(worker)) do run.answer(id, run.get(id), nil) end
run.takeOver(worker)
return run.reply()
