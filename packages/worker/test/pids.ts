/** Which processes an engine runs tasks in. */
import { each } from "@weft/core"
import { list, pid } from "./fixtures/tasks.ts"
import { type Settings, value } from "./harness.ts"

/** The processes that run `tasks` tasks at the same time, in order. Enough tasks keep each of a few busy. */
export const pidsOf = async (settings: Settings, tasks = 8): Promise<ReadonlyArray<number>> => {
  const pids = (await value(
    each(list(tasks), () => pid(60)),
    settings
  )) as ReadonlyArray<number>
  return [...new Set(pids)].sort((a, b) => a - b)
}

/** Whether a process is gone. */
export const ended = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}
