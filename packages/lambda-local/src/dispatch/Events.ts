/**
 * Asynchronous events: accepted at once, delivered as soon as there is concurrency for them, tried again after errors,
 * and sent to a destination when they have succeeded or are given up.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ApiError } from "../ApiError.ts"
import { type FunctionReference, parse } from "../functions/FunctionName.ts"
import { type EventInvokeConfig, type Found, LATEST, type Registry } from "../functions/Registry.ts"
import type { Settings } from "../Options.ts"
import type { EventCondition, FaultName, Recorder } from "../Report.ts"
import type { Dispatcher, Executed } from "./Dispatcher.ts"
import type { FaultPlan } from "./Faults.ts"
import { chooseVersion } from "./Routing.ts"
import * as Trace from "./Trace.ts"

/** An event that was accepted. */
export interface Event {
  readonly requestId: string
  readonly reference: FunctionReference
  readonly payload: Uint8Array
  readonly clientContext: string | undefined
  readonly trace: Trace.Trace
  /** How many requests for the function there had been. */
  readonly number: number
  /** In ms since 1970. */
  readonly receivedAt: number
}

/** What AWS does with an event if nothing else is configured: two more attempts, within six hours. */
const RETRY_ATTEMPTS = 2
const MOST_AGE_SECONDS = 21_600

/** How an event ended. */
interface Ending {
  readonly condition: EventCondition
  readonly attempts: number
  /** `undefined` if it was never executed. */
  readonly last: Executed | undefined
}

/** The queue of one service: events wait as fibers of its scope. */
export class Events {
  private readonly registry: Registry
  private readonly settings: Settings
  private readonly dispatcher: Dispatcher
  private readonly plan: FaultPlan
  private readonly recorder: Recorder
  private readonly scope: Scope.Scope
  private readonly isStopped: (found: Found, trace: Trace.Trace) => boolean

  constructor(parts: {
    readonly registry: Registry
    readonly settings: Settings
    readonly dispatcher: Dispatcher
    readonly plan: FaultPlan
    readonly recorder: Recorder
    readonly scope: Scope.Scope
    /** Whether the function has called itself too often. */
    readonly isStopped: (found: Found, trace: Trace.Trace) => boolean
  }) {
    this.registry = parts.registry
    this.settings = parts.settings
    this.dispatcher = parts.dispatcher
    this.plan = parts.plan
    this.recorder = parts.recorder
    this.scope = parts.scope
    this.isStopped = parts.isStopped
  }

  /** Takes an event on. It is delivered later, and perhaps twice, or never. */
  accept(event: Event): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { name } = event.reference
      const { isDropped, lateMs, secondAfterMs } = this.plan.ofEvent(name, event.number)
      if (isDropped) {
        this.recorder.lostEvent({ requestId: event.requestId, functionName: name, reason: "dropped" })
        return Effect.void
      }
      const late: ReadonlyArray<FaultName> = lateMs === undefined ? [] : ["late"]
      const first = Effect.andThen(Effect.sleep(lateMs ?? 0), this.deliver(event, "first", late))
      const second =
        secondAfterMs === undefined
          ? Effect.void
          : Effect.andThen(
              Effect.sleep((lateMs ?? 0) + secondAfterMs),
              this.deliver(event, "second", [...late, "doubled"])
            )
      return Effect.all([Effect.forkIn(first, this.scope), Effect.forkIn(second, this.scope)], {
        discard: true
      })
    })
  }

  /** Has it executed until it succeeds or is given up. */
  private deliver(event: Event, delivery: string, faults: ReadonlyArray<FaultName>): Effect.Effect<void> {
    const self = this
    return Effect.gen(function* () {
      let attempts = 0
      let throttles = 0
      let last: Executed | undefined
      let queuedSince = event.receivedAt
      for (;;) {
        // Aliases may have moved since, and functions may be gone.
        const found = yield* Effect.option(self.registry.find(event.reference))
        if (found._tag === "None") return self.lose(event, "deleted")
        const { fn } = found.value
        const { maximumEventAgeSeconds = MOST_AGE_SECONDS, maximumRetryAttempts = RETRY_ATTEMPTS } =
          self.config(event, found.value) ?? {}
        const end = (condition: EventCondition) =>
          self.conclude(event, found.value, { condition, attempts, last })
        if (fn.reserved === 0) return yield* end("ReservedConcurrencyIsZero")
        if (self.isStopped(found.value, event.trace)) return yield* end("RecursiveInvocation")
        const version = chooseVersion(self.registry, found.value, self.plan, event.number)
        const executed = yield* Effect.result(
          self.dispatcher.invoke({
            requestId: event.requestId,
            fn,
            version,
            arn: self.registry.arn(fn.name, event.reference.qualifier),
            payload: event.payload,
            trace: event.trace.header,
            clientContext: event.clientContext,
            type: "Event",
            attempt: attempts + 1,
            number: event.number,
            delivery: `${delivery} ${attempts}`,
            receivedAt: event.receivedAt,
            queuedSince,
            faults
          })
        )
        const now = yield* Clock.currentTimeMillis
        let waitMs: number
        if (executed._tag === "Failure") {
          waitMs = self.backoffMs(event, throttles++)
        } else {
          attempts++
          last = executed.success
          queuedSince = now
          if (last.outcome.type === "response") return yield* end("Success")
          if (attempts > maximumRetryAttempts) return yield* end("RetriesExhausted")
          waitMs = self.settings.retryDelaysMs[attempts === 1 ? 0 : 1]
        }
        if (now + waitMs - event.receivedAt > maximumEventAgeSeconds * 1000)
          return yield* end("EventAgeExceeded")
        yield* Effect.sleep(waitMs)
      }
    })
  }

  /** What is configured for the qualifier that was invoked. */
  private config({ reference }: Event, { fn }: Found): EventInvokeConfig | undefined {
    return fn.eventInvoke.get(reference.qualifier ?? LATEST)
  }

  /** Doubled each time, and spread by a fifth either way, so that events that were throttled together part. */
  private backoffMs({ number, reference }: Event, throttles: number): number {
    const { first, most } = this.settings.throttleBackoffMs
    const spread = 0.8 + 0.4 * this.plan.share(`backoff ${throttles}`, reference.name, number)
    return Math.min(most, first * 2 ** throttles) * spread
  }

  private lose(
    { reference, requestId }: Event,
    reason: "deleted" | Exclude<EventCondition, "Success">
  ): void {
    this.recorder.lostEvent({ requestId, functionName: reference.name, reason })
  }

  /** Sends it where it is to go, if anywhere. */
  private conclude(event: Event, found: Found, ending: Ending): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { condition } = ending
      const { onFailureArn, onSuccessArn } = this.config(event, found) ?? {}
      const { deadLetterArn } = found.version.configuration
      const destination = condition === "Success" ? onSuccessArn : (onFailureArn ?? deadLetterArn)
      if (destination === undefined) {
        if (condition !== "Success") this.lose(event, condition)
        return Effect.void
      }
      const isDeadLetter = condition !== "Success" && onFailureArn === undefined
      const payload = json(event.payload)
      const record = isDeadLetter ? payload : this.recordOf(event, found, ending, payload)
      this.recorder.destined({
        requestId: event.requestId,
        functionName: event.reference.name,
        condition,
        destination,
        record
      })
      return destination.includes(":lambda:")
        ? this.invokeDestination(event, destination, record)
        : Effect.void
    })
  }

  /** As AWS tells destinations of an invocation. */
  private recordOf(
    event: Event,
    { version }: Found,
    { attempts, condition, last }: Ending,
    payload: unknown
  ) {
    const { name, qualifier = LATEST } = event.reference
    return {
      version: "1.0",
      timestamp: new Date().toISOString(),
      requestContext: {
        requestId: event.requestId,
        functionArn: this.registry.arn(name, qualifier),
        condition,
        approximateInvokeCount: attempts
      },
      requestPayload: payload,
      ...(last !== undefined && {
        responseContext: {
          statusCode: 200,
          executedVersion: version.version,
          ...(last.outcome.type === "error" && { functionError: "Unhandled" })
        },
        responsePayload: json(last.outcome.payload)
      })
    }
  }

  /** The destination is a function: it is invoked with the record as its event, within the same chain of requests. */
  private invokeDestination(event: Event, arn: string, record: unknown): Effect.Effect<void> {
    const self = this
    return Effect.gen(function* () {
      const reference = yield* parse(arn, undefined, self.registry.place)
      yield* self.registry.find(reference)
      yield* self.accept({
        requestId: crypto.randomUUID(),
        reference,
        payload: Buffer.from(JSON.stringify(record)),
        clientContext: undefined,
        trace: Trace.follow(event.trace.header, self.registry.arn(reference.name)),
        number: self.registry.nextRequest(reference.name),
        receivedAt: yield* Clock.currentTimeMillis
      })
    }).pipe(
      // A destination that is not there is seen in the report, as on AWS in a metric.
      Effect.catch((_: ApiError) => Effect.void)
    )
  }
}

const json = (bytes: Uint8Array): unknown => {
  const text = Buffer.from(bytes).toString()
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
