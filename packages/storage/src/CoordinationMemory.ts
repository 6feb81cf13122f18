/**
 * Coordination in this process's memory: the reference that other adapters are measured against, and what the `inline`
 * and `threads` engines use. One `MemoryRun` a run; each operation is one synchronous step and therefore atomic.
 */
import type { InstanceId } from "@weft/core"
import { Clock, Effect, Layer } from "effect"
import { CLIENT, Coordination, type Message, type Reply, type RunState } from "./Coordination.ts"
import { Channels } from "./internal/Channels.ts"
import { MemoryRun } from "./internal/MemoryRun.ts"

const gone = (now: number): Reply => ({
  now,
  status: "gone",
  ready: [],
  invoke: [],
  refused: [],
  dropped: []
})

const goneState = (run: string): RunState => ({
  run,
  workflow: "",
  status: "gone",
  begunAt: 0,
  endedAt: undefined,
  completed: 0,
  instances: 0,
  failures: [],
  reason: undefined
})

/** The in-memory adapter. Each build of the layer is a store of its own. */
export const layer: Layer.Layer<Coordination> = Layer.effect(
  Coordination,
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const runs = new Map<string, MemoryRun>()
    const channels = new Channels<Message>()

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
        state.now = now
        const result = step(state)
        for (const [channel, message] of state.takeMessages()) channels.publish(run, channel, message)
        return result
      })

    return Coordination.of({
      begin: (spec, worker) =>
        Effect.suspend(() => {
          if (!runs.has(spec.run)) runs.set(spec.run, new MemoryRun(spec))
          return act(spec.run, gone, (run) => run.begin(worker))
        }),
      load: (run) => Effect.sync(() => runs.get(run)?.spec.document()),
      complete: (run, worker, completions) => act(run, gone, (state) => state.complete(worker, completions)),
      keep: (run, worker, values) => act(run, gone, (state) => state.keep(worker, values)),
      adopt: (run, worker, instances) => act(run, gone, (state) => state.adopt(worker, instances)),
      renew: (run, workers, taker) => act(run, gone, (state) => state.renew(workers, taker)),
      attach: (run, worker, incarnation) =>
        act<Reply | undefined>(run, gone, (state) => state.attach(worker, incarnation)),
      detach: (run, worker, incarnation) => act(run, gone, (state) => state.detach(worker, incarnation)),
      abandon: (run, workers, taker, reason) =>
        act(run, gone, (state) => state.abandon(workers, taker, reason)),
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
        Effect.sync(() => instances.map((instance) => runs.get(run)?.values.get(instance)?.value)),
      state: (run) => Effect.sync(() => runs.get(run)?.state() ?? goneState(run)),
      remove: (run) =>
        Effect.sync(() => {
          if (runs.delete(run)) channels.publish(run, CLIENT, { type: "ended", status: "gone" })
        }),
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
