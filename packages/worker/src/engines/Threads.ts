/**
 * The engine `threads`: workers run in worker threads of this process, as many as there are cores. For tasks that
 * compute. The stores stay in the main thread. A thread that ends is replaced, and what it ran is taken over.
 */
import { availableParallelism } from "node:os"
import { Coordination, ObjectStore, StoreError } from "@weft/storage"
import { Cause, Effect, Exit, Scope } from "effect"
import { type Engine, EngineError, type Invoker, type OpenRun } from "../Engine.ts"
import type { Invocation } from "../Invocation.ts"
import { invocationsFor } from "../stages/HandOff.ts"
import { Pool } from "./threads/Pool.ts"
import {
  type FromThread,
  type ServiceName,
  type StoreErrorData,
  type ToThread,
  unwrap,
  wrap
} from "./threads/Protocol.ts"

/** Options of the `threads` engine. */
export interface ThreadsOptions {
  /** How many threads. Default: as many as this process may use cores. */
  readonly threads?: number
  /** How many workers may be active at once in all threads. Default: one in each thread. */
  readonly concurrency?: number
  /** How many workers one worker invokes itself before the rest is left to others. Default: any number. */
  readonly fanOut?: number
  /** How long a named worker waits for work before it leaves, in ms. Default 1,000. */
  readonly idleMs?: number
  /** The most that one thread's heap may grow to, in MiB. Default: Node's. */
  readonly heapMiB?: number
}

/** The `threads` engine: its threads stay, and do not keep the process from ending, until it is closed. */
export interface ThreadsEngine extends Engine {
  /** Ends the threads. The engine can be used again after that. */
  readonly close: () => Promise<void>
}

/** Makes a `threads` engine. Threads start with its first run. */
export const threads = (options: ThreadsOptions = {}): ThreadsEngine => {
  const count = options.threads ?? availableParallelism()
  const pool = new Pool({
    threads: count,
    concurrency: Math.max(count, options.concurrency ?? count),
    parallelism: count,
    fanOut: options.fanOut ?? Number.MAX_SAFE_INTEGER,
    idleMs: options.idleMs ?? 1000,
    heapMiB: options.heapMiB
  })
  return {
    name: "threads",
    parallelism: count,
    open: (run) => open(run, pool, count, options),
    close: () => pool.shutdown()
  }
}

const open = Effect.fnUntraced(function* (
  run: OpenRun,
  pool: Pool,
  parallelism: number,
  options: ThreadsOptions
) {
  if (run.module === undefined) {
    return yield* new EngineError({
      engine: "threads",
      detail:
        "threads find tasks by importing the module that exports them, and it is not known; " +
        "pass `module: import.meta.url`, or define a workflow with `workflow(import.meta, …)`"
    })
  }
  const coordination = yield* Coordination
  const objects = yield* ObjectStore
  const scope = yield* Effect.scope
  const fork = (effect: Effect.Effect<unknown, unknown>) =>
    Effect.runFork(
      Effect.catchCause(effect, (cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.void
          : Effect.ignore(coordination.cancel(run.run, `the engine failed: ${Cause.pretty(cause)}`))
      )
    )
  const serve = new Serve(coordination, objects, scope)
  const invoker: Invoker = {
    parallelism,
    fanOut: options.fanOut ?? Number.POSITIVE_INFINITY,
    idleMs: options.idleMs ?? 1000,
    payloadBytes: Number.POSITIVE_INFINITY,
    invoke: Effect.fnUntraced(function* (invocations: ReadonlyArray<Invocation>) {
      for (const { work, worker } of invocations) {
        if (work.length > 0) {
          yield* Effect.ignore(
            coordination.adopt(
              run.run,
              worker,
              work.map(({ instance }) => instance)
            )
          )
        }
      }
      pool.invoke(invocations)
    })
  }
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      pool.open(run.run, {
        receive: (message, answer) => {
          if (message.type === "invoke") fork(invoker.invoke(message.invocations))
          else fork(serve.receive(message, answer))
        },
        lost: (workers, unsent, reason) =>
          fork(
            Effect.flatMap(coordination.abandon(run.run, workers, ENGINE, reason), (reply) =>
              invoker.invoke([...unsent, ...invocationsFor(run.run, reply, invoker)])
            )
          ),
        overdue: ({ instance, ms, task, worker }) =>
          fork(
            coordination.fail(run.run, {
              instance,
              task,
              kind: "timeout",
              worker,
              attempts: 1,
              message: `did not end within its timeout of ${ms} ms, and blocked its thread`
            })
          )
      })
    ),
    () => Effect.promise(() => pool.close(run.run))
  )
  return invoker
})

/** Who takes over for the engine. */
const ENGINE = "engine"

/** Answers the threads' calls of the stores. */
class Serve {
  private readonly services: Readonly<Record<ServiceName, Readonly<Record<string, unknown>>>>
  private readonly coordination: Coordination["Service"]
  private readonly scope: Scope.Scope
  private readonly subscriptions = new Map<string, Scope.Closeable>()

  constructor(coordination: Coordination["Service"], objects: ObjectStore["Service"], scope: Scope.Scope) {
    this.services = { coordination: { ...coordination }, objects: { ...objects } }
    this.coordination = coordination
    this.scope = scope
  }

  receive(message: FromThread, answer: (message: ToThread) => void): Effect.Effect<void, StoreError> {
    switch (message.type) {
      case "call":
        return this.call(message, answer)
      case "publish":
        return this.coordination.publish(message.run, message.channel, message.message)
      case "subscribe": {
        const { channel, run, subscription } = message
        return Effect.gen({ self: this }, function* () {
          const own = yield* Scope.fork(this.scope)
          this.subscriptions.set(subscription, own)
          const listener = (heard: Extract<ToThread, { type: "message" }>["message"]) =>
            answer({ type: "message", subscription, message: heard })
          yield* Scope.provide(this.coordination.subscribe(run, channel, listener), own)
        })
      }
      case "unsubscribe": {
        const own = this.subscriptions.get(message.subscription)
        this.subscriptions.delete(message.subscription)
        return own === undefined ? Effect.void : Scope.close(own, Exit.void)
      }
      default:
        return Effect.void
    }
  }

  private call(
    { args, call, method, service }: Extract<FromThread, { type: "call" }>,
    answer: (message: ToThread) => void
  ) {
    const operation = this.services[service][method] as (
      ...args: ReadonlyArray<unknown>
    ) => Effect.Effect<unknown, StoreError>
    return Effect.matchCause(operation(...(unwrap(args) as ReadonlyArray<unknown>)), {
      onSuccess: (value) => answer({ type: "answer", call, value: wrap(service, value) }),
      onFailure: (cause) => answer({ type: "failed", call, error: dataOf(method, cause) })
    })
  }
}

/** Whoever called gets an answer in any case: a store that breaks must not leave a thread waiting. */
const dataOf = (operation: string, cause: Cause.Cause<StoreError>): StoreErrorData => {
  const error = Cause.squash(cause)
  if (error instanceof StoreError)
    return { detail: error.detail, operation: error.operation, reason: error.reason }
  return { detail: Cause.pretty(cause), operation, reason: "unavailable" }
}
