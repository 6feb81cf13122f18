// A service without HTTP and without processes: environments are objects that do as they are told, in virtual time.
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Executed } from "../src/dispatch/Dispatcher.ts"
import * as Trace from "../src/dispatch/Trace.ts"
import type { Environment, EnvironmentSettings, Outcome, Request } from "../src/environment/Environment.ts"
import { EnvironmentError } from "../src/environment/Environment.ts"
import { none } from "../src/environment/Limits.ts"
import { initial } from "../src/functions/Configuration.ts"
import { parse } from "../src/functions/FunctionName.ts"
import { LATEST, type LambdaFunction } from "../src/functions/Registry.ts"
import { type LambdaOptions, resolve } from "../src/Options.ts"
import { make, type Service } from "../src/Service.ts"

/** An environment, and what has happened to it. */
export interface Fake extends Environment {
  readonly settings: EnvironmentSettings
  readonly requests: Array<Request>
  isEnded: boolean
  /** As if its process had ended by itself. */
  readonly die: Effect.Effect<void>
}

export type Handler = (request: Request, environment: Fake) => Effect.Effect<Outcome>

/** How it answers unless it is told otherwise. */
export const ok: Outcome = { type: "response", payload: Buffer.from("1") }
export const failure: Outcome = {
  type: "error",
  payload: Buffer.from('{"errorType":"Error","errorMessage":"no"}'),
  errorType: "Error",
  unhandled: false
}

/** A service and its environments. */
export interface Virtual {
  readonly service: Service
  readonly environments: ReadonlyArray<Fake>
  /** Makes a function that is handled so. */
  readonly create: (name: string, handler?: Handler) => Effect.Effect<LambdaFunction>
  /** Invokes and waits. */
  readonly invoke: (name: string) => Effect.Effect<Executed, unknown>
  /** Leaves an event. */
  readonly send: (name: string, payload?: unknown, requestId?: string) => Effect.Effect<void>
  /** Lets the next environments fail to start, or not. */
  startFails: boolean
}

export const virtual = Effect.fnUntraced(function* (options: LambdaOptions = {}) {
  const environments: Array<Fake> = []
  const handlers = new Map<string, Handler>()
  const start = (settings: EnvironmentSettings) =>
    Effect.gen(function* () {
      const { functionName } = settings
      if (self.startFails) return yield* new EnvironmentError({ functionName, reason: "no more processes" })
      const environment = yield* fake(settings, handlers.get(functionName)!, `e${environments.length}`)
      environments.push(environment)
      return environment
    })
  const service = yield* make(resolve(options), { folder: "/nowhere", limits: none, start })
  const { dispatcher, events, registry } = service
  const request = (name: string) => ({
    number: registry.nextRequest(name.split(":")[0]!),
    trace: Trace.follow(undefined, registry.arn(name)),
    receivedAt: 0,
    clientContext: undefined
  })
  const self: Virtual = {
    service,
    environments,
    startFails: false,
    create: (name, handler = () => Effect.succeed(ok)) => {
      handlers.set(name, handler)
      const code = { sha256: "x", id: "x", size: 1, folder: "/nowhere/x" }
      const configuration = { ...initial(name), handler: "index.handler" }
      return Effect.orDie(registry.create(name, { code, configuration, layersFolder: undefined }, {}))
    },
    invoke: (name) =>
      Effect.gen(function* () {
        const { fn, version } = yield* registry.find(yield* parse(name, undefined, registry.place))
        const { trace, ...rest } = request(name)
        return yield* dispatcher.invoke({
          ...rest,
          requestId: crypto.randomUUID(),
          fn,
          version,
          arn: registry.arn(name),
          payload: Buffer.from("{}"),
          trace: trace.header,
          type: "RequestResponse",
          attempt: 1,
          delivery: "",
          queuedSince: 0,
          faults: []
        })
      }),
    send: (name, payload = {}, requestId = crypto.randomUUID()) =>
      Effect.gen(function* () {
        const reference = yield* Effect.orDie(parse(name, undefined, registry.place))
        yield* events.accept({
          ...request(name),
          requestId,
          reference,
          payload: Buffer.from(JSON.stringify(payload))
        })
      })
  }
  return self
})

const fake = (settings: EnvironmentSettings, handler: Handler, id: string): Effect.Effect<Fake> =>
  Effect.map(Deferred.make<string>(), (ended) => {
    const end = (reason: string) =>
      Effect.suspend(() => {
        environment.isEnded = true
        return Effect.asVoid(Deferred.succeed(ended, reason))
      })
    const environment: Fake = {
      id,
      logStreamName: id,
      settings,
      requests: [],
      isEnded: false,
      get isUsable() {
        return !environment.isEnded
      },
      end,
      die: end("it died"),
      ended: Deferred.await(ended),
      invoke: (request) =>
        Effect.gen(function* () {
          const isCold = environment.requests.push(request) === 1
          const killed = Effect.as(Deferred.await(ended), KILLED)
          const outcome = yield* Effect.raceFirst(handler(request, environment), killed)
          return {
            outcome,
            durationMs: 1,
            initMs: isCold ? 10 : undefined,
            maxMemoryMiB: 40,
            log: "",
            isUsable: outcome !== KILLED
          }
        })
    }
    return environment
  })

const KILLED: Outcome = {
  type: "error",
  payload: Buffer.from('{"errorType":"Runtime.ExitError","errorMessage":"killed"}'),
  errorType: "Runtime.ExitError",
  unhandled: true
}

/** Replaces what is deployed, as an update does. */
export const update = ({ service: { registry } }: Virtual, name: string): void => {
  const fn = registry.peek(name)!
  registry.update(fn, { configuration: { ...fn.latest.configuration, description: crypto.randomUUID() } })
}

/** Sets what becomes of a function's events. */
export const configureEvents = (
  { service: { registry } }: Virtual,
  name: string,
  config: {
    readonly retries?: number
    readonly ageSeconds?: number
    readonly failure?: string
    readonly success?: string
  }
): void => {
  registry.peek(name)!.eventInvoke.set(LATEST, {
    maximumRetryAttempts: config.retries,
    maximumEventAgeSeconds: config.ageSeconds,
    onFailureArn: config.failure,
    onSuccessArn: config.success,
    modified: new Date(0)
  })
}
