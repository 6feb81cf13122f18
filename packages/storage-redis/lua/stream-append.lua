-- Adds items to a stream, gives a sign of life, ends it. S1, S2.
--
-- KEYS[1]  base of the run
-- ARGV[1]  the stream
-- ARGV[2]  JSON: producer, attempt, at, readers, hold, whole, end, total, error (absent ones are null), lifeMs, expiry in ms,
--          how many items the stream may hold
-- ARGV[3...]  items
-- Reply    whether the stream is the caller's; first, next, begun, left; lowest position of a living reader, and that any
--          reader needs, or nil
local id = ARGV[1]
local said = cjson.decode(ARGV[2])
local function opt(i) if said[i] ~= cjson.null then return said[i] end end
local producer, attempt, at = said[1], said[2], said[3]

local s = load(id)
if not s then
  if at > 0 then return { 0, 0, 0, 0, 0, false, false } end
  s = fresh()
end
local isTaken = s.producer ~= producer and (not s.producer or attempt > s.attempt)
if isTaken then
  s.producer, s.attempt = producer, attempt
end
if s.producer == producer and not s['end'] then
  s.alive, s.expected, s.hold, s.whole = now + said[10], said[4], said[5], said[6]
  trim(id, s)
  local added = false
  if at <= s.next then
    local from = s.next - at + 3
    for i = from, math.min(#ARGV, from + said[12] - (s.next - s.first) - 1) do
      call('XADD', itemsOf(id), idOf(s.next), 'i', ARGV[i])
      s.next = s.next + 1
      added = true
    end
  end
  s['end'], s.total, s.error = opt(7), opt(8), opt(9)
  trim(id, s)
  save(id, s, said[11])
  if added or s['end'] then tell(id, 'items') end
elseif isTaken then
  save(id, s, said[11])
end
local begun, needed = 0, false
for _, reader in pairs(s.readers) do
  begun = begun + 1
  if not reader[2] and (not needed or reader[1] < needed) then needed = math.max(reader[1], 0) end
end
return { s.producer == producer and 1 or 0, s.first, s.next, begun, left(s), slowest(s), needed }
