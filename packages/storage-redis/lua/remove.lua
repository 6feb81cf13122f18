-- Removes everything of a run, wakes its named workers and tells the client.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- Reply    nothing of use
-- What cannot be read goes, too.
if pcall(load) and begun then
  wakeAll()
  say('client', '{"type":"ended","status":"gone"}')
  begun = false
  write()
end
for _, k in ipairs(heldKeys()) do call('UNLINK', k) end
call('UNLINK', key('s'), key('p'), key('v'), key('r'), key('t'), key('l'), key('w'), key('f'), key('d'))
return 1
