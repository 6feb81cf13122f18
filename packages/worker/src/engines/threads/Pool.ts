/**
 * The threads of the engine, and who runs where: which workers are active in which thread, which wait for a place,
 * and what becomes of them when a thread ends.
 */
import { Worker } from "node:worker_threads"
import type { Invocation } from "../../Invocation.ts"
import { type FromThread, portableInvocation, type ToThread, transferOf } from "./Protocol.ts"

/** What a thread needs to know from the beginning. */
export interface ThreadSettings {
  readonly parallelism: number
  readonly fanOut: number
  readonly idleMs: number
}

export interface PoolOptions extends ThreadSettings {
  readonly threads: number
  /** How many workers may be active at once in all threads. */
  readonly concurrency: number
  /** Heap of each thread, in MiB. */
  readonly heapMiB: number | undefined
}

/** What the pool tells the engine about one run. */
export interface RunListener {
  readonly receive: (message: FromThread, answer: (message: ToThread) => void) => void
  /** Workers were lost with their thread, or ended by a fault. `unsent` is what they have not had time to invoke. */
  readonly lost: (workers: ReadonlyArray<string>, unsent: ReadonlyArray<Invocation>, reason: string) => void
  /** A task has blocked its thread for longer than its timeout; the thread will be ended when this returns. */
  readonly overdue: (guard: Guard) => void
}

/** A task that must end in time. */
export type Guard = Extract<FromThread, { type: "guard" }>

/** A worker that was sent to a thread. */
interface Active {
  readonly run: string
  readonly worker: string
  idle: boolean
  /** What it is to invoke before anything else, as far as it has not. */
  unsent: ReadonlyArray<Invocation>
}

class Thread {
  readonly worker: Worker
  /** By place. */
  readonly active = new Map<number, Active>()
  readonly guards = new Map<number, { readonly guard: Guard; timer: NodeJS.Timeout }>()
  /** Runs that it has had workers of. */
  readonly runs = new Set<string>()
  /** Runs that it has been told to close and that it has not closed yet. */
  readonly closing = new Map<string, () => void>()
  /** Why it is being ended. */
  reason: string | undefined

  constructor(worker: Worker) {
    this.worker = worker
  }

  send(message: ToThread) {
    this.worker.postMessage(message, transferOf(message))
  }

  /** How many of its workers are not just waiting. */
  get load(): number {
    let load = 0
    for (const { idle } of this.active.values()) if (!idle) load++
    return load
  }
}

/** How long a thread may take to end a run's workers before it is ended itself, in ms. */
const CLOSE_MS = 1000
/** How long after a task's timeout its thread is asked whether it is blocked, and how often from then on, in ms. */
const LATE_MS = 100
const AGAIN_MS = 1000
/** How long a thread may take to answer that, in ms. */
const ANSWER_MS = 500

export class Pool {
  private readonly options: PoolOptions
  private readonly threads = new Set<Thread>()
  private readonly runs = new Map<string, RunListener>()
  /** Runs whose workers are being ended. */
  private readonly closing = new Set<string>()
  private queue: Array<Invocation> = []
  private places = 0

  constructor(options: PoolOptions) {
    this.options = options
  }

  open(run: string, listener: RunListener): void {
    this.runs.set(run, listener)
    while (this.threads.size < this.options.threads) this.spawn()
  }

  /** Ends the workers of a run. Resolves when none is left; a thread that does not listen is ended. */
  async close(run: string): Promise<void> {
    this.closing.add(run)
    this.queue = this.queue.filter((invocation) => invocation.run !== run)
    const threads = [...this.threads].filter(({ runs }) => runs.has(run))
    await Promise.all(threads.map((thread) => this.closeIn(thread, run)))
    this.runs.delete(run)
    this.closing.delete(run)
  }

  private async closeIn(thread: Thread, run: string): Promise<void> {
    const closed = new Promise<void>((resolve) => thread.closing.set(run, resolve))
    thread.send({ type: "close", run })
    const overdue = setTimeout(() => this.end(thread, "the run has ended"), CLOSE_MS)
    await closed
    clearTimeout(overdue)
  }

  /** Starts workers, or has them wait for a place. */
  invoke(invocations: ReadonlyArray<Invocation>): void {
    for (const invocation of invocations) {
      if (this.runs.has(invocation.run) && !this.closing.has(invocation.run)) this.queue.push(invocation)
    }
    this.dispatch()
  }

  /** Ends all threads. */
  async shutdown(): Promise<void> {
    await Promise.all([...this.threads].map(({ worker }) => worker.terminate()))
  }

  private dispatch(): void {
    const places = Math.ceil(this.options.concurrency / this.options.threads)
    while (this.queue.length > 0) {
      const thread = [...this.threads]
        .filter(({ reason }) => reason === undefined)
        .sort((a, b) => a.load - b.load)[0]
      if (thread === undefined || thread.load >= places) return
      const invocation = this.queue.shift()!
      const { run, spawn, worker } = invocation
      const place = this.places++
      thread.runs.add(run)
      thread.active.set(place, { run, worker, idle: false, unsent: spawn })
      thread.send({ type: "invoke", place, invocation: portableInvocation(invocation) })
    }
  }

  private spawn(): void {
    const { fanOut, heapMiB, idleMs, parallelism } = this.options
    const settings: ThreadSettings = { fanOut, idleMs, parallelism }
    // From source the entry is a .ts file, which Node runs as it is.
    const entry = new URL(import.meta.url.endsWith(".ts") ? "./entry.ts" : "./entry.js", import.meta.url)
    const worker = new Worker(entry, {
      name: "weft",
      workerData: settings,
      ...(heapMiB === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapMiB } })
    })
    const thread = new Thread(worker)
    this.threads.add(thread)
    worker.on("message", (message: FromThread) => this.receive(thread, message))
    worker.on("error", (error) => {
      thread.reason ??= describe(error)
    })
    worker.on("exit", (code) => this.ended(thread, code))
    // After the listeners, which hold the process again.
    worker.unref()
  }

  private receive(thread: Thread, message: FromThread): void {
    switch (message.type) {
      case "left": {
        const active = thread.active.get(message.place)
        thread.active.delete(message.place)
        if (active !== undefined && message.fault !== undefined) this.lost([active], message.fault)
        this.dispatch()
        break
      }
      case "idle":
      case "busy": {
        const active = thread.active.get(message.place)
        if (active !== undefined) active.idle = message.type === "idle"
        this.dispatch()
        break
      }
      case "guard":
        thread.guards.set(message.guard, {
          guard: message,
          timer: setTimeout(() => this.ask(thread, message), message.ms + LATE_MS)
        })
        break
      case "pong": {
        const asked = thread.guards.get(message.guard)
        if (asked === undefined) break
        clearTimeout(asked.timer)
        asked.timer = setTimeout(() => this.ask(thread, asked.guard), AGAIN_MS)
        break
      }
      case "release":
        clearTimeout(thread.guards.get(message.guard)?.timer)
        thread.guards.delete(message.guard)
        break
      case "closed":
        this.closed(thread, message.run)
        this.dispatch()
        break
      case "invoke":
        for (const active of thread.active.values()) {
          if (active.unsent.length > 0) active.unsent = without(active.unsent, message.invocations)
        }
        this.runs.get(message.run)?.receive(message, (answer) => thread.send(answer))
        break
      default:
        this.runs.get(message.run)?.receive(message, (answer) => thread.send(answer))
    }
  }

  private closed(thread: Thread, run: string): void {
    thread.runs.delete(run)
    for (const [place, active] of thread.active) if (active.run === run) thread.active.delete(place)
    for (const [id, { guard, timer }] of thread.guards) {
      if (guard.run !== run) continue
      clearTimeout(timer)
      thread.guards.delete(id)
    }
    thread.closing.get(run)?.()
    thread.closing.delete(run)
  }

  /** A task should have ended. If its thread answers, its own timer has seen to that, or will. */
  private ask(thread: Thread, guard: Guard): void {
    const asked = thread.guards.get(guard.guard)
    if (asked === undefined) return
    thread.send({ type: "ping", guard: guard.guard })
    asked.timer = setTimeout(() => this.overdue(thread, guard), ANSWER_MS)
  }

  private overdue(thread: Thread, guard: Guard): void {
    this.runs.get(guard.run)?.overdue(guard)
    this.end(thread, `${guard.task} blocked its thread for longer than its timeout`)
  }

  private end(thread: Thread, reason: string): void {
    thread.reason ??= reason
    void thread.worker.terminate()
  }

  /** A thread is gone: another takes its place, and what ran in it is lost. */
  private ended(thread: Thread, code: number): void {
    this.threads.delete(thread)
    for (const { timer } of thread.guards.values()) clearTimeout(timer)
    for (const closed of thread.closing.values()) closed()
    if (this.runs.size > 0) this.spawn()
    this.lost([...thread.active.values()], thread.reason ?? `its thread ended with exit code ${code}`)
    this.dispatch()
  }

  private lost(active: ReadonlyArray<Active>, reason: string): void {
    for (const [run, ofRun] of Map.groupBy(active, ({ run }) => run)) {
      this.runs.get(run)?.lost(
        ofRun.map(({ worker }) => worker),
        ofRun.flatMap(({ unsent }) => unsent),
        reason
      )
    }
  }
}

/** `unsent` but for what has been sent now, whether by itself or for others to invoke. */
const without = (unsent: ReadonlyArray<Invocation>, sent: ReadonlyArray<Invocation>) => {
  const workers = new Set<string>()
  const add = ({ spawn, worker }: Invocation) => {
    workers.add(worker)
    spawn.forEach(add)
  }
  sent.forEach(add)
  return unsent.filter(({ worker }) => !workers.has(worker))
}

const describe = (error: unknown): string => {
  if (error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY") {
    return "its thread ran out of heap memory"
  }
  return `its thread ended by an uncaught error: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`
}
