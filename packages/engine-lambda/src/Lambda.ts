/**
 * The engine `lambda`: workers are invocations of AWS Lambda functions, one function for each memory size. Nothing of ours
 * runs in between: the client invokes the first workers, workers invoke others, and all meet in the stores.
 */
import type { LambdaClientConfig } from "@aws-sdk/client-lambda"
import { GraphCodec, Plan } from "@weft/core"
import { Coordination, ObjectStore, type RunDocument } from "@weft/storage"
import { type Engine, EngineError, type OpenRun, persistent, persistentObjects, Sizes } from "@weft/worker"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { EventClient, type Sender } from "./Client.ts"
import * as Functions from "./Functions.ts"
import { makeInvoker } from "./Invoking.ts"
import type { LambdaError } from "./LambdaError.ts"
import { baseName, isBaseName } from "./Naming.ts"

/** Options of the `lambda` engine. What is left out of the first three is found as the AWS SDK finds it. */
export interface LambdaOptions {
  /** Default: `AWS_REGION`, or the profile's. */
  readonly region?: string
  /** Where Lambda's API is. Default: AWS's; `AWS_ENDPOINT_URL_LAMBDA`. */
  readonly endpoint?: string
  /** Default: from the environment, the profile, the machine's role. */
  readonly credentials?: LambdaClientConfig["credentials"]
  /** The deployment's base name. Default: `weft-<workflow>`. */
  readonly name?: string
  /**
   * How many workers may run at once: what a fan-out is divided by. Default: as many as the account allows (which has to
   * be asked for: `lambda:GetAccountSettings`), else 1,000.
   */
  readonly concurrency?: number
  /**
   * How many workers one worker invokes itself before it lets others invoke the rest, in which they load the SDK first; the
   * client invokes four times as many. Default 64.
   */
  readonly fanOut?: number
  /** How long a named worker waits for work before it leaves, in ms; its waiting is paid for. Default 1,000. */
  readonly idleMs?: number
}

/** How long a named worker waits, if nothing else is said. */
const IDLE_MS = 1000
/** An account's usual limit. */
const CONCURRENCY = 1000

/** Makes a `lambda` engine. */
export const lambda = (options: LambdaOptions = {}): Engine => {
  const { concurrency, fanOut, idleMs = IDLE_MS, name } = options
  return {
    name: "lambda",
    environment: {
      idleMs,
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(fanOut === undefined ? {} : { fanOut })
    },
    open: (run) =>
      open(run, {
        ...options,
        resolve: (sizes) => Functions.resolve(options, name ?? baseName(run.graph.columns.name), sizes),
        sender: Effect.acquireRelease(
          Effect.sync(() => new EventClient(options)),
          (client) => Effect.promise(() => client.close())
        )
      })
  }
}

/** What an engine needs of Lambda, beside options. */
export interface Lambda {
  readonly resolve: (sizes: ReadonlyArray<number>) => Effect.Effect<Functions.Deployment, LambdaError>
  readonly sender: Effect.Effect<Sender, never, Scope.Scope>
}

/** Graph and plan of up to so many bytes travel with every event; larger ones are fetched by each environment. */
const DOCUMENT_BYTES = 65_536
/** A node takes at least so many bytes: graphs of more nodes need not be encoded to see that they are too large. */
const NODE_BYTES = 3

/** Opens a run. */
export const open = Effect.fnUntraced(function* (
  run: OpenRun,
  {
    concurrency,
    fanOut = 64,
    idleMs = IDLE_MS,
    name,
    resolve,
    sender
  }: Omit<LambdaOptions, "region" | "endpoint" | "credentials"> & Lambda
) {
  yield* check(run, name)
  const coordination = persistent(yield* Coordination)
  const objects = persistentObjects(yield* ObjectStore)
  const sizes = new Sizes(run.graph, run.plan)
  const deployed = yield* Effect.mapError(
    resolve(sizes.all()),
    (cause) => new EngineError({ engine: "lambda", detail: cause.message, cause })
  )
  return makeInvoker({
    run: run.run,
    settings: {
      leaseMs: run.leaseMs,
      parallelism: Math.max(1, concurrency ?? deployed.concurrency ?? CONCURRENCY),
      fanOut,
      idleMs,
      functions: deployed.functions,
      document: smallDocument(run)
    },
    sizes,
    sender: yield* sender,
    coordination,
    objects,
    memoryMiB: undefined,
    seen: () => [],
    // Later than that, others have got the work.
    patienceMs: () => run.leaseMs
  })
})

/** Refuses what cannot work, before anything is asked of Lambda. */
const check = ({ leaseMs, module, stores }: OpenRun, name: string | undefined) => {
  const refuse = (detail: string) => Effect.fail(new EngineError({ engine: "lambda", detail }))
  if (name !== undefined && !isBaseName(name)) {
    return refuse(
      `"${name}" cannot be the name of a deployment: letters, digits, - and _, at most 58 of them`
    )
  }
  if (stores === undefined || !Number.isFinite(leaseMs)) {
    return refuse(
      'functions have no memory in common, so runs need a store that they get at: pass `store: "redis://…"`'
    )
  }
  return module !== undefined
    ? Effect.void
    : refuse(
        "functions have the tasks of a workflow's module, and it is not known; pass `module: import.meta.url`, or " +
          "define a workflow with `workflow(import.meta, …)`"
      )
}

/** What workers need to join the run, if it is small. */
const smallDocument = ({ behaviours, graph, metrics, module, plan }: OpenRun): RunDocument | undefined => {
  if (graph.size * NODE_BYTES > DOCUMENT_BYTES) return undefined
  const document: RunDocument = {
    graph: GraphCodec.encode(graph).bytes,
    plan: Plan.encode(plan),
    module: module ?? "",
    behaviours: behaviours.map(({ annotation, module }) => ({ module, annotation: annotation.annotation })),
    metrics
  }
  return document.graph.length + document.plan.length <= DOCUMENT_BYTES ? document : undefined
}
