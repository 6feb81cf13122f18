-- Begins a run; repeated, it answers again what the client still holds and whom it must invoke. I3.
--
-- KEYS[1]  base of the run
-- ARGV[1]  the client
-- ARGV[2]  JSON: { workflow, leaseMs or "inf", maxAttempts, instances, ready: instance, planned worker or 0, ...,
--          targets: instance, ..., expiry of the run in ms, expiry of its result in ms }
-- ARGV[3]  the graph; ARGV[4] the plan; ARGV[5] the module's URL; ARGV[6] the behaviours as JSON;
--          ARGV[7] the upload strategy as JSON, or nothing
-- Reply    see reply
local client = ARGV[1]
local spec = cjson.decode(ARGV[2])
local initial, targets = spec[5], spec[6]

run.load()
if begun then
  for i = 1, #initial, 2 do
    run.answerAgain(client, initial[i], initial[i + 1] ~= 0 and initial[i + 1] or '', nil)
  end
  return run.reply()
end

begun, status, instances, completed = true, 'running', spec[4], 0
lease = spec[2] == 'inf' and math.huge or spec[2]
maxAttempts, ttl = spec[3], spec[7]
run.chunked('SADD', run.key('t'), targets)
open = call('SCARD', run.key('t'))
call('HSET', run.key('s'), 'workflow', spec[1], 'begunAt', string.format('%.0f', now), 'lease', tostring(spec[2]),
  'max', maxAttempts, 'ttl', string.format('%.0f', ttl), 'resultTtl', string.format('%.0f', spec[8]))
call('HSET', run.key('d'), 'graph', ARGV[3], 'plan', ARGV[4], 'module', ARGV[5], 'behaviours', ARGV[6],
  'metrics', ARGV[7])
for i = 1, #initial, 2 do
  progress[initial[i]] = false
  run.makeReady(client, initial[i], initial[i + 1] ~= 0 and initial[i + 1] or '', nil)
end
if open == 0 then run.finish('succeeded') end
return run.reply()
