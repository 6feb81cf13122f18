-- Keeps values of instances that are complete, and renews the worker's lease; hands over nothing. I9.
--
-- KEYS[1]  base of the run
-- ARGV[1]  the worker
-- ARGV[2]  JSON: instance, readers, where its bytes are in ARGV or 0 for an object, ...
-- ARGV[3...]  bytes
-- Reply    see reply; a run that has ended or is gone drops what it does not keep
local keep = cjson.decode(ARGV[2])
run.load()
if begun then run.hear(ARGV[1]) end
for i = 1, #keep, 3 do
  if status == 'running' then
    if not isEarly and run.get(keep[i]) ~= 'c' then
      isEarly = true
      call('HSET', run.key('s'), 'early', 1)
    end
    run.put(keep[i], keep[i + 1], keep[i + 2])
  else run.turnAway(keep[i], keep[i + 2]) end
end
return run.reply()
