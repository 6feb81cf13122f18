-- Publishes a hint. From where the run's keys are, so that in a cluster all messages of a run come in order. I7.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the channel
-- ARGV[2]  the message as JSON
-- Reply    nothing of use
return call('PUBLISH', base .. ':c:' .. ARGV[1], ARGV[2])
