/**
 * Starting workers, as the client does and every worker that hands on: one asynchronous invocation each, many at once.
 *
 * Whoever invokes makes the invoked worker the holder of its work, in its name, before it sends anything. So what cannot be
 * sent is not lost: it is like a worker that was lost before it began, and others get its work when the lease has run out.
 */
import type { Coordination, ObjectStore, StoreError } from "@weft/storage"
import { adoptAll, EngineError, type Invocation, type Invoker, type Seen, type Sizes } from "@weft/worker"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type { FunctionVersion, Sender } from "./Client.ts"
import { type Event, VERSION } from "./Events.ts"
import type { LambdaError } from "./LambdaError.ts"
import { compose, type RunSettings } from "./Payload.ts"

/** Who invokes, and for which run. */
export interface Invoking {
  readonly run: string
  readonly settings: RunSettings
  readonly sizes: Sizes
  readonly sender: Sender
  readonly coordination: Coordination["Service"]
  readonly objects: ObjectStore["Service"]
  /** Memory of the function that invokes, in MiB; `undefined` for the client. */
  readonly memoryMiB: number | undefined
  /** What this process knows of how long tasks take. */
  readonly seen: () => Seen
  /** For how long what Lambda does not take is sent again, in ms. */
  readonly patienceMs: () => number
}

/** Bytes of values that one invocation carries. With graph and plan an event stays below 256 KiB: one request is paid. */
const PAYLOAD_BYTES = 131_072
/** What an invocation costs whoever waits for it, in ms, if an environment is there. */
const WORTH_MS = 50
/** How long so many prewarmed environments stay taken, in ms: until the last event has found one of its own. */
const holdMsFor = (workers: number): number => (workers === 1 ? 0 : 500 + 2 * workers)

/** Makes an invoker. */
export const makeInvoker = (invoking: Invoking): Invoker => {
  const { coordination, memoryMiB, run, sender, settings, sizes } = invoking
  return {
    parallelism: settings.parallelism,
    fanOut: settings.fanOut,
    idleMs: settings.idleMs,
    payloadBytes: PAYLOAD_BYTES,
    worthMs: WORTH_MS,
    sizes,
    ...(memoryMiB === undefined ? {} : { memoryMiB }),
    invoke: Effect.fnUntraced(function* (invocations) {
      const adopted = yield* adoptAll(coordination, run, invocations)
      // Each to its own end: that one cannot be sent stops no other.
      const sent = yield* Effect.forEach(adopted, (one) => Effect.result(start(invoking, one)), {
        concurrency: sender.concurrency
      })
      for (const one of sent) if (Result.isFailure(one)) return yield* refused(one.failure)
    }),
    prewarm: (memoryMiB, workers) => {
      const event: typeof Event.Encoded = {
        weft: "prewarm",
        version: VERSION,
        holdMs: holdMsFor(workers),
        run
      }
      const text = JSON.stringify(event)
      const to = functionFor(settings.functions, memoryMiB)
      return Effect.ignore(
        Effect.forEach(Array(workers).keys(), () => sender.send(to, text), {
          concurrency: sender.concurrency,
          discard: true
        }),
        { log: "Warn" }
      )
    }
  }
}

/** Starts one worker. Fails with what trying again would not change. */
const start = Effect.fnUntraced(function* (
  { objects, patienceMs, seen, sender, settings, sizes }: Invoking,
  invocation: Invocation
): Effect.fn.Return<void, LambdaError | StoreError> {
  const memoryMiB =
    invocation.memoryMiB ??
    (invocation.named
      ? sizes.ofWorker(invocation.worker)
      : sizes.most(invocation.work.map(({ instance }) => instance)))
  const to = functionFor(settings.functions, memoryMiB)
  const { event, object } = compose({ invocation, settings, seen: seen() })
  if (object !== undefined) yield* objects.put(invocation.run, object.key, object.bytes)
  yield* Effect.catch(Effect.retry(sender.send(to, event), pauses(patienceMs())), (error) =>
    error.retryable
      ? Effect.logWarning(
          `worker ${invocation.worker} of run ${invocation.run} was not started, and others get its work later: ${error.message}`
        )
      : Effect.fail(error)
  )
})

/** The function of a size, or the next larger one; of none the largest. */
const functionFor = (functions: RunSettings["functions"], memoryMiB: number): FunctionVersion => {
  const exact = functions.get(memoryMiB)
  if (exact !== undefined) return exact
  const sizes = [...functions.keys()].sort((a, b) => a - b)
  return functions.get(sizes.find((size) => size >= memoryMiB) ?? sizes.at(-1)!)!
}

/** How long the first pause may be, and the longest, in ms. Each is as long as chance will have it, up to that. */
const FIRST_MS = 200
const LONGEST_MS = 5000

/** Pauses that grow, and are different for each of many who were all sent away at the same moment. */
const pauses = (forMs: number) =>
  Schedule.min([
    Schedule.exponential(Duration.millis(FIRST_MS)),
    Schedule.spaced(Duration.millis(LONGEST_MS))
  ]).pipe(
    Schedule.modifyDelay(({ duration }) => Effect.map(Random.next, (part) => Duration.times(duration, part))),
    Schedule.upTo({ duration: Duration.millis(forMs) }),
    Schedule.setInputType<LambdaError>(),
    Schedule.while(({ input }) => input.retryable)
  )

const refused = (cause: LambdaError | StoreError) =>
  new EngineError({ engine: "lambda", detail: cause.message, cause })
