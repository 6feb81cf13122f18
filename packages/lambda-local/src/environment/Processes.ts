/** What processes use, from /proc. Without it, and for processes that are gone, nothing. */
import { readFileSync } from "node:fs"

const PAGE = 4096
const MIB = 1024 * 1024

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return undefined
  }
}

/** The children of a process, and theirs. */
export const descendantsOf = (pid: number): ReadonlyArray<number> =>
  (read(`/proc/${pid}/task/${pid}/children`) ?? "")
    .split(" ")
    .filter((child) => child !== "")
    .flatMap((child) => [Number(child), ...descendantsOf(Number(child))])

const sum = (pids: Iterable<number>, ofOne: (pid: number) => number): number => {
  let total = 0
  for (const pid of new Set(pids)) total += ofOne(pid)
  return total
}

/** What is in memory now. */
export const residentMiB = (pids: Iterable<number>): number =>
  sum(pids, (pid) => (Number(read(`/proc/${pid}/statm`)?.split(" ")[1] ?? 0) * PAGE) / MIB)

/** The most that each has had in memory. */
export const peakMiB = (pids: Iterable<number>): number =>
  sum(pids, (pid) => Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${pid}/status`) ?? "")?.[1] ?? 0) / 1024)

/** What a process does with the CPU. */
export interface Activity {
  /** Whether its main thread runs, or would if there were a CPU for it. */
  readonly isRunnable: boolean
  /** What its threads have used, in hundredths of a second. */
  readonly ticks: number
}

export const activityOf = (pid: number): Activity | undefined => {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return { isRunnable: fields[0] === "R", ticks: Number(fields[11]) + Number(fields[12]) }
}
