/**
 * The tasks. They write down when one ends that had been begun before, and where one is held: into the folder that
 * `WEFT_FAULTS` names, one file for each run.
 */
import { appendFileSync, closeSync, existsSync, openSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { context, task } from "weft"
import type { Entry } from "./journal.ts"
import * as work from "./work.ts"

const fileOf = (what: string): string => {
  const folder = process.env.WEFT_FAULTS
  if (folder === undefined) throw new Error("WEFT_FAULTS must name a folder")
  return join(folder, `${context().run}.${what}`)
}

const note = (type: Entry["type"]) => {
  const { attempt, node } = context()
  const entry: Entry = { type, node, attempt, pid: process.pid, at: Date.now() }
  appendFileSync(fileOf("journal"), `${JSON.stringify(entry)}\n`)
}

/** Whether this has not been asked in this run before, in whatever process. */
const isFirst = (what: string): boolean => {
  try {
    closeSync(openSync(fileOf(what), "wx"))
    return true
  } catch {
    return false
  }
}

const noted = <A>(value: A): A => {
  if (context().attempt > 1) note("again")
  return value
}

/** Waits for so many ms. */
export const wait = task("wait", async (salt: number, ms: number, inputs: ReadonlyArray<number>) => {
  await sleep(ms)
  return noted(work.mix(salt, inputs))
})

/** The process that it runs in, after so many ms. */
export const place = task("place", (ms: number) => sleep(ms, process.pid))

/** Computes for so many ms. */
export const grind = task("grind", (salt: number, ms: number, inputs: ReadonlyArray<number>) => {
  const until = performance.now() + ms
  while (performance.now() < until);
  return noted(work.mix(salt, inputs))
})

export const fold = task("fold", (inputs: ReadonlyArray<number>) => noted(work.mix(0, inputs)))
export const blob = task("blob", (size: number, input: number) => noted(work.blob(size, input)))
export const digest = task("digest", (bytes: Uint8Array) => noted(work.digest(bytes)))
export const numbers = task("numbers", (width: number, input: number) => noted(work.numbers(width, input)))

/** Throws when it is called for the first time in a run. */
export const flaky = task(
  "flaky",
  (salt: number, inputs: ReadonlyArray<number>) => {
    if (isFirst(`flaky-${salt}`)) throw new Error("the first time it fails")
    return work.mix(salt, inputs)
  },
  { retry: { attempts: 3, backoff: 5 } }
)

/** Fills its process's heap when it is called for the first time in a run. */
export const greedy = task("greedy", (salt: number, inputs: ReadonlyArray<number>) => {
  const kept: Array<Array<number>> = []
  if (isFirst("greedy")) for (;;) kept.push(Array.from({ length: 10_000 }, (_, i) => i + 0.5))
  return noted(work.mix(salt, inputs))
})

/** Is held when it is called for the first time, until it has been called again, or another has. */
export const hold = task("hold", async (n: number) => {
  if (!isFirst(`hold-${n}`)) {
    note("again")
    isFirst("open")
    return n
  }
  note("held")
  const open = fileOf("open")
  const { signal } = context()
  while (!existsSync(open) && !signal.aborted) await sleep(10)
  return n
})
