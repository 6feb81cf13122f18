/**
 * Coordination: the shared state of runs, and the one place where correctness lives.
 *
 * Workers hand work to each other through these operations. Each is atomic and takes one round trip. The invariants
 * (numbered here, cited in code and tests; explained in `docs/protocol.md`):
 *
 * - **I1** The first completion of an instance wins; a further one changes nothing and is told so.
 * - **I2** An instance becomes ready exactly once, in the step of the completion that made it so.
 * - **I3** From then until it completes it is held by exactly one worker.
 * - **I4** Time is the store's clock.
 * - **I5** A worker that does not speak for longer than the lease loses what it holds to whoever speaks next (`adopt`
 *   and `keep` apart, whose callers may speak for others); each such loss counts as an attempt, or as a tenth of one if
 *   the worker had not begun, and too many fail the run.
 * - **I6** A failure is recorded in the step that marks the run failed.
 * - **I7** Messages are hints: everything they say can be read from the state.
 * - **I8** The completion of the last target ends the run and removes all but the targets' values.
 * - **I9** A value is kept as long as an instance that reads it is not complete.
 * - **I10** Of several invocations of one worker at most one begins while its lease lasts; and what a worker that has
 *   begun holds nobody else adopts, unless it gave it away.
 */
import type { Failure, Flow, InstanceId } from "@weft/core"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { StoreError } from "./StoreError.ts"
import type { UploadStrategy } from "./UploadStrategy.ts"

/** What workers need to join a run. */
export interface RunDocument {
  /** `GraphCodec.encode`'s bytes. */
  readonly graph: Uint8Array
  /** `Plan.encode`'s bytes. */
  readonly plan: Uint8Array
  /** The URL of the module that exports the tasks. */
  readonly module: string
  /** The URLs of the modules that export the behaviours, each with the annotation's name, in wrapping order. */
  readonly behaviours: ReadonlyArray<{ readonly module: string; readonly annotation: string }>
  /** When workers upload what they measure; absent: they measure nothing. */
  readonly metrics?: UploadStrategy | undefined
}

/** An instance, and the worker that the plan gave it to, if any. */
export interface Assignment {
  readonly instance: InstanceId
  readonly worker?: string | undefined
}

/** A new run. */
export interface RunSpec {
  readonly run: string
  /** The workflow's name. */
  readonly workflow: string
  /** Called when the first worker from outside asks; a store that is not in this process calls it at once. */
  readonly document: () => RunDocument
  /** The instances that are ready from the beginning. */
  readonly ready: ReadonlyArray<Assignment>
  /** The instances whose completion ends the run. */
  readonly targets: ReadonlyArray<InstanceId>
  /** How many instances there are, as far as known: for progress. */
  readonly instances: number
  /** After how many ms of silence a worker is taken for lost; infinite where workers cannot be lost unnoticed. */
  readonly leaseMs: number
  /** After how many losses of its worker an instance fails the run; ten of workers that had not begun count as one. */
  readonly maxAttempts: number
}

/** `gone`: never begun, or removed. */
export type RunStatus = "running" | "succeeded" | "failed" | "cancelled" | "gone"

/** A value's bytes, or `"object"` if they are in the object store. */
export type StoredValue = Uint8Array | "object"

/**
 * A value to keep, and how many readers it has: `Flow.readersOf`, when it is kept with the completion of its instance.
 * Releases of what is not kept are passed over; so who keeps a value later says how many readers are left by then, with
 * those that gates have let in. Too many keep it to the end of the run; too few drop it too early.
 */
export interface Kept {
  readonly instance: InstanceId
  readonly value: StoredValue
  readonly readers: number
}

/** What running an instance took. */
export interface Measure {
  /** When execution began, in ms since the epoch, by the worker's clock. */
  readonly startedAt: number
  /** How long inputs took, in ms. */
  readonly inputsMs: number
  /** How long execution took, retries and their pauses included, in ms. */
  readonly executionMs: number
  /** Encoded bytes read from others. */
  readonly inputBytes: number
  /** Encoded bytes of the value, where it was encoded. */
  readonly outputBytes: number
  /** How often the function was called by this worker. */
  readonly tries: number
}

/** A step of `Flow.steps`, and what the store needs to hand the instance over. */
export interface PlannedStep extends Flow.Step {
  /** The worker that the plan gave the instance to, if any. */
  readonly worker?: string | undefined
  /** Values that the caller does not have; if it becomes ready for the caller, those kept inline come with the reply. */
  readonly inputs?: ReadonlyArray<InstanceId> | undefined
}

/** One completed instance. */
export interface Completion {
  readonly instance: InstanceId
  readonly keep: ReadonlyArray<Kept>
  readonly steps: ReadonlyArray<PlannedStep>
  readonly releases: ReadonlyArray<Flow.Release>
  /** How many more instances there are than was known: a list's width times its body. */
  readonly added: number
  readonly measure: Measure
}

/** An instance that is the caller's to run or to hand off. */
export interface Ready {
  readonly instance: InstanceId
  /** 1 at first; one more for each worker that was lost with it; ten that had not begun count as one. */
  readonly attempt: number
  /** Input values that were at hand. */
  readonly inputs: ReadonlyArray<readonly [InstanceId, Uint8Array]>
}

/** What every operation of a worker or client answers. */
export interface Reply {
  /** The store's clock, in ms. */
  readonly now: number
  readonly status: RunStatus
  /** Held by the caller from now on. */
  readonly ready: ReadonlyArray<Ready>
  /** Named workers that have work and are not alive: the caller must invoke them. */
  readonly invoke: ReadonlyArray<string>
  /**
   * What changed nothing. Of `complete`: completions that were not the first of their instance, and all that come when
   * the run has ended. Of `adopt`: instances that are not ready (any more), or another worker's, and need not be run.
   */
  readonly refused: ReadonlyArray<InstanceId>
  /**
   * Values in the object store that nobody needs any more: the caller must remove them. Nobody is told of those of a
   * run that failed, was cancelled or removed: `ObjectStore.removeRun` is for them.
   */
  readonly dropped: ReadonlyArray<InstanceId>
}

/** How far a run has come. */
export interface RunState {
  readonly run: string
  readonly workflow: string
  readonly status: RunStatus
  /** When the run began, in ms by the store's clock. */
  readonly begunAt: number
  /** When it ended; `undefined` while it runs. */
  readonly endedAt: number | undefined
  /** `RunSpec.leaseMs`: who joins the run has to renew that often. */
  readonly leaseMs: number
  /** When somebody last changed anything of it, renewals of leases included. */
  readonly heardAt: number
  /** Instances that are complete. */
  readonly completed: number
  /** Instances in all, as far as known. */
  readonly instances: number
  readonly failures: ReadonlyArray<Failure.Failure>
  /** Why it was cancelled; or, if nothing of its failures can be read, what is there. */
  readonly reason: string | undefined
}

/** What is published on a channel. */
export type Message =
  | { readonly type: "wake" }
  /** To a worker: values that nodes of its own read, and that are kept since now. */
  | { readonly type: "kept"; readonly values: ReadonlyArray<InstanceId> }
  | {
      readonly type: "completed"
      readonly worker: string
      readonly completions: ReadonlyArray<CompletedNotice>
      readonly instances: number
    }
  | { readonly type: "started"; readonly worker: string; readonly instance: InstanceId }
  | {
      readonly type: "retry"
      readonly worker: string
      readonly instance: InstanceId
      readonly tries: number
      readonly error: string
    }
  | {
      readonly type: "output"
      readonly worker: string
      readonly instance: InstanceId
      readonly stream: "stdout" | "stderr"
      readonly text: string
    }
  | { readonly type: "lost"; readonly worker: string; readonly instances: number; readonly reason: string }
  /** A worker does not reach its object store, and tries again; or it does so again. */
  | { readonly type: "unreachable"; readonly worker: string; readonly detail: string }
  | { readonly type: "reachable"; readonly worker: string }
  /** `makespanMs`: see `Makespan` in `@weft/metrics`; absent for a run that was removed. */
  | { readonly type: "ended"; readonly status: RunStatus; readonly makespanMs?: number | undefined }

export interface CompletedNotice {
  readonly instance: InstanceId
  readonly measure: Measure
}

/** The channel that clients of a run listen on. Named workers listen on a channel of their own id. */
export const CLIENT = "client"

/**
 * The operations. All may fail with `StoreError`; a run that is gone is a status, not an error.
 *
 * Each may be repeated when its answer was lost: `begin` and `complete` then answer again what they gave to the caller,
 * as far as it still holds it, and whom it must invoke.
 */
export class Coordination extends Context.Service<
  Coordination,
  {
    /**
     * Values of up to so many encoded bytes are kept inline: they travel with the completion and with the answer.
     * Larger ones belong into the object store.
     */
    readonly inlineBytes: number
    /**
     * Begins a run; the ready instances are held by `worker` (the client), except those of named workers. Beginning a
     * run twice changes nothing.
     */
    readonly begin: (spec: RunSpec, worker: string) => Effect.Effect<Reply, StoreError>
    /** What a worker needs to join; `undefined` if the run is gone. */
    readonly load: (run: string) => Effect.Effect<RunDocument | undefined, StoreError>
    /** Completes instances in the order given (I1, I2, I9), renews the worker's lease, takes over what was lost (I5). */
    readonly complete: (
      run: string,
      worker: string,
      completions: ReadonlyArray<Completion>
    ) => Effect.Effect<Reply, StoreError>
    /**
     * Keeps values of instances that are complete: for a worker that leaves with values that others may need. Renews
     * the worker's lease, and hands over nothing.
     */
    readonly keep: (
      run: string,
      worker: string,
      values: ReadonlyArray<Kept>
    ) => Effect.Effect<Reply, StoreError>
    /**
     * Makes `worker` the holder of instances that another handed to it. Renews the worker's lease, and hands over
     * nothing. Refused is what is not ready (any more), and what a third worker holds that has begun and whose lease has
     * not run out (I10).
     *
     * Without `incarnation` it is whoever invokes a worker that adopts in its name: the worker has not begun. With it the
     * worker begins; if another incarnation of it has, and its lease has not run out, all is refused.
     *
     * @param from the worker that hands the instances over: what it holds may be adopted although it has begun
     */
    readonly adopt: (
      run: string,
      worker: string,
      instances: ReadonlyArray<InstanceId>,
      incarnation?: string,
      from?: string
    ) => Effect.Effect<Reply, StoreError>
    /**
     * Renews the leases of workers, and takes over for `taker` what others lost: the client's way of waiting. With no
     * taker it only renews: for who cannot see to lost work now.
     */
    readonly renew: (
      run: string,
      workers: ReadonlyArray<string>,
      taker?: string
    ) => Effect.Effect<Reply, StoreError>
    /**
     * A named worker is there: answers everything that it holds. `incarnation` tells two invocations of one worker
     * apart; the answer is `undefined` if another one is alive. Later the worker finds what became ready for it with
     * `complete`, also of nothing.
     */
    readonly attach: (
      run: string,
      worker: string,
      incarnation: string
    ) => Effect.Effect<Reply | undefined, StoreError>
    /**
     * A named worker wants to leave. If the answer has ready instances it must stay; else it is no longer alive. What
     * the plan gave to it and is not complete is answered even if it was before.
     */
    readonly detach: (run: string, worker: string, incarnation: string) => Effect.Effect<Reply, StoreError>
    /** Says that workers are lost, without waiting for their leases; `taker` takes over. */
    readonly abandon: (
      run: string,
      workers: ReadonlyArray<string>,
      taker: string,
      reason: string
    ) => Effect.Effect<Reply, StoreError>
    /** Records a failure, once, and marks the run failed (I6). Failures of a run that has failed are added. */
    readonly fail: (run: string, failure: Failure.Failure) => Effect.Effect<void, StoreError>
    /** Marks the run cancelled, if it is running. */
    readonly cancel: (run: string, reason: string) => Effect.Effect<void, StoreError>
    /** Values by instance; `undefined` for what is not kept. */
    readonly read: (
      run: string,
      instances: ReadonlyArray<InstanceId>
    ) => Effect.Effect<ReadonlyArray<StoredValue | undefined>, StoreError>
    /**
     * For how many more completions instances wait; `undefined` for what is ready or complete, or was never mentioned. A
     * number only falls until a list is opened: for who is about to complete something, and could do it better together with
     * what then becomes ready.
     */
    readonly waits: (
      run: string,
      instances: ReadonlyArray<InstanceId>
    ) => Effect.Effect<ReadonlyArray<number | undefined>, StoreError>
    readonly state: (run: string) => Effect.Effect<RunState, StoreError>
    /**
     * All runs that there are and can be read, in no particular order. For people: it may look through the whole store.
     */
    readonly runs: Effect.Effect<ReadonlyArray<RunState>, StoreError>
    /** Removes everything of a run. Objects are removed after it, so that who comes late removes its own. */
    readonly remove: (run: string) => Effect.Effect<void, StoreError>
    /** How many entries of any kind are kept, over all runs: 0 when all runs are removed. */
    readonly usage: Effect.Effect<number, StoreError>
    /** Publishes a hint (I7). */
    readonly publish: (run: string, channel: string, message: Message) => Effect.Effect<void, StoreError>
    /**
     * Calls `listener` with each message on a channel until the scope closes. What it throws is logged: it stops nobody.
     */
    readonly subscribe: (
      run: string,
      channel: string,
      listener: (message: Message) => void
    ) => Effect.Effect<void, StoreError, Scope.Scope>
  }
>()("@weft/storage/Coordination") {}
