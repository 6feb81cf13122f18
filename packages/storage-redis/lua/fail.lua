-- Records a failure, once, and marks the run failed. I6.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  what tells the failure from others
-- ARGV[2]  the failure as JSON
-- Reply    nothing of use
run.load()
if begun then
  run.fail(ARGV[1], ARGV[2])
  run.write()
end
return 1
