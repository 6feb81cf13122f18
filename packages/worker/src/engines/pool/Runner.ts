/**
 * What runs in each vessel of a pool: gets a run's graph, plan and code once, and runs the workers that the pool sends.
 */
import { Coordination, type ObjectStore, type StoreError } from "@weft/storage"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { type EngineError, Host, type Invoker, type Started } from "../../Engine.ts"
import type { Invocation } from "../../Invocation.ts"
import { persistent } from "../../Persistent.ts"
import type { RunContext } from "../../RunContext.ts"
import { contextOf, imported, unusable } from "../../RunLoading.ts"
import type * as TaskModule from "../../TaskModule.ts"
import { Timing } from "../../Timing.ts"
import * as Worker from "../../Worker.ts"
import * as Fault from "../Fault.ts"
import type { Leases } from "../Leases.ts"
import type { FromVessel, ToVessel } from "./Protocol.ts"
import type { VesselSettings } from "./Vessel.ts"

/** The stores of a run. */
export type Stores = Context.Context<Coordination | ObjectStore>

export interface RunnerOptions {
  readonly settings: VesselSettings
  readonly post: (message: FromVessel) => void
  readonly stores: (run: string) => Effect.Effect<Stores, StoreError>
  /** Who renews the leases of the run's workers. */
  readonly leases: (run: string) => Leases
  /** Has others run what a worker of the run hands on. */
  readonly handOn: (run: string, invocations: ReadonlyArray<Invocation>) => Effect.Effect<void, EngineError>
  /** The pool has closed a run here. */
  readonly closed?: (run: string) => void
}

export class Runner {
  private readonly options: RunnerOptions
  private readonly contexts = new Map<string, Promise<RunContext | undefined>>()
  private readonly workers = new Map<string, Set<Fiber.Fiber<void>>>()
  private guards = 0
  /** Whether it was started for what comes first. */
  private isFresh = true

  constructor(options: RunnerOptions) {
    this.options = options
  }

  /** How many workers of a run are here. */
  size(run: string): number {
    return this.workers.get(run)?.size ?? 0
  }

  receive(message: ToVessel): void {
    switch (message.type) {
      case "invoke":
        this.invoke(message.invocation, message.place)
        break
      case "prewarm":
        this.isFresh = false
        // What cannot be read now the worker that needs it fails with.
        Effect.runFork(Effect.ignoreCause(this.contextOf(message.run)))
        break
      case "ping":
        this.options.post({ type: "pong", ping: message.ping })
        break
      case "close":
        void this.close(message.run).then(() => {
          this.options.closed?.(message.run)
          this.options.post({ type: "closed", run: message.run })
        })
    }
  }

  /** Ends the workers of a run. */
  async close(run: string): Promise<void> {
    const running = [...(this.workers.get(run) ?? [])]
    await Effect.runPromise(Fiber.interruptAll(running))
    const context = await this.contexts.get(run)?.catch(() => undefined)
    await Effect.runPromise(context?.recording?.flush ?? Effect.void)
    this.workers.delete(run)
    this.contexts.delete(run)
  }

  /** What workers here know of a run; `undefined` if it is gone. */
  contextOf(run: string): Effect.Effect<RunContext | undefined, TaskModule.ModuleError | StoreError> {
    return Effect.tryPromise({
      try: () => {
        const known = this.contexts.get(run)
        if (known !== undefined) return known
        const loading = Effect.runPromise(this.load(run))
        this.contexts.set(run, loading)
        // The next worker may be luckier.
        loading.catch(() => this.contexts.delete(run))
        return loading
      },
      catch: (error) => error as TaskModule.ModuleError | StoreError
    })
  }

  private readonly load = Effect.fnUntraced(function* (
    this: Runner,
    run: string
  ): Effect.fn.Return<RunContext | undefined, TaskModule.ModuleError | StoreError> {
    const stores = yield* this.options.stores(run)
    const coordination = persistent(Context.get(stores, Coordination))
    const document = yield* coordination.load(run)
    if (document === undefined) return undefined
    return yield* contextOf(run, document, imported)
  })

  private invoke(invocation: Invocation, place: number): void {
    const { run, worker } = invocation
    const { leases, post } = this.options
    const running = this.workers.get(run) ?? new Set()
    this.workers.set(run, running)
    const renewed = leases(run)
    renewed.hold(worker)
    const fiber = Effect.runFork(
      this.life(invocation, place).pipe(
        Effect.matchCause({
          onSuccess: () => undefined,
          onFailure: (cause) => (Cause.hasInterruptsOnly(cause) ? undefined : Fault.describe(cause))
        }),
        Effect.flatMap((fault) => Effect.sync(() => post({ type: "left", place, fault })))
      )
    )
    running.add(fiber)
    fiber.addObserver(() => {
      renewed.release(worker)
      running.delete(fiber)
    })
  }

  private readonly life = Effect.fnUntraced(function* (this: Runner, invocation: Invocation, place: number) {
    const { run } = invocation
    const { now } = yield* Timing
    const at = now()
    const cold = this.isFresh
    this.isFresh = false
    const stores = yield* this.options.stores(run)
    const lived = Effect.gen({ self: this }, function* () {
      const context = yield* this.contextOf(run)
      if (context === undefined) return
      const host = this.hostOf(run, place, { at, cold, loadMs: now() - at })
      const invoker: Invoker = {
        ...this.options.settings,
        invoke: (invocations) => this.options.handOn(run, invocations),
        prewarm: (_, workers) => Effect.sync(() => this.options.post({ type: "prewarm", run, workers }))
      }
      yield* Effect.provideService(Worker.run(context, invocation, invoker), Host, host)
    })
    yield* lived.pipe(
      Effect.catchIf(
        (error) => error._tag === "ModuleError" || (error._tag === "StoreError" && !error.retryable),
        (error) => Effect.catch(unusable(invocation, error), () => Effect.fail(error))
      ),
      Effect.provideContext(stores)
    )
  })

  private hostOf(run: string, place: number, started: Started): Host["Service"] {
    const { post } = this.options
    return Host.of({
      started,
      idle: (waiting) =>
        Effect.suspend(() => {
          post({ type: "idle", place })
          return Effect.ensuring(
            waiting,
            Effect.sync(() => post({ type: "busy", place }))
          )
        }),
      guard: (worker, instance, task, ms) => {
        const guard = this.guards++
        post({ type: "guard", guard, run, worker, instance, task, ms })
        return () => post({ type: "release", guard })
      }
    })
  }
}
