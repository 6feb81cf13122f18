-- How far a run has come, and why it ended.
-- flags: no-writes
--
-- KEYS[1]  base of the run
-- Reply    { status, workflow, begun at, ended at, clock, lease, completed, instances, reason, failures: number and JSON, ... };
--          nothing if the run is gone
local s = call('HMGET', run.key('s'), 'status', 'workflow', 'begunAt', 'endedAt', 'clock', 'lease', 'completed',
  'instances', 'reason')
if not s[1] then return {} end
local failures = redis.pcall('HVALS', run.key('f'))
s[10] = failures.err and { failures.err } or failures
return s
