/** What limits the memory and the CPU of environments, and how it is done without cgroups. */
import { availableParallelism } from "node:os"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { descendantsOf, peakMiB, residentMiB } from "./Processes.ts"

export interface Limits {
  readonly type: "cgroup-v1" | "cgroup-v2" | "none"
  /** What is limited and how, and what is not, in a sentence for people. */
  readonly description: string
  /** Makes what limits one environment, before its process starts. `id` is unique on this machine. */
  readonly confine: (id: string, memoryMiB: number) => Effect.Effect<Confinement, LimitsError>
}

/** What limits one environment. */
export interface Confinement {
  /** A process that writes its id into each of these files is limited from then on. */
  readonly joinFiles: ReadonlyArray<string>
  /** Folders that have to be removed, by `close` or by whoever comes after a crash. */
  readonly folders: ReadonlyArray<string>
  /** A process has started. If it uses too much and nothing else kills it, `kill` is called. */
  readonly watch: (pid: number, kill: () => void) => void
  /** It has been frozen, or has ended. */
  readonly unwatch: () => void
  /** Sets the share of the CPU that its memory gives. Before, it has at least one: initialisation is not slowed down, as is observed on AWS. */
  readonly slowDown: () => void
  /** Its processes, as far as they are known beside their process group. */
  readonly members: () => ReadonlyArray<number>
  /** The most memory that it has used, as far as that can still be told. */
  readonly peakMiB: (pid: number) => number
  /** Whether a process was killed for its memory since `watch`. */
  readonly isOutOfMemory: () => boolean
  readonly close: Effect.Effect<void>
}

export class LimitsError extends Data.TaggedError("LimitsError")<{
  readonly folder: string
  readonly cause: unknown
}> {
  override get message(): string {
    return `The limits of an environment could not be set in ${this.folder}: ${String(this.cause)}`
  }
}

/** AWS gives one vCPU for this much. */
const MIB_PER_CPU = 1769

/** How much of CPUs goes with an amount of memory: 0.07 with 128 MiB, 1 with 1,769 MiB, never more than there are. */
export const cpusOf = (memoryMiB: number, available: number = availableParallelism()): number =>
  Math.min(memoryMiB / MIB_PER_CPU, available)

/** How often memory is looked at where no group does it, in ms. */
const POLLED_MS = 50

/** No cgroups: memory is polled, the CPU is not limited. */
export const none: Limits = {
  type: "none",
  description:
    "No cgroups can be made here: the memory of a function's processes is read every 50 ms and an excess ends them " +
    "(on Linux; elsewhere only the heap of Node.js is limited); the CPU is not limited.",
  confine: (_id, memoryMiB) =>
    Effect.sync(() => {
      let timer: NodeJS.Timeout | undefined
      let peak = 0
      let isOutOfMemory = false
      const unwatch = () => clearInterval(timer)
      return {
        joinFiles: [],
        folders: [],
        watch: (pid, kill) => {
          unwatch()
          timer = setInterval(() => {
            const used = residentMiB([pid, ...descendantsOf(pid)])
            peak = Math.max(peak, used)
            if (used <= memoryMiB) return
            isOutOfMemory = true
            unwatch()
            kill()
          }, POLLED_MS)
        },
        unwatch,
        slowDown: () => {},
        members: () => [],
        peakMiB: (pid) => (peak = Math.max(peak, peakMiB([pid, ...descendantsOf(pid)]))),
        isOutOfMemory: () => isOutOfMemory,
        close: Effect.sync(unwatch)
      }
    })
}
