/** How fast this machine is: iterations of `burn` in 1 ms on a whole core. */
import { burn } from "./tasks.ts"

const ITERATIONS = 2_000_000
const TIMES = 15

/** The fastest of several tries, by processor time: others may be using the core, too. */
export const iterationsPerMs = (): number => {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < TIMES; i++) {
    const before = process.threadCpuUsage()
    burn(ITERATIONS)
    const { system, user } = process.threadCpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return Math.round(ITERATIONS / least)
}
