-- Removes everything of a run, wakes its named workers and tells the client.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- Reply    nothing of use
-- What cannot be read goes, too.
if pcall(run.load) and begun then
  run.wakeAll()
  run.say('client', '{"type":"ended","status":"gone"}')
  begun = false
  run.write()
end
for _, k in ipairs(run.heldKeys()) do call('UNLINK', k) end
for _, name in ipairs({ 's', 'p', 'v', 'r', 't', 'l', 'w', 'f', 'd' }) do call('UNLINK', run.key(name)) end
return 1
