/**
 * The service as programs start it.
 */
import { mkdir, rm } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { functionRoutes } from "./api/FunctionRoutes.ts"
import { invokeRoutes } from "./api/InvokeRoutes.ts"
import { layerRoutes } from "./api/LayerRoutes.ts"
import { listen } from "./api/Server.ts"
import { settingRoutes } from "./api/SettingRoutes.ts"
import { versionRoutes } from "./api/VersionRoutes.ts"
import { start } from "./environment/Environment.ts"
import * as Host from "./environment/Host.ts"
import { detect } from "./environment/Limits.ts"
import { type LambdaOptions, resolve } from "./Options.ts"
import type { Report } from "./Report.ts"
import { CREDENTIALS, make } from "./Service.ts"

/** A service that runs in this process; functions run in processes of their own. */
export interface LambdaLocal extends AsyncDisposable {
  /** For the SDK's `endpoint`. */
  readonly url: string
  readonly region: string
  /** For the SDK's `credentials`. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** What these are called in the environment: for programs that use the SDK with its defaults. */
  readonly env: Readonly<Record<string, string>>
  /** How memory and CPU of functions are limited on this machine, in a sentence. */
  readonly limits: string
  /** What has happened so far. */
  report(): Report
  /** Ends all functions and removes what was on disk. Events that wait are lost. */
  close(): Promise<void>
}

/**
 * Starts a service on 127.0.0.1 that speaks the Lambda API.
 *
 * @throws {InvalidOption} if an option makes no sense
 * @throws {ListenError} if the port is in use
 */
export const startLambda = async (options: LambdaOptions = {}): Promise<LambdaLocal> => {
  const settings = resolve(options)
  const scope = Effect.runSync(Scope.make())
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
  const begin = Effect.gen(function* () {
    // Removed by a guard if this process is killed.
    const host = yield* Effect.acquireRelease(Effect.promise(Host.enter), () => Effect.promise(Host.leave))
    const folder = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        const path = join(host.folder, `code-${crypto.randomUUID()}`)
        await mkdir(path)
        return path
      }),
      (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
    )
    const limits = yield* detect(settings.cpuShare)
    const service = yield* make(settings, { folder, limits, start })
    const routes = [invokeRoutes, functionRoutes, versionRoutes, settingRoutes, layerRoutes].flatMap(
      (routesOf) => routesOf(service)
    )
    service.url = yield* listen(routes, settings)
    return { service, limits }
  })
  try {
    const { limits, service } = await Effect.runPromise(Scope.provide(begin, scope))
    // The environments first, all at once: the scope ends what waits for them one by one.
    const closeAll = () => Effect.runPromise(service.dispatcher.end).then(close)
    const { region } = settings
    const credentials = {
      accessKeyId: settings.accessKeyId ?? CREDENTIALS.accessKeyId,
      secretAccessKey: CREDENTIALS.secretAccessKey
    }
    return {
      url: service.url,
      region,
      credentials,
      env: {
        AWS_ENDPOINT_URL_LAMBDA: service.url,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey
      },
      limits: limits.description,
      report: () => service.recorder.report(),
      close: closeAll,
      [Symbol.asyncDispose]: closeAll
    }
  } catch (error) {
    await close()
    throw error
  }
}
