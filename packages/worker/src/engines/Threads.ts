/**
 * The engine `threads`: workers run in worker threads of this process, as many as there are cores. For tasks that
 * compute. The stores stay in the main thread. A thread that ends is replaced, and what it ran is taken over.
 */
import { availableParallelism } from "node:os"
import { Coordination, History, ObjectStore, StoreError, Streams, StreamsMemory } from "@weft/storage"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { Engine, OpenRun } from "../Engine.ts"
import { Pool } from "./pool/Pool.ts"
import * as PooledRun from "./pool/PooledRun.ts"
import type { VesselSettings } from "./pool/Vessel.ts"
import {
  type Answer,
  type Call,
  portableInvocation,
  type StoreErrorData,
  unwrap,
  wrap
} from "./threads/Protocol.ts"
import * as Thread from "./threads/Thread.ts"

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

/** Makes a `threads` engine. Threads start when there is something to do. */
export const threads = (options: ThreadsOptions = {}): ThreadsEngine => {
  const parallelism = options.threads ?? availableParallelism()
  const settings: VesselSettings = {
    parallelism,
    fanOut: options.fanOut ?? Number.MAX_SAFE_INTEGER,
    idleMs: options.idleMs ?? 1000,
    payloadBytes: Number.POSITIVE_INFINITY,
    worthMs: 0
  }
  const pool = new Pool<Answer, Call>({
    what: "thread",
    limit: parallelism,
    concurrency: Math.max(parallelism, options.concurrency ?? parallelism),
    launch: Thread.launch(settings, options.heapMiB),
    portable: portableInvocation
  })
  return {
    name: "threads",
    parallelism,
    open: (run) => open(run, pool, settings),
    close: () => pool.shutdown()
  }
}

const open = Effect.fnUntraced(function* (run: OpenRun, pool: Pool<Answer, Call>, settings: VesselSettings) {
  yield* PooledRun.requireModule(run, "threads")
  const scope = yield* Effect.scope
  const given = yield* Effect.serviceOption(Streams)
  // Streams of this process will do: nobody else runs workers of the run.
  const streams = Option.isSome(given)
    ? given.value
    : Context.get(yield* Layer.buildWithScope(Layer.fresh(StreamsMemory.layer), scope), Streams)
  const history = Option.getOrElse(yield* Effect.serviceOption(History), () => nowhere)
  const services = { coordination: yield* Coordination, objects: yield* ObjectStore, streams, history }
  const serve = new Serve(services, scope)
  return yield* PooledRun.open(run, pool, {
    engine: "threads",
    what: "thread",
    taker: "engine",
    settings,
    // Threads do not stop but with the whole process.
    patienceMs: Number.POSITIVE_INFINITY,
    receive: (message, answer) => void Effect.runFork(serve.receive(message, answer))
  })
})

/** What threads may call. */
interface Services {
  readonly coordination: Coordination["Service"]
  readonly objects: ObjectStore["Service"]
  readonly streams: Streams["Service"]
  readonly history: Pick<History["Service"], "upload">
}

/** Where nothing is remembered. */
const nowhere: Services["history"] = { upload: () => Effect.void }

/** Answers the threads' calls of the stores. */
class Serve {
  private readonly services: Services
  private readonly scope: Scope.Scope
  private readonly subscriptions = new Map<string, Scope.Closeable>()

  constructor(services: Services, scope: Scope.Scope) {
    this.services = services
    this.scope = scope
  }

  receive(message: Call, answer: (message: Answer) => void): Effect.Effect<void, StoreError> {
    switch (message.type) {
      case "call":
        return this.call(message, answer)
      case "publish":
        return this.services.coordination.publish(message.run, message.channel, message.message)
      case "subscribe": {
        const { channel, run, subscription } = message
        const listener = (heard: Extract<Answer, { type: "message" }>["message"]) =>
          answer({ type: "message", subscription, message: heard })
        return this.subscribe(subscription, this.services.coordination.subscribe(run, channel, listener))
      }
      case "follow": {
        const { news, run, stream, subscription } = message
        const listener = () => answer({ type: "message", subscription, message: { type: "wake" } })
        return this.subscribe(subscription, this.services.streams.subscribe(run, stream, news, listener))
      }
      case "unsubscribe": {
        const own = this.subscriptions.get(message.subscription)
        this.subscriptions.delete(message.subscription)
        return own === undefined ? Effect.void : Scope.close(own, Exit.void)
      }
    }
  }

  private subscribe(subscription: string, subscribed: Effect.Effect<void, StoreError, Scope.Scope>) {
    return Effect.gen({ self: this }, function* () {
      const own = yield* Scope.fork(this.scope)
      this.subscriptions.set(subscription, own)
      yield* Scope.provide(subscribed, own)
    })
  }

  private call(
    { args, call, method, service }: Extract<Call, { type: "call" }>,
    answer: (message: Answer) => void
  ) {
    const methods = this.services[service] as unknown as Readonly<Record<string, unknown>>
    const operation = methods[method] as (
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
