/** Plans at random: some nodes to some workers, also nodes inside of eaches, and memory to some. */
import type { Plan } from "@weft/core"
import fc from "fast-check"
import type { Plans } from "./harness.ts"

/** What a random plan is made from: how many of the nodes are given to workers, and to how many workers. */
export const arbitraryPlan: fc.Arbitrary<Plans> = fc
  .record({
    share: fc.constantFrom(0, 0.1, 0.5, 0.9, 1),
    workers: fc.integer({ min: 1, max: 6 }),
    seed: fc.integer()
  })
  .map(({ seed, share, workers }) => {
    const plans: Plans = (graph) => {
      const random = generator(seed)
      const nodes = new Map<number, Plan.NodePlan>()
      for (let id = 0; id < graph.size; id++) {
        const number = Math.floor(random() * workers)
        if (random() < share) nodes.set(id, { worker: `worker-${number}`, memory: 128 * (number + 1) })
        else if (random() < 0.5) nodes.set(id, { memory: 128 * (number + 1) })
      }
      return { nodes }
    }
    return Object.assign(plans, {
      [fc.toStringMethod]: () => `${share} of the nodes to ${workers} workers, seed ${seed}`
    })
  })

/** Random numbers from 0 to 1 (Mulberry32). */
export const generator = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
