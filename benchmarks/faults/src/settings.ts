/** How all runs are run. */
import { type ProcessesOptions, processes } from "@weft/worker"
import type { Stores } from "weft"
import { dealt } from "./planner.ts"

/** How long a worker may be silent, in ms. */
export const LEASE_MS = 1000
/** How often clients ask what they may have missed, in ms. */
export const POLL_MS = 250
/** How many worker processes. */
export const PROCESSES = 3

/** The URL of the tasks. */
export const module = new URL("./tasks.ts", import.meta.url).href

/** Whoever begins a run, or goes on with one, has an engine of its own. */
export const makeEngine = (options: ProcessesOptions = {}) =>
  processes({ processes: PROCESSES, idleMs: 200, ...options })

/** Options of a run. */
export const options = (
  engine: ReturnType<typeof makeEngine>,
  store: Stores.Stores,
  workers: number,
  seed: number
) =>
  ({
    engine,
    store,
    module,
    planner: dealt(workers, seed),
    leaseMs: LEASE_MS,
    pollMs: POLL_MS,
    // Some faults cost a node many workers.
    maxAttempts: 30,
    output: "ignore"
  }) as const
