/**
 * Renews leases from a thread of its own, with a store of its own: a task may block the thread that its worker is in
 * for minutes. What stops the whole process stops that thread, too, as it should.
 */
import { Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import { heartbeat } from "../Heartbeat.ts"
import { Held, type Leases, none } from "./Leases.ts"
import type { FromRenewal, RenewalSettings, RenewedRun, ToRenewal } from "./renewal/Protocol.ts"

/** Renews the leases of a run from this thread, until the scope closes. */
export const inThisThread = Effect.fnUntraced(function* (run: string, leaseMs: number) {
  if (!Number.isFinite(leaseMs)) return none
  const held = new Held()
  // It stops when the store will have none of it: whoever waits for the run, or runs it, is told the same.
  yield* Effect.forkScoped(Effect.ignore(heartbeat(run, leaseMs, held.workers)))
  return held as Leases
})

/** Renews the leases of a run from the thread that all runs of this process share, until the scope closes. */
export const inThreadOfItsOwn = (opening: RenewedRun) =>
  Effect.acquireRelease(
    Effect.sync(() => ofThisProcess.open(opening)),
    () => Effect.sync(() => ofThisProcess.close(opening.run))
  )

const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "./renewal/entry.ts" : "./renewal/entry.js",
  import.meta.url
)

/** A thread that renews leases. It starts with the first worker at the latest, and does not keep the process from ending. */
export class Renewal {
  private readonly runs = new Map<string, { readonly opening: RenewedRun; readonly held: Held }>()
  private readonly settings: RenewalSettings
  private readonly onOver: (run: string) => void
  private readonly entry: URL
  private thread: Worker | undefined

  /**
   * @param parent the process that this one can go on without; see `RenewalSettings`
   * @param onOver told when the store says that a run is over
   * @param entry what the thread runs: a bundle has it elsewhere
   */
  constructor(parent: number | undefined, onOver: (run: string) => void, entry: URL = ENTRY) {
    this.settings = { parent, deadline: new SharedArrayBuffer(8) }
    this.onOver = onOver
    this.entry = entry
  }

  /** Until when the main thread must have ended a task, in ms since the epoch. */
  setDeadline(at: number | undefined): void {
    Atomics.store(new BigInt64Array(this.settings.deadline), 0, BigInt(Math.round(at ?? 0)))
  }

  open(opening: RenewedRun): Leases {
    const { run } = opening
    const held = new Held()
    this.runs.set(run, { opening, held })
    this.tell({ type: "open", opening })
    return {
      hold: (worker) => {
        this.start()
        held.hold(worker)
        this.tell({ type: "hold", run, worker })
      },
      release: (worker) => {
        held.release(worker)
        this.tell({ type: "release", run, worker })
      }
    }
  }

  close(run: string): void {
    this.runs.delete(run)
    this.tell({ type: "close", run })
  }

  /** Ends the thread, which takes 10 MB, while no lease has to be renewed. It starts again with the next worker. */
  rest(): void {
    if (this.runs.size > 0) return
    const { thread } = this
    this.thread = undefined
    void thread?.terminate()
  }

  private tell(message: ToRenewal): void {
    this.thread?.postMessage(message)
  }

  /** Starts the thread, if it does not run: where there is time for it before the first worker. */
  start(): void {
    if (this.thread !== undefined) return
    const thread = new Worker(this.entry, { name: "weft-leases", workerData: this.settings })
    this.thread = thread
    thread.on("message", ({ run }: FromRenewal) => this.onOver(run))
    thread.on("error", (error) => process.emitWarning(error))
    thread.on("exit", () => {
      // Started again with the next worker, for all that there are then.
      if (this.thread === thread) this.thread = undefined
    })
    // After the listeners, which hold the process again.
    thread.unref()
    for (const [run, { held, opening }] of this.runs) {
      this.tell({ type: "open", opening })
      for (const worker of held.workers) this.tell({ type: "hold", run, worker })
    }
  }
}

const ofThisProcess = new Renewal(undefined, () => {})
