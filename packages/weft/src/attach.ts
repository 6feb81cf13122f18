/**
 * Runs that another process began: go on with one whose client died, or only watch. Promises only.
 */
import { TaskModule } from "@weft/worker"
import type { RunEvent } from "./Events.ts"
import * as Attach from "./internal/Attach.ts"
import * as Handle from "./internal/Handle.ts"

/** How to go on with a run. */
export interface AttachOptions extends Handle.HandleOptions {
  /** The store that the run is in: its URL, or the stores themselves. */
  readonly store: NonNullable<Handle.HandleOptions["store"]>
  /** The URL of the module that exports the tasks. Default: the one that the run names. */
  readonly module?: string
}

/** How to watch a run. */
export type WatchOptions = Pick<AttachOptions, "objects" | "output" | "pollMs" | "store"> & {
  /** Ends the watching when it is aborted. */
  readonly signal?: AbortSignal
}

/**
 * Goes on with a run whose client is gone, as that would have done: takes over what it held, starts workers, waits, gives
 * the result. The plan, and the lease, are those that the run began with. A run that has ended meanwhile gives its result.
 *
 * ```ts
 * await using handle = await attach("mf3k2a9c-7xq2ab", { store: "redis://localhost:6379" })
 * console.log(await handle.result())
 * ```
 *
 * @throws {UnknownRun} if there is no such run (any more)
 * @throws {UnreadableRun} if another version of weft wrote it, or it is damaged
 * @throws {NoModule | ModuleError} if its tasks cannot be found
 * @throws {StoreError | EngineError} if the store or the engine cannot be used
 */
export const attach = (run: string, options: AttachOptions): Promise<Handle.RunHandle<unknown>> =>
  attachTo(run, options)

/** A run that is watched. */
export interface WatchHandle extends Omit<Handle.RunHandle<unknown>, "result"> {
  /** Resolves when the run has succeeded. Rejects with `RunFailed`, `RunCancelled`, `UnknownRun` or a store's error. */
  readonly ended: () => Promise<void>
}

/**
 * Watches a run that others see to. Nothing of it is changed, and disposing of the handle ends the watching only. The
 * result is for whoever began the run.
 *
 * @throws {UnknownRun | UnreadableRun | StoreError} as {@link attach}
 */
export const watch = (run: string, options: WatchOptions): Promise<WatchHandle> => watchOf(run, options)

/** The same as {@link attach}, and tells `onEvent` all that happens, at once. For the command line. */
export const attachTo = (
  run: string,
  options: AttachOptions,
  onEvent?: (event: RunEvent) => void
): Promise<Handle.RunHandle<unknown>> => {
  TaskModule.refuseWhileImporting()
  return Handle.open(options, (settings) => ({
    begin: (listener) => Attach.attach(run, { ...settings, module: options.module }, listener),
    onEvent,
    disposal: "cancel"
  }))
}

/** The same as {@link watch}, and tells `onEvent` all that happens, at once. For the command line. */
export const watchOf = async (
  run: string,
  options: WatchOptions,
  onEvent?: (event: RunEvent) => void
): Promise<WatchHandle> => {
  const { result, ...handle } = await Handle.open(options, ({ pollMs }) => ({
    begin: (listener) => Attach.watch(run, pollMs, listener),
    onEvent,
    disposal: "leave"
  }))
  return { ...handle, ended: async () => void (await result()) }
}
