-- A named worker wants to leave: if the answer has ready instances it must stay.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the worker
-- ARGV[2]  its incarnation
-- Reply    see reply
local worker = ARGV[1]
run.load()
if not begun or status ~= 'running' or run.nameState(worker) ~= 'i' .. ARGV[2] then return run.reply() end
run.renew(worker)
run.expire()
run.takeOver(worker)
if status ~= 'running' then return run.reply() end
-- What the plan gave it is nobody else's to run. If it does not know of something, the answer was lost.
for _, id in ipairs(run.heldBy(worker)) do
  local held = run.get(id)
  if type(held) == 'table' and held.worker == worker and held.planned == worker then run.answer(id, held, nil) end
end
if #plain + #special == 0 then
  run.setNameState(worker, false)
  idle[worker] = true
end
return run.reply()
