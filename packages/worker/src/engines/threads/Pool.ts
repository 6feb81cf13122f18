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
  /** Workers were lost with their thread, or ended by a fault. */
  readonly lost: (workers: ReadonlyArray<string>, reason: string) => void
  /** A task has blocked its thread for longer than its timeout; the thread will be ended when this returns. */
  readonly overdue: (guard: Guard) => void
}

/** A task that must end in time. */
export type Guard = Extract<FromThread, { type: "guard" }>

interface Active {
  readonly run: string
  idle: boolean
}

class Thread {
  readonly worker: Worker
  readonly active = new Map<string, Active>()
  readonly guards = new Map<number, NodeJS.Timeout>()
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
/** How much longer than its timeout a task may block its thread, in ms. */
const GUARD_MS = 100

export class Pool {
  private readonly options: PoolOptions
  private readonly threads = new Set<Thread>()
  private readonly runs = new Map<string, RunListener>()
  private queue: Array<Invocation> = []

  constructor(options: PoolOptions) {
    this.options = options
  }

  open(run: string, listener: RunListener): void {
    this.runs.set(run, listener)
    while (this.threads.size < this.options.threads) this.spawn()
  }

  /** Ends the workers of a run. Resolves when none is left; a thread that does not listen is ended. */
  async close(run: string): Promise<void> {
    this.queue = this.queue.filter((invocation) => invocation.run !== run)
    await Promise.all([...this.threads].map((thread) => this.closeIn(thread, run)))
    this.runs.delete(run)
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
    this.queue.push(...invocations.filter(({ run }) => this.runs.has(run)))
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
      thread.active.set(invocation.worker, { run: invocation.run, idle: false })
      thread.send({ type: "invoke", invocation: portableInvocation(invocation) })
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
        const active = thread.active.get(message.worker)
        thread.active.delete(message.worker)
        if (active !== undefined && message.fault !== undefined) {
          this.runs.get(active.run)?.lost([message.worker], message.fault)
        }
        this.dispatch()
        break
      }
      case "idle":
      case "busy": {
        const active = thread.active.get(message.worker)
        if (active !== undefined) active.idle = message.type === "idle"
        this.dispatch()
        break
      }
      case "guard":
        thread.guards.set(
          message.guard,
          setTimeout(() => this.overdue(thread, message), message.ms + GUARD_MS)
        )
        break
      case "release":
        clearTimeout(thread.guards.get(message.guard))
        thread.guards.delete(message.guard)
        break
      case "closed":
        for (const [worker, { run }] of thread.active) if (run === message.run) thread.active.delete(worker)
        thread.closing.get(message.run)?.()
        thread.closing.delete(message.run)
        this.dispatch()
        break
      default:
        this.runs.get(message.run)?.receive(message, (answer) => thread.send(answer))
    }
  }

  private overdue(thread: Thread, guard: Guard): void {
    const active = thread.active.get(guard.worker)
    if (active !== undefined) this.runs.get(active.run)?.overdue(guard)
    this.end(thread, `${guard.task} blocked its thread for longer than its timeout`)
  }

  private end(thread: Thread, reason: string): void {
    thread.reason ??= reason
    void thread.worker.terminate()
  }

  /** A thread is gone: another takes its place, and what ran in it is lost. */
  private ended(thread: Thread, code: number): void {
    this.threads.delete(thread)
    for (const timer of thread.guards.values()) clearTimeout(timer)
    for (const closed of thread.closing.values()) closed()
    const reason = thread.reason ?? `its thread ended with exit code ${code}`
    const byRun = Map.groupBy(thread.active, ([, { run }]) => run)
    if (this.runs.size > 0) this.spawn()
    for (const [run, active] of byRun)
      this.runs.get(run)?.lost(
        active.map(([worker]) => worker),
        reason
      )
    this.dispatch()
  }
}

const describe = (error: unknown): string => {
  if (error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY") {
    return "its thread ran out of heap memory"
  }
  return `its thread ended by an uncaught error: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`
}
