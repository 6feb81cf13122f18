/** Looking through all keys of a server, which takes time: for counting only, never on a run's way. */
import type { Redis } from "ioredis"

/** Adds up what the keys of a pattern have. */
export const sum = async (
  node: Redis,
  pattern: string,
  of: (key: string) => Promise<number>
): Promise<number> => {
  // A key may be seen twice.
  const seen = new Set<string>()
  for await (const keys of node.scanStream({ match: pattern, count: 1_000 })) {
    for (const key of keys as ReadonlyArray<string>) seen.add(key)
  }
  const counts = await Promise.all([...seen].map(of))
  return counts.reduce((total, count) => total + count, 0)
}

/** Text as the part of a pattern that means only itself. */
export const literally = (text: string): string => text.replace(/[*?[\]\\]/g, "\\$&")
