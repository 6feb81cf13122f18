-- Workers are lost: the streams that they produce, and the readers that they run, are dead.
--
-- KEYS[1]  base of the run
-- ARGV     the workers
-- Reply    nothing of use
local lost = {}
for _, worker in ipairs(ARGV) do lost[worker] = true end
for _, id in ipairs(call('HKEYS', streams)) do
  local s = load(id)
  local readers = false
  for _, reader in pairs(s.readers) do
    if lost[reader[3]] then
      reader[4] = 0
      readers = true
    end
  end
  local producer = lost[s.producer] and not s['end']
  if producer then s.alive = 0 end
  if producer or readers then save(id, s) end
  if producer then tell(id, 'items') end
  if readers then tell(id, 'readers') end
end
return 1
