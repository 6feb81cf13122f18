-- Renews the leases of workers, and takes over for the taker what others lost, if there is a taker. I5.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the taker, or ""
-- ARGV[2...]  workers
-- Reply    see reply
run.load()
if begun then
  for i = 2, #ARGV do run.hear(ARGV[i]) end
  if ARGV[1] ~= '' then
    run.expire()
    run.takeOver(ARGV[1])
  end
end
return run.reply()
