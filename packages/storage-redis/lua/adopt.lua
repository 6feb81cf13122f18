-- Makes a worker the holder of instances that another handed to it, and renews its lease; takes over nothing. I3, I10.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the worker
-- ARGV[2]  JSON: instances
-- ARGV[3]  the worker's incarnation, if it begins itself, else ""
-- ARGV[4]  the worker that hands the instances over, or ""
-- Reply    see reply; refused: what is not ready (any more), and what another holds that is there
local worker, incarnation, from = ARGV[1], ARGV[3], ARGV[4]
local ids = cjson.decode(ARGV[2])
run.load()

local isOther = false
if begun and incarnation ~= '' and run.hasBegun(worker) then
  local known = string.sub(run.nameState(worker), 2)
  isOther = known ~= '' and known ~= incarnation and run.deadline(worker) > now
end
if begun and not isOther then
  run.renew(worker)
  run.prefetch(ids)
end

local adopted, isAnothers = {}, {}
for _, id in ipairs(ids) do
  local held = begun and not isOther and run.get(id)
  if type(held) == 'table' and isAnothers[held.worker] == nil then
    local holder = held.worker
    isAnothers[holder] = holder ~= worker and holder ~= from and run.hasBegun(holder) and run.deadline(holder) > now
  end
  if type(held) ~= 'table' or isAnothers[held.worker] then
    refused[#refused + 1] = id
  else
    run.obtain(worker)
    local mine = adopted[held] or run.wayTo(worker, held)
    adopted[held] = mine
    if mine ~= held then
      run.remove(id, held)
      run.add(id, mine)
      run.set(id, mine)
      if held.worker ~= worker then idle[held.worker] = true end
    end
  end
end
if incarnation ~= '' and not isOther and status == 'running' and run.deadline(worker) then
  local state = run.nameState(worker)
  if not state or (string.sub(state, 1, 1) == 'b' and state ~= 'b' .. incarnation) then
    run.setNameState(worker, 'b' .. incarnation)
  end
end
return run.reply()
