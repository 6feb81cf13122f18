/**
 * What a running task may know about itself, and what it writes to the console.
 *
 * While a task runs, everything it calls, also after an `await`, sees its own context; what it writes with `console`
 * is attributed to it.
 */
import { AsyncLocalStorage } from "node:async_hooks"
import { Console } from "node:console"
import { Writable } from "node:stream"

/** What `context()` gives inside a task. */
export interface TaskContext {
  readonly run: string
  /** This call: `blur#17[3]`. */
  readonly node: string
  readonly worker: string
  /** 1 for the first call; higher for retries, here or on another worker. */
  readonly attempt: number
  /** Aborted when the task's time is over or the run is cancelled. Pass it on to `fetch` and the like. */
  readonly signal: AbortSignal
}

/** A task's context together with where its output goes. */
export interface Running {
  readonly context: TaskContext
  readonly write: (stream: "stdout" | "stderr", text: string) => void
}

const storage = new AsyncLocalStorage<Running | undefined>()

/**
 * The context of the task that is running.
 *
 * ```ts
 * export const download = task("download", (url: string) => fetch(url, { signal: context().signal }).then((r) => r.text()))
 * ```
 *
 * @throws {Error} outside of a task
 */
export const context = (): TaskContext => {
  const running = storage.getStore()
  if (running === undefined) throw new Error("context() was called outside of a task")
  return running.context
}

/** Runs `call` as the task of `running`. */
export const enter = <A>(running: Running, call: () => A): A => storage.run(running, call)

/** Whoever gets the output is not the task: what they write in turn is their own. */
const deliver = (running: Running, stream: "stdout" | "stderr", text: string) =>
  storage.run(undefined, () => running.write(stream, text))

const sink = (stream: "stdout" | "stderr") =>
  new Writable({
    decodeStrings: false,
    write(chunk, _, done) {
      const running = storage.getStore()
      if (running !== undefined) deliver(running, stream, String(chunk))
      done()
    }
  })

/** What else becomes of what is captured. */
export interface CaptureOptions {
  /** Whether it also goes where it would have gone. Default false. */
  readonly passOn?: boolean
}

/**
 * From now on what tasks write to this thread's `process.stdout` and `process.stderr` goes to their output. For threads
 * of their own only: in the main thread these streams also carry what is not of tasks.
 */
export const captureStreams = ({ passOn = false }: CaptureOptions = {}): void => {
  for (const name of ["stdout", "stderr"] as const) {
    const stream = process[name]
    const original = stream.write.bind(stream)
    stream.write = ((chunk: string | Uint8Array, ...rest: Array<never>) => {
      const running = storage.getStore()
      if (running === undefined) return original(chunk, ...rest)
      deliver(running, name, typeof chunk === "string" ? chunk : Buffer.from(chunk).toString())
      if (passOn) return original(chunk, ...rest)
      for (const argument of rest as Array<unknown>) if (typeof argument === "function") argument()
      return true
    }) as typeof stream.write
  }
}

const METHODS = ["debug", "dir", "error", "info", "log", "table", "trace", "warn"] as const
let users = 0
let restore: (() => void) | undefined

/**
 * From now on the global console writes to the running task's output; outside of tasks it is as it was.
 *
 * @returns what ends that; the console is restored when the last user has ended
 */
export const captureConsole = ({ passOn = false }: CaptureOptions = {}): (() => void) => {
  if (users++ === 0) restore = patch(passOn)
  let ended = false
  return () => {
    if (ended) return
    ended = true
    if (--users === 0) restore?.()
  }
}

const patch = (passOn: boolean): (() => void) => {
  const captured = new Console({ stdout: sink("stdout"), stderr: sink("stderr") })
  const originals = METHODS.map((method) => [method, console[method]] as const)
  for (const [method, original] of originals) {
    console[method] = (...args: Array<unknown>) => {
      if (storage.getStore() === undefined) return Reflect.apply(original, console, args)
      Reflect.apply(captured[method], captured, args)
      if (passOn) storage.run(undefined, () => Reflect.apply(original, console, args))
    }
  }
  return () => {
    for (const [method, original] of originals) console[method] = original
  }
}
