/**
 * Coordination in this process's memory: the reference that other adapters are measured against, and what the `inline`
 * and `threads` engines use. One `MemoryRun` a run; each operation is one synchronous step and therefore atomic.
 */
import type { InstanceId } from "@weft/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CLIENT, Coordination, type Kept, type Message, type Reply } from "./Coordination.ts"
import { goneState, objectsAmong } from "./Gone.ts"
import { Channels } from "./internal/Channels.ts"
import { MemoryRun } from "./internal/MemoryRun.ts"

/** What a run that is gone answers: it refuses completions and adoptions, and values are the caller's to remove. */
const gone = (now: number, refused: ReadonlyArray<InstanceId>, values: ReadonlyArray<Kept>): Reply => ({
  now,
  status: "gone",
  ready: [],
  invoke: [],
  refused,
  dropped: objectsAmong(values)
})

/** Large values are shared between threads, which inline ones are not. */
const INLINE_BYTES = 65_536

/** The in-memory adapter. Each build of the layer is a store of its own. */
export const layer: Layer.Layer<Coordination> = Layer.effect(
  Coordination,
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const runs = new Map<string, MemoryRun>()
    const context = yield* Effect.context()
    const channels = new Channels<Message>((error) => {
      Effect.runForkWith(context)(Effect.logError("a listener failed on a message of a run", error))
    })

    /** Runs `step` on the run, then tells whom it concerns: the client what completed and ended, named workers to wake. */
    const act = <A>(
      run: string,
      otherwise: (now: number) => A,
      step: (state: MemoryRun) => A
    ): Effect.Effect<A> =>
      Effect.sync(() => {
        const now = clock.currentTimeMillisUnsafe()
        const state = runs.get(run)
        if (state === undefined) return otherwise(now)
        state.tick(now)
        const result = step(state)
        for (const [channel, message] of state.takeMessages()) channels.publish(run, channel, message)
        return result
      })

    /** The same for what is answered; `late` and `values` came with the call, and are refused by a run that is gone. */
    const ask = <A extends Reply | undefined>(
      run: string,
      step: (state: MemoryRun) => A,
      late: ReadonlyArray<InstanceId> = [],
      values: ReadonlyArray<Kept> = []
    ): Effect.Effect<A | Reply> => act<A | Reply>(run, (now) => gone(now, late, values), step)

    return Coordination.of({
      inlineBytes: INLINE_BYTES,
      begin: (spec, worker) =>
        Effect.suspend(() => {
          if (!runs.has(spec.run)) runs.set(spec.run, new MemoryRun(spec))
          return ask(spec.run, (run) => run.begin(worker))
        }),
      load: (run) => Effect.sync(() => runs.get(run)?.spec.document()),
      complete: (run, worker, completions) =>
        act(
          run,
          (now) =>
            gone(
              now,
              completions.map(({ instance }) => instance),
              completions.flatMap(({ keep }) => keep)
            ),
          (state) => state.complete(worker, completions)
        ),
      keep: (run, worker, values) => ask(run, (state) => state.keep(worker, values), [], values),
      adopt: (run, worker, instances, incarnation, from) =>
        ask(run, (state) => state.adopt(worker, instances, incarnation, from), instances),
      renew: (run, workers, taker) => ask(run, (state) => state.renew(workers, taker)),
      attach: (run, worker, incarnation) => ask(run, (state) => state.attach(worker, incarnation)),
      detach: (run, worker, incarnation) => ask(run, (state) => state.detach(worker, incarnation)),
      abandon: (run, workers, taker, reason) => ask(run, (state) => state.abandon(workers, taker, reason)),
      fail: (run, failure) =>
        act(
          run,
          () => {},
          (state) => state.fail(failure)
        ),
      cancel: (run, reason) =>
        act(
          run,
          () => {},
          (state) => state.cancel(reason)
        ),
      read: (run, instances: ReadonlyArray<InstanceId>) =>
        Effect.sync(() => instances.map((instance) => runs.get(run)?.values.get(instance))),
      waits: (run, instances) =>
        Effect.sync(() => instances.map((instance) => runs.get(run)?.waitsFor(instance))),
      state: (run) => Effect.sync(() => runs.get(run)?.state() ?? goneState(run)),
      runs: Effect.sync(() => [...runs.values()].map((run) => run.state())),
      remove: (run) =>
        act(
          run,
          () => {},
          (state) => {
            runs.delete(run)
            state.wakeAll()
            channels.publish(run, CLIENT, { type: "ended", status: "gone" })
          }
        ),
      usage: Effect.sync(() => runs.values().reduce((sum, run) => sum + 1 + run.usage(), 0)),
      publish: (run, channel, message) => Effect.sync(() => channels.publish(run, channel, message)),
      subscribe: (run, channel, listener) =>
        Effect.acquireRelease(
          Effect.sync(() => channels.subscribe(run, channel, listener)),
          (unsubscribe) => Effect.sync(unsubscribe)
        ).pipe(Effect.asVoid)
    })
  })
)
