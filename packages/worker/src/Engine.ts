/**
 * Engines: what starts workers. `inline`, `threads` and `processes` are in this package.
 */
import type { Behaviour, Environment, Graph, InstanceId, Plan, TaskReference } from "@weft/core"
import type { Coordination, ObjectStore, StoresReference, UploadStrategy } from "@weft/storage"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Invocation } from "./Invocation.ts"
import type { Sizes } from "./Sizes.ts"

/** An engine that cannot start workers. */
export class EngineError extends Data.TaggedError("EngineError")<{
  readonly engine: string
  /** What happened and what to do about it. */
  readonly detail: string
  readonly cause?: unknown
}> {
  override get message() {
    return `the engine "${this.engine}" cannot start workers: ${this.detail}`
  }
}

/** A run as its client opens it with an engine. */
export interface OpenRun {
  readonly run: string
  readonly graph: Graph.Graph
  readonly plan: Plan.Plan
  /** The URL of the module that exports the tasks; `undefined` if there is none (tasks of a script's own nodes). */
  readonly module: string | undefined
  /** The tasks as this process has them. */
  readonly tasks: ReadonlyMap<string, TaskReference>
  readonly behaviours: ReadonlyArray<Behaviour.Behaviour>
  /**
   * After how many ms of silence a worker is taken for lost. Infinite if nobody outside this process knows of the run:
   * then an engine says `abandon` when it loses a worker. If it is finite, leases have to be renewed.
   */
  readonly leaseMs: number
  /** How other processes get at the run's stores; `undefined` if they cannot. */
  readonly stores: StoresReference | undefined
  /** When workers upload what they measure; absent: they measure nothing. */
  readonly metrics?: UploadStrategy | undefined
}

/** Starts workers of one run. */
export interface Invoker {
  /** How many workers can make progress at the same moment: what a fan-out is divided by. */
  readonly parallelism: number
  /** How many workers one worker invokes itself before it lets others invoke the rest; clients four times as many. */
  readonly fanOut: number
  /** How long a named worker waits for work before it leaves, in ms. */
  readonly idleMs: number
  /** Bytes of values that one invocation may carry. */
  readonly payloadBytes: number
  /** Work that takes less than this, in ms, is not worth an invocation of its own. */
  readonly worthMs: number
  /** What the run's nodes need; absent where workers have no sizes: then invocations say nothing of memory. */
  readonly sizes?: Sizes | undefined
  /**
   * Memory of the worker that hands off, in MiB: it keeps no node that needs more. Absent for who runs nothing, and where
   * workers have no sizes.
   */
  readonly memoryMiB?: number | undefined
  readonly invoke: (invocations: ReadonlyArray<Invocation>) => Effect.Effect<void, EngineError>
  /** Starts what so many workers of a memory size will run in, before they are invoked; absent where that takes no time. */
  readonly prewarm?: (memoryMiB: number, workers: number) => Effect.Effect<void>
}

/** An engine. */
export interface Engine {
  readonly name: string
  /** How many tasks can run at the same moment: what efficiency is measured against. Absent where nothing here says so. */
  readonly parallelism?: number | undefined
  /** What it says of where its workers run, beside what its name tells: for planners. */
  readonly environment?: Environment
  /** Opens a run. When the scope closes, all its workers have ended. */
  readonly open: (
    run: OpenRun
  ) => Effect.Effect<Invoker, EngineError, Coordination | ObjectStore | Scope.Scope>
}

/** How a worker was started: what is measured before it begins to work. */
export interface Started {
  /** When its invocation came, in ms since the epoch. */
  readonly at: number
  /** Whether what it runs in was started for it. */
  readonly cold: boolean
  /** How long loading its run and the code took, in ms. */
  readonly loadMs: number
}

/** What a worker may ask of the process it runs in. */
export class Host extends Context.Service<
  Host,
  {
    /** Runs `waiting` without taking up a worker's place. */
    readonly idle: <A, E, R>(waiting: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /**
     * Tells who can stop this thread that a task must end within `ms`; the answer takes that back. For tasks that
     * block the thread, so that no timer in it can fire.
     */
    readonly guard: (worker: string, instance: InstanceId, task: string, ms: number) => () => void
    /**
     * How long a worker may go on before it is ended, in ms; absent where nobody ends it. Shortly before, the worker leaves
     * by itself, and has another go on.
     */
    readonly remainingMs?: () => number
    /** How the worker was started, as far as it knows; absent where there is nothing to say. */
    readonly started?: Started
  }
>()("@weft/worker/Host") {}

/** What comes within so many ms is waited for without leaving one's place, which costs others more than it gives them. */
const SOON_MS = 2

/** Waits for what mostly comes soon: without taking up a worker's place, if it does not. `waiting` may begin twice. */
export const idleUnlessSoon = <R>(
  host: Host["Service"],
  waiting: Effect.Effect<void, never, R>
): Effect.Effect<void, never, R> =>
  Effect.flatMap(Effect.timeoutOption(waiting, SOON_MS), (came) =>
    Option.isSome(came) ? Effect.void : host.idle(waiting)
  )
