/**
 * An execution environment: one function in one process of its own, which serves one invocation at a time.
 *
 * It is frozen whenever the function has asked for the next invocation and there is none, and serves until it has ended:
 * by `end`, or by itself, after a timeout, an excess of memory or the end of its process.
 */
import { randomUUID } from "node:crypto"
import { access, mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Host from "./Host.ts"
import { Instance } from "./Instance.ts"
import type { Done, Request } from "./Invocation.ts"
import { Output } from "./Output.ts"
import { installRic, type RicError } from "./Ric.ts"
import { RuntimeApi } from "./RuntimeApi.ts"
import type { EnvironmentSettings } from "./Settings.ts"
import { makeLogStreamName, variablesOf } from "./Variables.ts"

export type { Done, Outcome, Request } from "./Invocation.ts"
export type { EnvironmentSettings } from "./Settings.ts"

export interface Environment {
  readonly id: string
  readonly logStreamName: string
  /** False as soon as it ends, by `end` or by itself, also before nothing of it is left. */
  readonly isUsable: boolean
  /** Only one at a time. An interruption ends the environment; after the end an invocation finds its process killed. */
  readonly invoke: (request: Request) => Effect.Effect<Done>
  /** Kills it. Resolves when nothing of it is left; an invocation under way ends with an error. */
  readonly end: (reason: string) => Effect.Effect<void>
  /** Resolves with the reason when it has ended and nothing of it is left. */
  readonly ended: Effect.Effect<string>
}

/** An environment that could not be made, for a reason that has nothing to do with the function. */
export class EnvironmentError extends Data.TaggedError("EnvironmentError")<{
  readonly functionName: string
  readonly reason: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return `No environment for ${this.functionName}: ${this.reason}`
  }
}

const RUNTIME = fileURLToPath(new URL("../../runtime", import.meta.url))

/** Starts one, and does not wait for its initialisation: the first invocation does. */
export const start = (settings: EnvironmentSettings): Effect.Effect<Environment, EnvironmentError> =>
  Effect.uninterruptible(
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const instance = yield* open(settings).pipe(
        Scope.provide(scope),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
      yield* instance.begin(scope)
      return instance
    })
  )

/** Makes all that an environment has beside its process, to be removed with the scope. */
const open = Effect.fnUntraced(function* (
  settings: EnvironmentSettings
): Effect.fn.Return<Instance, EnvironmentError, Scope.Scope> {
  const { codeFolder, functionName, limits, memoryMiB } = settings
  const failed = (reason: string) => (cause: unknown) =>
    new EnvironmentError({ functionName, reason: `${reason}: ${messageOf(cause)}`, cause })
  const attempt = <A>(reason: string, run: () => Promise<A>) =>
    Effect.tryPromise({ try: run, catch: failed(reason) })

  yield* attempt(`its code is not there`, () => access(codeFolder))
  const entry = yield* entryOf(settings).pipe(Effect.mapError(failed("its runtime is not there")))
  const host = yield* Effect.acquireRelease(attempt("no temporary folder can be made", Host.enter), () =>
    Effect.promise(Host.leave)
  )
  const id = randomUUID()
  const folder = join(host.folder, id)
  const temporary = join(folder, "tmp")
  yield* Effect.acquireRelease(
    attempt("no temporary folder can be made", () => mkdir(temporary, { recursive: true })),
    () => Effect.promise(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => {}))
  )
  const confinement = yield* Effect.acquireRelease(
    limits
      .confine(`lambda-local-${host.name}-${id}`, memoryMiB)
      .pipe(Effect.mapError(failed("its limits cannot be set"))),
    (made) => made.close
  )
  if (confinement.folders.length > 0) {
    const list = confinement.folders.map((line) => `${line}\n`).join("")
    yield* attempt("no temporary folder can be made", () => writeFile(join(folder, "groups"), list))
  }
  const api = yield* Effect.acquireRelease(
    attempt("its Runtime API cannot listen", () => RuntimeApi.listen()),
    (listening) => Effect.promise(() => listening.close())
  )
  const output = new Output(settings.onOutput)
  const logStreamName = settings.logStreamName ?? makeLogStreamName(settings.version)
  const variables = variablesOf(settings, {
    address: api.address,
    logStreamName,
    runtime: RUNTIME,
    temporary
  })
  const process = {
    folder,
    workingFolder: codeFolder,
    args: [...flagsOf(settings), entry],
    variables,
    confinement,
    output
  }
  return new Instance({ id, logStreamName, settings, api, confinement, output, process })
})

/** The program that Node.js runs. */
const entryOf = ({ client, ricFolder }: EnvironmentSettings): Effect.Effect<string, RicError> =>
  client === "built-in"
    ? Effect.succeed(join(RUNTIME, "loop.mjs"))
    : Effect.map(installRic(ricFolder), (folder) => join(folder, "node_modules/aws-lambda-ric/index.mjs"))

/** As AWS starts Node.js: a tenth of the memory for new objects, the rest for old ones. */
const flagsOf = ({ client, memoryMiB }: EnvironmentSettings): ReadonlyArray<string> => {
  const young = Math.floor(memoryMiB / 10)
  return [
    // It makes V8 compile anew what is compiled in Node.js already (10 ms). Our loop has `gc` without it.
    ...(client === "built-in"
      ? []
      : ["--expose-gc", `--import=${pathToFileURL(join(RUNTIME, "output.mjs"))}`]),
    "--max-http-header-size=81920",
    `--max-semi-space-size=${Math.floor(young / 2)}`,
    `--max-old-space-size=${memoryMiB - young}`
  ]
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
