/** The worker processes of this machine, found by what they were started with. */
import { execFile } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"

const run = promisify(execFile)

/** The worker processes that a process has started, whether it still lives or not. */
export const workersOf = async (parent: number): Promise<ReadonlyArray<number>> => {
  const { stdout } = await run("ps", ["-A", "-ww", "-o", "pid=,stat=,args="], { maxBuffer: 2 ** 26 })
  return stdout.split("\n").flatMap((line) => {
    const [pid = "", state = ""] = line.trim().split(/\s+/)
    const isOurs = line.includes(`"parent":${parent}}`) && /engines.processes.entry\.[jt]s/.test(line)
    return isOurs && !state.startsWith("Z") ? [Number(pid)] : []
  })
}

/** Sends a signal; nothing if it has ended. */
export const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}

/** Waits until a process has no workers left. Those that remain. */
export const gone = async (parent: number, withinMs: number): Promise<ReadonlyArray<number>> => {
  const deadline = Date.now() + withinMs
  for (;;) {
    const left = await workersOf(parent)
    if (left.length === 0 || Date.now() > deadline) return left
    await sleep(50)
  }
}
