/** Which processes an engine runs tasks in. */
import { each } from "@weft/core"
import { list, pid } from "./fixtures/tasks.ts"
import { type Settings, value } from "./harness.ts"

/**
 * The processes that run `tasks` tasks at the same time, in order: all of an engine's, if there are enough tasks.
 *
 * @param atLeast so many have to have started; asks until they have
 */
export const pidsOf = async (settings: Settings, tasks = 8, atLeast = 2): Promise<ReadonlyArray<number>> => {
  while (true) {
    const pids = (await value(
      each(list(tasks), () => pid(60)),
      settings
    )) as ReadonlyArray<number>
    const found = [...new Set(pids)].sort((a, b) => a - b)
    if (found.length >= atLeast) return found
  }
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
