-- A reader needs no more of a stream. S4.
-- flags: allow-oom
--
-- KEYS[1]  base of the run
-- ARGV[1]  the stream
-- ARGV[2]  the reader
-- Reply    nothing of use
local id = ARGV[1]
local s = load(id)
if not s then return 0 end
local reader = s.readers[ARGV[2]]
if reader then reader[2] = true else s.readers[ARGV[2]] = { 0, true, '', 0 } end
trim(id, s)
save(id, s)
tell(id, 'readers')
return 1
