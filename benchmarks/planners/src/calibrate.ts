/** How fast this machine is: iterations of `burn` in 1 ms on a whole core. */
import { burn } from "./tasks.ts"

const ITERATIONS = 2_000_000
const TIMES = 15

/** The fastest of several tries, by processor time: others may be using the core, too. */
export const iterationsPerMs = (): number => {
  let least = Number.POSITIVE_INFINITY
  let sum = 0
  for (let i = 0; i < TIMES; i++) {
    const before = process.threadCpuUsage()
    // Used, so that it is not left out.
    sum += burn(ITERATIONS)
    const { system, user } = process.threadCpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return sum < 0 ? 0 : Math.round(ITERATIONS / least)
}
