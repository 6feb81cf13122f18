/** Many workers at once, and what they take. */
import { readFile } from "node:fs/promises"
import { startCloud, startDeployed } from "./cloud.ts"
import { fitting, gather, MEMORY } from "./crowd.ts"
import { fixed, median, most } from "./table.ts"

export interface Wide {
  readonly workers: number
  /** Processes that had a task at the same moment. */
  readonly processes: number
  /** Environments that were alive at the same moment, as Lambda reports. */
  readonly environments: number
  /** From the run's begin until all were there, in s. */
  readonly seconds: number
  /** Memory of all processes, what they share counted once, in MiB. */
  readonly totalMiB: number
  /** Of one: the median. */
  readonly eachMiB: number
  /** What one took as Lambda reports it, shared pages included: the median, in MiB. */
  readonly reportedMiB: number
}

/** A process's share of the memory that it uses (PSS), in MiB. */
const shareOf = async (pid: number): Promise<number> => {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8")
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1]) / 1024
}

/** @param mostWorkers as many as the machine may be asked for */
export const run = async (isQuick: boolean, mostWorkers: number): Promise<Wide> => {
  const workers = await fitting(Math.min(isQuick ? 20 : 500, mostWorkers))
  console.log(`\nwide: ${workers} workers at once`)
  await using cloud = await startCloud()
  await using deployed = await startDeployed(cloud, {}, { memory: MEMORY, isLean: true })
  let shares: ReadonlyArray<number> = []
  const { arrivals, begunAt } = await gather(cloud, deployed.engine(), workers, async (all) => {
    shares = await Promise.all(all.map(({ pid }) => shareOf(pid)))
  })
  const { invocations, totals } = deployed.lambda.report()
  const wide: Wide = {
    workers,
    processes: new Set(arrivals.map(({ pid }) => pid)).size,
    environments: totals.mostEnvironments,
    seconds: (most(arrivals.map(({ at }) => at))! - begunAt) / 1000,
    totalMiB: shares.reduce((sum, share) => sum + share, 0),
    eachMiB: median(shares)!,
    reportedMiB: median(invocations.map(({ maxMemoryMiB }) => maxMemoryMiB)) ?? 0
  }
  console.log(
    `${wide.processes} processes had a task at the same moment, in ${wide.environments} environments that were alive ` +
      `together, ${fixed(wide.seconds, 1)} s after the run's begin\n` +
      `memory: ${fixed(wide.totalMiB)} MiB in all, ${fixed(wide.eachMiB, 1)} MiB each (shared pages counted once)`
  )
  return wide
}
