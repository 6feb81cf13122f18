/** A run that is under way, and what there is to be harmed. */
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { RunHandle } from "weft"
import type { Said, Told } from "./client.ts"
import type { Random } from "./random.ts"
import type { Store } from "./store.ts"

/** What faults get at. */
export interface World {
  readonly next: Random
  readonly store: Store
  /** The worker processes that there are now. */
  readonly workers: () => Promise<ReadonlyArray<number>>
  /** Of a client in a process of its own. */
  readonly killClient: () => Promise<void>
  /** Aborted when the run is over. */
  readonly over: AbortSignal
}

/** How far a run is, and whoever waits for it to get there. */
export class Progress {
  private share = 0
  private waiting: { readonly share: number; readonly reached: () => void } | undefined

  /** Resolves when so large a share of the nodes is complete. */
  reaches(share: number): Promise<void> {
    return new Promise((reached) => {
      this.waiting = { share, reached }
      this.look()
    })
  }

  is(completed: number, total: number): void {
    this.share = completed / total
    this.look()
  }

  private look(): void {
    if (this.waiting !== undefined && this.share >= this.waiting.share) this.waiting.reached()
  }
}

/** Follows a run of this process. */
export const follow = (handle: RunHandle<unknown>, events: Array<string>): Progress => {
  const progress = new Progress()
  const following = async () => {
    let completed = 0
    for await (const event of handle.events) {
      if (event.type === "completed") progress.is((completed += event.nodes.length), event.total)
      if (event.type === "progress") progress.is((completed = event.completed), event.total)
      if (event.type !== "output") events.push(`${Date.now()} ${JSON.stringify(event).slice(0, 300)}`)
      if (events.length > KEPT) events.shift()
    }
  }
  void following()
  return progress
}

/** How many events are shown when a run hangs. */
const KEPT = 60

/** A client in a process of its own. */
export interface Elsewhere {
  readonly run: string
  readonly pid: number
  readonly progress: Progress
  /** Resolves with its exit code; `null` if it was killed. */
  readonly ended: Promise<number | null>
  readonly kill: () => Promise<void>
  /** What it and its workers have written to stderr. */
  readonly stderr: () => string
}

/** Starts a client, and waits until it has begun its run. */
export const startClient = async (told: Told): Promise<Elsewhere> => {
  const program = fileURLToPath(new URL("./client.ts", import.meta.url))
  const child = spawn(process.execPath, ["--conditions=@weft/source", program, JSON.stringify(told)], {
    stdio: ["ignore", "pipe", "pipe"]
  })
  const ended = new Promise<number | null>((resolve) => child.on("exit", resolve))
  const progress = new Progress()
  let stderr = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-10_000)
  })
  const begun = Promise.withResolvers<string>()
  createInterface(child.stdout).on("line", (line) => {
    const said = JSON.parse(line) as Said
    if (said.type === "begun") begun.resolve(said.run)
    else progress.is(said.completed, said.total)
  })
  void ended.then((code) => begun.reject(new Error(`the client ended with ${code}:\n${stderr}`)))
  return {
    run: await begun.promise,
    pid: child.pid!,
    progress,
    ended,
    kill: async () => {
      child.kill("SIGKILL")
      await ended
    },
    stderr: () => stderr
  }
}
