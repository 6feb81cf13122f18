-- Workers are lost: the streams that they produce, and the readers that they run, are dead.
--
-- KEYS[1]  base of the run
-- ARGV     the workers
-- Reply    nothing of use
local lost = {}
for _, worker in ipairs(ARGV) do lost[worker] = true end
for _, id in ipairs(call('HKEYS', streams)) do
  local s = load(id)
  local any = false
  if lost[s.producer] and not s['end'] then
    s.alive = 0
    any = true
  end
  for _, reader in pairs(s.readers) do
    if lost[reader[3]] then
      reader[4] = 0
      any = true
    end
  end
  if any then
    save(id, s)
    tell(id)
  end
end
return 1
