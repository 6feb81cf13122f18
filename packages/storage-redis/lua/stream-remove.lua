-- Removes all streams of a run.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- Reply    nothing of use
for _, id in ipairs(call('HKEYS', streams)) do call('UNLINK', itemsOf(id)) end
call('UNLINK', streams)
return 1
