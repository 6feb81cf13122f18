-- Says that workers are lost, without waiting for their leases. I5.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the taker
-- ARGV[2]  the reason
-- ARGV[3...]  workers
-- Reply    see reply
load()
if begun and status == 'running' then
  expire()
  for i = 3, #ARGV do
    if deadline(ARGV[i]) then lose(ARGV[i], ARGV[2]) end
  end
  takeOver(ARGV[1])
end
return reply()
