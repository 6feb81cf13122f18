-- Marks the run cancelled, if it is running.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the reason
-- Reply    nothing of use
run.load()
if begun and status == 'running' then
  call('HSET', run.key('s'), 'reason', ARGV[1])
  run.finish('cancelled')
end
if begun then run.write() end
return 1
