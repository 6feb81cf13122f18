/**
 * The parts of one service, put together.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Dispatcher } from "./dispatch/Dispatcher.ts"
import { Events } from "./dispatch/Events.ts"
import { FaultPlan } from "./dispatch/Faults.ts"
import * as Trace from "./dispatch/Trace.ts"
import type * as Environment from "./environment/Environment.ts"
import type { Limits } from "./environment/Limits.ts"
import { CodeStore } from "./functions/CodeStore.ts"
import { Layers } from "./functions/Layers.ts"
import { type Found, type FunctionVersion, Registry } from "./functions/Registry.ts"
import type { Settings } from "./Options.ts"
import { Recorder } from "./Report.ts"

/** What functions may sign their own requests with: accepted unless the service wants a certain key. */
export const CREDENTIALS = {
  accessKeyId: "test",
  secretAccessKey: "test",
  sessionToken: "test"
} as const

/** Everything that answers requests. */
export interface Service {
  readonly settings: Settings
  readonly registry: Registry
  readonly code: CodeStore
  readonly layers: Layers
  readonly dispatcher: Dispatcher
  readonly events: Events
  readonly plan: FaultPlan
  readonly recorder: Recorder
  /** Whether a function has called itself too often to be invoked once more. */
  readonly isStopped: (found: Found, trace: Trace.Trace) => boolean
  /** The URL under which the service is reached; known when it listens. */
  url: string
}

/** What a service needs from outside. */
export interface Surroundings {
  /** Where code is kept. */
  readonly folder: string
  readonly limits: Limits
  readonly start: typeof Environment.start
}

/** Makes a service whose environments end with the scope. */
export const make = (
  settings: Settings,
  { folder, limits, start }: Surroundings
): Effect.Effect<Service, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const plan = new FaultPlan(settings)
    const recorder = new Recorder(settings.onInvocation)
    const registry: Registry = new Registry(settings, (version) => dispatcher.retire(version))
    const settingsOf = (version: FunctionVersion, coldStartMs: number) =>
      environmentSettings(service, limits, version, coldStartMs)
    const dispatcher = new Dispatcher({
      registry,
      settings,
      settingsOf,
      start,
      plan,
      recorder,
      scope
    })
    const isStopped = ({ fn }: Found, { before }: Trace.Trace) => {
      if (settings.recursionGuard === "never" || before < Trace.MOST_IN_CHAIN) return false
      return settings.recursionGuard === "always" || fn.recursiveLoop === "Terminate"
    }
    const events = new Events({ registry, settings, dispatcher, plan, recorder, scope, isStopped })
    const service: Service = {
      settings,
      registry,
      code: new CodeStore(folder),
      layers: new Layers(),
      dispatcher,
      events,
      plan,
      recorder,
      isStopped,
      url: ""
    }
    yield* Effect.addFinalizer(() => dispatcher.end)
    return service
  })

const environmentSettings = (
  { registry, settings, url }: Service,
  limits: Limits,
  { code, configuration, functionName, layersFolder, version }: FunctionVersion,
  coldStartMs: number
): Environment.EnvironmentSettings => ({
  functionName,
  version,
  arn: registry.arn(functionName),
  region: settings.region,
  handler: configuration.handler,
  codeFolder: code.folder,
  ...(layersFolder !== undefined && { layersFolder }),
  memoryMiB: configuration.memoryMiB,
  timeoutMs: configuration.timeoutSeconds * 1000,
  variables: {
    ...settings.variables,
    AWS_ENDPOINT_URL_LAMBDA: url,
    ...configuration.variables,
    AWS_REGION: settings.region,
    AWS_DEFAULT_REGION: settings.region,
    AWS_ACCESS_KEY_ID: settings.accessKeyId ?? CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_SESSION_TOKEN: CREDENTIALS.sessionToken
  },
  client: settings.runtimeClient,
  limits,
  coldStartMs,
  ...(settings.onLog !== undefined && {
    onOutput: (text: string) => settings.onLog?.(functionName, text)
  })
})
