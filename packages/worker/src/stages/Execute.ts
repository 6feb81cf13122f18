/**
 * The stage `execute`: runs the function, with its retry policy, timeout, abort signal and captured output.
 */
import { inspect } from "node:util"
import {
  Codec,
  type Failure,
  Instance,
  type InstanceId,
  Nesting,
  Options,
  type TaskOptions,
  type TaskReference
} from "@weft/core"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Work } from "../Invocation.ts"
import { type Prompt, toEffect, waits } from "../Prompt.ts"
import * as TaskContext from "../TaskContext.ts"
import { RESULT } from "../Values.ts"
import { NodeFailed, type WorkerState } from "../WorkerState.ts"

/** One attempt took longer than the task's timeout. */
class TaskTimeout extends Data.TaggedError("TaskTimeout")<{ readonly ms: number }> {
  override get message() {
    return `did not end within its timeout of ${this.ms} ms`
  }
}

/** What a call gave, and how often the function was called for it. */
export interface Executed {
  readonly value: unknown
  readonly tries: number
}

/** What a generator function returns. */
export type Generated = AsyncGenerator<unknown> | Generator<unknown>

/** Takes what a generator yields, as it yields it. */
export interface Taker {
  /** Runs the generator to its end, calling it through `enter`; gives the node's value. */
  readonly take: (generator: Generated, enter: <A>(call: () => A) => A) => Effect.Effect<unknown, unknown>
}

/** How much of a task's stderr a failure keeps, in characters. */
const STDERR_TAIL = 4096
/** How long a timed-out task that ignores its signal may hold up its own retry, in ms. */
const GRACE_MS = 1000

/**
 * Runs an instance's function on its arguments. What is no call (an `each`'s own nodes) is done here too.
 *
 * @param taker who takes what a generator yields, if it is not just collected
 */
export const call = (
  state: WorkerState,
  work: Work,
  args: ReadonlyArray<unknown>,
  taker?: Taker
): Prompt<Executed, NodeFailed> => {
  const { graph, tasks } = state.context
  const id = Instance.nodeOf(work.instance)
  switch (graph.kind(id)) {
    case "expand":
      return Array.isArray(args[0])
        ? { value: args[0].length, tries: 1 }
        : Effect.fail(failed(state, work, "input", notAList(args[0])))
    case "gate":
    case "collect":
      return { value: args[0], tries: 1 }
    default: {
      const name = graph.name(id)
      const reference = tasks.get(name)
      return reference === undefined
        ? Effect.fail(failed(state, work, "missing", `the workflow's module exports no task named "${name}"`))
        : callTask(state, work, reference, args, taker)
    }
  }
}

const notAList = (value: unknown) => `each needs a list, but got ${shown(value)}`

/** A value on one line, as far as it fits. */
const shown = (value: unknown) =>
  inspect(value, { depth: 1, maxArrayLength: 3, maxStringLength: 40, breakLength: Number.POSITIVE_INFINITY })

const failed = (
  state: WorkerState,
  work: Work,
  kind: Failure.FailureKind,
  message: string,
  more: Partial<Failure.Failure> = {}
): NodeFailed =>
  new NodeFailed({
    instance: work.instance,
    task: state.context.graph.name(Instance.nodeOf(work.instance)),
    kind,
    worker: state.worker,
    attempts: work.attempt,
    message,
    ...more
  })

/** A node that workers have spent their whole time on, one after the other. */
export const unended = (state: WorkerState, work: Work, workers: number): NodeFailed => {
  const seconds = Math.round((state.limit?.wholeMs ?? 0) / 100) / 10
  return failed(
    state,
    work,
    "timeout",
    `did not end in the ${seconds} s that a worker has, ${workers} times: split the task, or let workers run for longer ` +
      "(on AWS Lambda: raise the function's timeout)"
  )
}

const callTask = (
  state: WorkerState,
  work: Work,
  reference: TaskReference,
  args: ReadonlyArray<unknown>,
  taker: Taker | undefined
): Prompt<Executed, NodeFailed> => {
  const options = state.context.graph.options(Instance.nodeOf(work.instance))
  const running = new RunningTask(state, work)
  const one = () => attempt(state, work, running, reference, args, options, taker)
  const tried =
    options.retry === undefined ? one() : retried(state, work, running, toEffect(one), options.retry)
  if (!waits(tried)) return accepted(state, work, running, tried.returned)
  return Effect.matchEffect(tried, {
    onSuccess: ({ returned }) => toEffect(() => accepted(state, work, running, returned)),
    onFailure: (error) => {
      const isRefused = taker !== undefined && Codec.isRefusal(error)
      const kind = error instanceof TaskTimeout ? "timeout" : isRefused ? "result" : "error"
      return Effect.fail(
        failed(state, work, kind, messageOf(error), { ...running.evidence(), ...described(error) })
      )
    }
  })
}

/** A returned value becomes the node's, if others could read it. */
const accepted = (
  state: WorkerState,
  work: Work,
  running: RunningTask,
  value: unknown
): Prompt<Executed, NodeFailed> => {
  const problem = unencodable(value)
  return problem === undefined
    ? { value, tries: running.tries }
    : Effect.fail(failed(state, work, "result", problem.message, { ...running.evidence(), ...problem.more }))
}

/** Checks that others could read the value, whether or not anyone has to: the same program fails everywhere alike. */
const unencodable = (
  value: unknown
): { readonly message: string; readonly more?: Partial<Failure.Failure> } | undefined => {
  if (typeof value === "number" || typeof value === "string" || typeof value === "boolean" || value == null)
    return
  try {
    Nesting.map(value, { leaf: checked }, RESULT)
    return
  } catch (error) {
    if (Codec.isRefusal(error)) return { message: error.message }
    return { message: `the result could not be encoded: ${messageOf(error)}`, more: described(error) }
  }
}

const checked = (leaf: unknown, path: Nesting.Path) => {
  Codec.check(leaf, path)
  return leaf
}

const messageOf = (error: unknown): string => {
  if (error instanceof Error) return error.message
  if (typeof error === "string") return error
  return inspect(error, { breakLength: Number.POSITIVE_INFINITY })
}

const described = (error: unknown): Partial<Failure.Failure> =>
  error instanceof Error
    ? { name: error.name, ...(error.stack === undefined ? {} : { stack: error.stack }) }
    : {}

/** One execution of a task: its context, output and attempts. */
class RunningTask implements TaskContext.Running, TaskContext.TaskContext {
  tries = 0
  private stderr = ""
  private readonly state: WorkerState
  private readonly work: Work
  private abort: AbortController | undefined

  constructor(state: WorkerState, work: Work) {
    this.state = state
    this.work = work
  }

  get context(): TaskContext.TaskContext {
    return this
  }
  get run(): string {
    return this.state.run
  }
  get worker(): string {
    return this.state.worker
  }
  get node(): string {
    return this.state.context.label(this.work.instance)
  }
  get attempt(): number {
    return this.work.attempt - 1 + this.tries
  }
  get signal(): AbortSignal {
    this.abort ??= new AbortController()
    return this.abort.signal
  }

  begin() {
    this.tries++
    this.abort = undefined
  }

  stop(reason: unknown) {
    this.abort?.abort(reason)
  }

  write(stream: "stdout" | "stderr", text: string) {
    if (stream === "stderr") this.stderr = (this.stderr + text).slice(-STDERR_TAIL)
    this.state.tell({ type: "output", worker: this.worker, instance: this.work.instance, stream, text })
  }

  evidence(): Partial<Failure.Failure> {
    return { attempts: this.attempt, ...(this.stderr === "" ? {} : { stderr: this.stderr }) }
  }
}

/** What a function returned; wrapped, since it may be anything, even an Effect. */
interface Returned {
  readonly returned: unknown
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function"

const isGenerator = (value: unknown): value is Generated =>
  typeof value === "object" &&
  value !== null &&
  "next" in value &&
  (Symbol.asyncIterator in value || Symbol.iterator in value) &&
  "throw" in value &&
  "return" in value

/** Calls the function once. Fails with whatever it throws. */
const attempt = (
  state: WorkerState,
  work: Work,
  running: RunningTask,
  reference: TaskReference,
  args: ReadonlyArray<unknown>,
  { retry, timeout }: TaskOptions,
  taker: Taker | undefined
): Prompt<Returned, unknown> => {
  running.begin()
  const release =
    timeout === undefined ? undefined : state.host.guard(state.worker, work.instance, reference.name, timeout)
  let result: unknown
  let taken: Effect.Effect<unknown, unknown> | undefined
  try {
    result = TaskContext.enter(running, () => {
      const given = (reference.run as (...args: ReadonlyArray<unknown>) => unknown)(...args)
      if (!isGenerator(given)) return given
      if (taker !== undefined) {
        taken = taker.take(given, (next) => TaskContext.enter(running, next))
        return undefined
      }
      return Symbol.iterator in given ? Array.from(given) : Array.fromAsync(given)
    })
  } catch (error) {
    release?.()
    return Effect.fail(error)
  }
  if (taken === undefined && !isThenable(result)) {
    release?.()
    return { returned: result }
  }
  const settled = Promise.resolve(result)
  const interrupted = Effect.sync(() => running.stop(new Error("the run has ended")))
  const promised =
    taken === undefined
      ? Effect.callback<Returned, unknown>((resume) => {
          settled.then(
            (returned) => resume(Effect.succeed({ returned })),
            (error: unknown) => resume(Effect.fail(error))
          )
          return interrupted
        })
      : Effect.onInterrupt(
          Effect.map(taken, (returned): Returned => ({ returned })),
          () => interrupted
        )
  if (timeout === undefined) return promised
  const error = new TaskTimeout({ ms: timeout })
  const late = Effect.suspend(() => {
    running.stop(error)
    return Effect.fail(error)
  })
  const again = running.tries < Options.resolveRetry(retry).attempts
  return Effect.raceFirst(promised, Effect.delay(late, Duration.millis(timeout))).pipe(
    Effect.tapError((found) => (found === error && again ? quiet(settled) : Effect.void)),
    Effect.ensuring(Effect.sync(() => release?.()))
  )
}

/**
 * Calls a node's function for a reader of its items that can get them nowhere else: what it yields comes as it is asked
 * for. What it writes is told as its own.
 */
export const iterate = async function* (
  state: WorkerState,
  instance: InstanceId,
  args: ReadonlyArray<unknown>
): AsyncGenerator<unknown> {
  const { graph, tasks } = state.context
  const name = graph.name(Instance.nodeOf(instance))
  const reference = tasks.get(name)
  if (reference === undefined) throw new Error(`the workflow's module exports no task named "${name}"`)
  const running = new RunningTask(state, { instance, attempt: 1 })
  running.begin()
  const enter = <A>(call: () => A) => TaskContext.enter(running, call)
  const given = await enter(() => (reference.run as (...args: ReadonlyArray<unknown>) => unknown)(...args))
  if (!isGenerator(given)) {
    yield* given as Iterable<unknown>
    return
  }
  try {
    for (;;) {
      const step = await enter(() => given.next())
      if (step.done) return
      yield step.value
    }
  } finally {
    await enter(() => given.return(undefined))
  }
}

/** Waits until a task that has been told to stop has done so, though not for ever. */
const quiet = (settled: Promise<unknown>): Effect.Effect<void> =>
  Effect.promise(async () => {
    let timer: NodeJS.Timeout | undefined
    const over = new Promise((resume) => {
      timer = setTimeout(resume, GRACE_MS)
    })
    await Promise.race([settled.catch(() => {}), over])
    clearTimeout(timer)
  })

const retried = (
  state: WorkerState,
  work: Work,
  running: RunningTask,
  one: Effect.Effect<Returned, unknown>,
  policy: number | Options.RetryPolicy
) => {
  const { attempts, backoff, errors, factor, jitter, maxBackoff } = Options.resolveRetry(policy)
  const capped = Schedule.min([
    Schedule.exponential(Duration.millis(backoff), factor),
    Schedule.spaced(Duration.millis(maxBackoff))
  ])
  const pauses = (jitter ? Schedule.jittered(capped) : capped).pipe(
    Schedule.upTo({ times: attempts - 1 }),
    Schedule.setInputType<unknown>(),
    Schedule.while(
      ({ input }) => errors === undefined || (input instanceof Error && errors.includes(input.name))
    )
  )
  const told = Effect.tapError(one, (error) =>
    Effect.sync(() => {
      if (running.tries >= attempts) return
      state.tell({
        type: "retry",
        worker: state.worker,
        instance: work.instance,
        tries: running.tries,
        error: messageOf(error)
      })
    })
  )
  return Effect.retry(told, pauses)
}
