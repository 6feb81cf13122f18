/**
 * The engine `processes`: workers run in processes of this machine, each with its own connection to the stores. For tasks
 * that compute, or may take their process with them. The processes go on with a run even if this one is killed.
 */
import { availableParallelism } from "node:os"
import * as Effect from "effect/Effect"
import { type Engine, EngineError, type OpenRun } from "../Engine.ts"
import { Pool } from "./pool/Pool.ts"
import * as PooledRun from "./pool/PooledRun.ts"
import type { VesselSettings } from "./pool/Vessel.ts"
import * as Process from "./processes/Process.ts"
import type { Opening } from "./processes/Protocol.ts"

/** Options of the `processes` engine. */
export interface ProcessesOptions {
  /** How many processes at most. Default: as many as cores may be used, and not more than `concurrency`. */
  readonly processes?: number
  /** How many workers may be active at once in all processes. Default: one in each process. */
  readonly concurrency?: number
  /** How many workers one worker invokes itself before the rest is left to others. Default: any number. */
  readonly fanOut?: number
  /** How long a named worker waits for work before it leaves, in ms. Default 1,000. */
  readonly idleMs?: number
  /** The most that one process's heap may grow to, in MiB. Default: Node's. */
  readonly heapMiB?: number
}

/** The `processes` engine: its processes stay, and do not keep this one from ending, until it is closed. */
export interface ProcessesEngine extends Engine {
  /** Ends the processes. The engine can be used again after that. */
  readonly close: () => Promise<void>
}

/** Bytes of values that an invocation may carry: they are copied twice on their way through this process. */
const PAYLOAD_BYTES = 262_144

/** Two messages, a call to the store and its answer, and turns of two processes. */
const WORTH_MS = 4

/** Makes a `processes` engine. Processes start when there is something to do. */
export const processes = (options: ProcessesOptions = {}): ProcessesEngine => {
  const { concurrency = Number.POSITIVE_INFINITY, fanOut, heapMiB, idleMs = 1000 } = options
  const parallelism = options.processes ?? Math.max(1, Math.min(availableParallelism(), concurrency))
  const settings: VesselSettings = {
    parallelism,
    fanOut: fanOut ?? Number.MAX_SAFE_INTEGER,
    idleMs,
    payloadBytes: PAYLOAD_BYTES,
    worthMs: WORTH_MS
  }
  const pool = new Pool<Opening>({
    what: "process",
    limit: parallelism,
    concurrency: Math.max(parallelism, options.concurrency ?? parallelism),
    launch: Process.launch(settings, heapMiB)
  })
  return {
    name: "processes",
    parallelism,
    open: (run) => open(run, pool, settings),
    close: () => pool.shutdown()
  }
}

const open = Effect.fnUntraced(function* (run: OpenRun, pool: Pool<Opening>, settings: VesselSettings) {
  const { leaseMs, stores } = run
  yield* PooledRun.requireModule(run, "processes")
  if (stores === undefined || !Number.isFinite(leaseMs)) {
    return yield* new EngineError({
      engine: "processes",
      detail: 'processes need a store that other processes can reach: pass `store: "redis://…"`'
    })
  }
  const opening: Opening = { type: "open", run: run.run, leaseMs, stores }
  return yield* PooledRun.open(run, pool, {
    engine: "processes",
    what: "process",
    // Others may run the same run: what is taken over must not be mixed up with theirs.
    taker: `engine-${crypto.randomUUID()}`,
    settings,
    opening,
    patienceMs: leaseMs,
    receive: () => {}
  })
})
