-- A named worker wants to leave: if the answer has ready instances it must stay.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the worker
-- ARGV[2]  its incarnation
-- Reply    see reply
local worker = ARGV[1]
load()
if not begun or status ~= 'running' or nameState(worker) ~= 'i' .. ARGV[2] then return reply() end
renew(worker)
expire()
takeOver(worker)
if status ~= 'running' then return reply() end
-- What the plan gave it is nobody else's to run. If it does not know of something, the answer was lost.
for _, id in ipairs(heldBy(worker)) do
  local held = get(id)
  if type(held) == 'table' and held.worker == worker and held.planned == worker then answer(id, held, nil) end
end
if #plain + #special == 0 then
  setNameState(worker, false)
  idle[worker] = true
end
return reply()
