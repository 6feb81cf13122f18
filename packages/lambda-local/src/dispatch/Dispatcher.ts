/**
 * Brings invocations to environments. Each environment serves one invocation at a time; those of a version that have
 * nothing to do are used again, the last used first, and others are made as long as there is concurrency left.
 *
 * D1. Invocations under way never exceed the account's concurrency, nor a function's reserved one, nor do functions
 *     without reserved concurrency use what is reserved for others.
 * D2. An environment belongs to one version object: after an update of `$LATEST` no invocation gets to the old code.
 * D3. An environment that could still serve is either idle in its pool or serves; others have ended or are about to.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { type ApiError, refused, throttled } from "../ApiError.ts"
import type * as Environment from "../environment/Environment.ts"
import type { FunctionVersion, LambdaFunction, Registry } from "../functions/Registry.ts"
import type { Settings } from "../Options.ts"
import type { FaultName, InvocationError, InvocationRecord, Recorder } from "../Report.ts"
import { billOf, reportLine } from "./Billing.ts"
import type { FaultPlan } from "./Faults.ts"

/** One attempt to have something done. */
export interface Attempt {
  readonly requestId: string
  readonly fn: LambdaFunction
  readonly version: FunctionVersion
  /** As it was invoked: with version or alias, if one was named. */
  readonly arn: string
  readonly payload: Uint8Array
  /** The header X-Amzn-Trace-Id. */
  readonly trace: string
  readonly clientContext: string | undefined
  readonly type: InvocationRecord["type"]
  /** 1, or more if an event is tried again. */
  readonly attempt: number
  /** How many requests for the function there had been, and which delivery of that request this is. */
  readonly number: number
  readonly delivery: string
  /** In ms since 1970. */
  readonly receivedAt: number
  readonly queuedSince: number
  readonly faults: ReadonlyArray<FaultName>
}

/** What came of an attempt. */
export interface Executed {
  readonly outcome: Environment.Outcome
  readonly version: string
  /** What was printed, and the lines around it. */
  readonly log: string
}

/** Makes the settings of an environment. */
export type SettingsOf = (version: FunctionVersion, coldStartMs: number) => Environment.EnvironmentSettings

interface Idle {
  readonly environment: Environment.Environment
  readonly since: number
}

interface Pool {
  /** The last one is the last used. */
  idle: Array<Idle>
  isRetired: boolean
}

/** Makes a dispatcher whose environments end with the scope. */
export class Dispatcher {
  private readonly pools = new Map<FunctionVersion, Pool>()
  private readonly environments = new Set<Environment.Environment>()
  /** How many invocations are under way, by function. */
  private readonly busy = new Map<LambdaFunction, number>()
  /** How many environments there have been, by function name. */
  private readonly started = new Map<string, number>()
  private readonly registry: Registry
  private readonly settings: Settings
  private readonly settingsOf: SettingsOf
  private readonly start: typeof Environment.start
  private readonly plan: FaultPlan
  private readonly recorder: Recorder
  private readonly scope: Scope.Scope
  private isClosed = false

  constructor(parts: {
    readonly registry: Registry
    readonly settings: Settings
    readonly settingsOf: SettingsOf
    readonly start: typeof Environment.start
    readonly plan: FaultPlan
    readonly recorder: Recorder
    readonly scope: Scope.Scope
  }) {
    this.registry = parts.registry
    this.settings = parts.settings
    this.settingsOf = parts.settingsOf
    this.start = parts.start
    this.plan = parts.plan
    this.recorder = parts.recorder
    this.scope = parts.scope
  }

  /**
   * Has it done, in an idle environment or a new one. Fails with TooManyRequestsException if there is no concurrency
   * left, and with ServiceException if no environment can be made.
   */
  invoke(attempt: Attempt): Effect.Effect<Executed, ApiError> {
    return Effect.suspend(() => {
      const { fn } = attempt
      if (this.isClosed) return Effect.fail(refused("ServiceException", "The service is being closed."))
      const refusal = this.throttle(fn)
      if (refusal !== undefined) {
        this.recorder.throttled()
        return Effect.fail(refusal)
      }
      this.busy.set(fn, this.busyWith(fn) + 1)
      return this.serve(attempt).pipe(Effect.ensuring(Effect.sync(() => this.free(fn))))
    })
  }

  /** The version is not invoked any more: its environments end, those that serve when they have done so. */
  retire(version: FunctionVersion): void {
    const pool = this.pools.get(version)
    if (pool === undefined) return
    this.pools.delete(version)
    pool.isRetired = true
    for (const { environment } of pool.idle.splice(0))
      this.endSoon(environment, "its code is not used any more")
  }

  /** How many invocations functions without a reservation may have under way together, in D1. */
  unreserved(): number {
    return (
      this.settings.concurrency - this.registry.list().reduce((sum, { reserved }) => sum + (reserved ?? 0), 0)
    )
  }

  /** Ends all environments at once. From then on nothing is invoked. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    return Effect.forEach(this.environments, (environment) => environment.end("the service is closed"), {
      concurrency: "unbounded",
      discard: true
    })
  })

  private busyWith(fn: LambdaFunction) {
    return this.busy.get(fn) ?? 0
  }

  private free(fn: LambdaFunction) {
    const rest = this.busyWith(fn) - 1
    if (rest > 0) this.busy.set(fn, rest)
    else this.busy.delete(fn)
  }

  private throttle(fn: LambdaFunction): ApiError | undefined {
    if (fn.reserved !== undefined) {
      return this.busyWith(fn) < fn.reserved
        ? undefined
        : throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
    }
    let busy = 0
    for (const [other, count] of this.busy) if (other.reserved === undefined) busy += count
    return busy < this.unreserved() ? undefined : throttled("ConcurrentInvocationLimitExceeded")
  }

  private serve(attempt: Attempt) {
    const self = this
    return Effect.gen(function* () {
      const pool = self.poolOf(attempt.version)
      const environment = takeIdle(pool) ?? (yield* self.create(attempt, pool))
      const begun = yield* Clock.currentTimeMillis
      self.settings.onLog?.(attempt.fn.name, startLine(attempt))
      const killAfterMs = self.plan.killAfterMs(attempt.fn.name, attempt.number, attempt.delivery)
      let isKilled = false
      const killer =
        killAfterMs === undefined
          ? undefined
          : yield* Effect.sleep(killAfterMs).pipe(
              Effect.andThen(
                Effect.suspend(() => {
                  isKilled = true
                  return environment.end("killed: a fault made on purpose")
                })
              ),
              Effect.forkIn(self.scope)
            )
      const done = yield* environment.invoke({
        id: attempt.requestId,
        payload: attempt.payload,
        traceId: attempt.trace,
        arn: attempt.arn,
        ...(attempt.clientContext === undefined ? {} : { clientContext: attempt.clientContext })
      })
      // A kill that has begun is waited for: what it kills is not used again.
      if (killer !== undefined) yield* isKilled ? Fiber.await(killer) : Fiber.interrupt(killer)
      yield* self.release(pool, environment, done.isUsable && !isKilled)
      const faults = isKilled ? [...attempt.faults, "killed" as const] : attempt.faults
      return self.record({ ...attempt, faults }, environment, begun, done)
    })
  }

  private poolOf(version: FunctionVersion): Pool {
    const known = this.pools.get(version)
    if (known !== undefined) return known
    // A version that was removed while the request waited: its environment serves it and ends.
    const isRetired = !this.isCurrent(version)
    const pool: Pool = { idle: [], isRetired }
    if (!isRetired) this.pools.set(version, pool)
    return pool
  }

  private isCurrent(version: FunctionVersion) {
    const fn = this.registry.peek(version.functionName)
    return fn !== undefined && this.registry.version(fn, version.version) === version
  }

  private create(attempt: Attempt, pool: Pool): Effect.Effect<Environment.Environment, ApiError> {
    const self = this
    const { version } = attempt
    const { name } = attempt.fn
    return Effect.gen(function* () {
      const number = self.started.get(name) ?? 0
      self.started.set(name, number + 1)
      const environment = yield* self
        .start(self.settingsOf(version, self.plan.coldStartMs(name, number)))
        .pipe(Effect.mapError(({ message }) => refused("ServiceException", message)))
      self.environments.add(environment)
      self.recorder.environmentStarted()
      yield* self.watch(pool, environment).pipe(Effect.forkIn(self.scope))
      return environment
    })
  }

  /** Ends an environment that has nothing to do for long, and forgets one that has ended. */
  private watch(pool: Pool, environment: Environment.Environment) {
    const { idleMs } = this.settings
    const retire = Effect.gen(function* () {
      for (let waitMs = idleMs; ; ) {
        yield* Effect.sleep(waitMs)
        const entry = pool.idle.find((one) => one.environment === environment)
        const idleFor = entry === undefined ? 0 : (yield* Clock.currentTimeMillis) - entry.since
        if (entry !== undefined && idleFor >= idleMs) {
          pool.idle.splice(pool.idle.indexOf(entry), 1)
          yield* environment.end("idle")
          return
        }
        waitMs = idleMs - idleFor
      }
    })
    return Effect.raceFirst(retire, environment.ended).pipe(
      Effect.andThen(
        Effect.sync(() => {
          pool.idle = pool.idle.filter((one) => one.environment !== environment)
          this.environments.delete(environment)
          this.recorder.environmentEnded()
        })
      )
    )
  }

  private release(pool: Pool, environment: Environment.Environment, isUsable: boolean) {
    return Effect.map(Clock.currentTimeMillis, (since) => {
      if (isUsable && !pool.isRetired) pool.idle.push({ environment, since })
      else this.endSoon(environment, isUsable ? "its code is not used any more" : "it can serve no more")
    })
  }

  private endSoon(environment: Environment.Environment, reason: string) {
    Effect.runFork(environment.end(reason))
  }

  private record(
    attempt: Attempt,
    environment: Environment.Environment,
    begun: number,
    done: Environment.Done
  ): Executed {
    const { configuration, functionName, version } = attempt.version
    const { durationMs, initMs, maxMemoryMiB, outcome } = done
    const { architecture, memoryMiB } = configuration
    const bill = billOf(done, memoryMiB, architecture)
    this.recorder.invoked({
      requestId: attempt.requestId,
      functionName,
      version,
      type: attempt.type,
      attempt: attempt.attempt,
      environment: environment.id,
      start: initMs === undefined ? "warm" : "cold",
      receivedAt: attempt.receivedAt,
      queuedMs: begun - attempt.queuedSince,
      initMs,
      durationMs,
      ...bill,
      memoryMiB,
      maxMemoryMiB,
      error: outcome.type === "error" ? errorOf(outcome) : undefined,
      faults: attempt.faults
    })
    const end = `END RequestId: ${attempt.requestId}\n${reportLine(attempt.requestId, done, memoryMiB, bill)}`
    const output = done.log === "" || done.log.endsWith("\n") ? done.log : `${done.log}\n`
    this.settings.onLog?.(functionName, end)
    return { outcome, version, log: `${startLine(attempt)}${output}${end}` }
  }
}

/** The one that was used last, of those that have not ended meanwhile. */
const takeIdle = ({ idle }: Pool): Environment.Environment | undefined => {
  for (let last = idle.pop(); last !== undefined; last = idle.pop()) {
    if (last.environment.isUsable) return last.environment
  }
  return
}

const startLine = ({ requestId, version }: Attempt) =>
  `START RequestId: ${requestId} Version: ${version.version}\n`

const errorOf = ({
  errorType,
  payload,
  unhandled
}: Environment.Outcome & { readonly type: "error" }): InvocationError => {
  let message = ""
  try {
    const { errorMessage }: { readonly errorMessage?: unknown } = JSON.parse(Buffer.from(payload).toString())
    if (typeof errorMessage === "string") message = errorMessage
  } catch {
    // A runtime may report what is no JSON.
  }
  return { type: errorType, message, unhandled }
}
