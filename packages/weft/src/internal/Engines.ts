/**
 * Engines that are asked for by name. Runs share their threads and processes.
 */
import { type Engine, EngineError, inline, processes, threads } from "@weft/worker"

/** The engines that are known by name. */
export type EngineName = "inline" | "threads" | "processes" | "lambda"

/** An engine that a run uses until `end` is called. */
export interface Used {
  readonly engine: Engine
  readonly end: () => Promise<void>
}

interface ClosableEngine extends Engine {
  readonly close: () => Promise<void>
}

const makers: Readonly<
  Record<"threads" | "processes", (options: { readonly concurrency?: number }) => ClosableEngine>
> = { threads, processes }

/**
 * By name and concurrency, and how many runs use each. Those with the default concurrency stay for later runs; others
 * end with the last run that uses them.
 */
const shared = new Map<string, { readonly engine: ClosableEngine; users: number }>()

/** What engines call their workers that only a store can bring together. */
const ELSEWHERE: Readonly<Record<string, string>> = { processes: "processes", lambda: "functions" }

/**
 * The engine, and what to do when the run has ended.
 *
 * @param isShared whether other processes get at the run's stores
 * @throws {EngineError} if the engine cannot do without that
 */
export const use = async (
  engine: EngineName | Engine,
  concurrency: number | undefined,
  isShared: boolean
): Promise<Used> => {
  const name = typeof engine === "string" ? engine : engine.name
  const workers = ELSEWHERE[name]
  if (workers !== undefined && !isShared) {
    throw new EngineError({
      engine: name,
      detail:
        `${workers} have no memory in common, so runs need a store that each of them gets at: ` +
        'pass `store: "redis://localhost:6379"`, or on the command line --store or WEFT_STORE'
    })
  }
  if (typeof engine !== "string") return { engine, end: async () => {} }
  const options = concurrency === undefined ? {} : { concurrency }
  if (engine === "inline") return { engine: inline(options), end: async () => {} }
  if (engine === "lambda") {
    // Loaded when it is asked for.
    const { lambda } = await import("@weft/engine-lambda")
    return { engine: lambda(options), end: async () => {} }
  }
  const key = `${engine} ${concurrency ?? ""}`
  const entry = shared.get(key) ?? { engine: makers[engine](options), users: 0 }
  shared.set(key, entry)
  entry.users++
  const end = async () => {
    if (--entry.users > 0 || concurrency === undefined) return
    shared.delete(key)
    await entry.engine.close()
  }
  return { engine: entry.engine, end }
}
