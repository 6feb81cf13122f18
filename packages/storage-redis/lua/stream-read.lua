-- Reads items of a stream, and says how far the reader is. S3.
--
-- KEYS[1]  base of the run
-- ARGV[1]  the stream
-- ARGV[2]  the reader
-- ARGV[3]  its worker
-- ARGV[4]  the position of the first item that it wants, -1 if it waits for the list
-- ARGV[5]  how many items at most
-- ARGV[6]  how long it counts as living, in ms
-- Reply    nil if there is no such stream; else first, next, status, total or nil, whether the producer has every item,
--          error or nil, items
local id = ARGV[1]
local s = load(id)
if not s then return false end
local from, max = tonumber(ARGV[4]), tonumber(ARGV[5])
local before = s.readers[ARGV[2]]
s.readers[ARGV[2]] = { from, false, ARGV[3], now + tonumber(ARGV[6]) }
trim(id, s)
save(id, s)
if not before or before[2] or before[1] ~= from then tell(id, 'readers') end
local items = {}
if max > 0 and from >= s.first and from < s.next then
  for i, entry in ipairs(call('XRANGE', itemsOf(id), idOf(from), '+', 'COUNT', max)) do items[i] = entry[2][2] end
end
local status = s['end'] or (s.alive > now and 'open' or 'silent')
return { s.first, s.next, status, s.total or false, s.whole and 1 or 0, s.error or false, items }
