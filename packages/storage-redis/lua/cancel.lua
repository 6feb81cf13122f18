-- Marks the run cancelled, if it is running.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the reason
-- Reply    nothing of use
load()
if begun and status == 'running' then
  call('HSET', key('s'), 'reason', ARGV[1])
  finish('cancelled')
end
if begun then write() end
return 1
