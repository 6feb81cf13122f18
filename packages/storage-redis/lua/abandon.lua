-- Says that workers are lost, without waiting for their leases. I5.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the taker
-- ARGV[2]  the reason
-- ARGV[3...]  workers
-- Reply    see reply
run.load()
if begun and status == 'running' then
  -- First: a loss that somebody has seen is a whole one, although the lease may have run out, too.
  for i = 3, #ARGV do
    if run.deadline(ARGV[i]) then run.lose(ARGV[i], ARGV[2], true) end
  end
  run.expire()
  run.takeOver(ARGV[1])
end
return run.reply()
