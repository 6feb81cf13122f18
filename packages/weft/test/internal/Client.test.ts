// A run's client leaves nothing behind, whatever happens, and ends even if the store breaks.
import { planner } from "@weft/core"
import { simple } from "@weft/planner-simple"
import { Coordination, History, ObjectStore, StoreError, Stores } from "@weft/storage"
import { inline, threads } from "@weft/worker"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { afterAll, describe, expect, it } from "vitest"
import * as Client from "../../src/internal/Client.ts"
import * as Job from "../../src/internal/Job.ts"
import type * as Party from "../../src/internal/Party.ts"
import * as tasks from "../fixtures/front/flow.ts"

const { double, fail, never, text } = tasks
const module = new URL("../fixtures/front/flow.ts", import.meta.url).href
const pool = threads({ threads: 2, idleMs: 5 })
afterAll(() => pool.close())

type Store = Coordination["Service"]

/** Runs nodes to their end; how that was, and what is left in the stores and was remembered. */
const end = (
  what: unknown,
  settings: Partial<Client.Settings> = {},
  breaking: (real: Store) => Store = (real) => real,
  then: (started: Party.Started) => Effect.Effect<void, StoreError> = () => Effect.void
) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const coordination = yield* Coordination
      const objects = yield* ObjectStore
      const outcome = yield* Effect.scoped(
        Effect.gen(function* () {
          const job = yield* Job.make(what, undefined, module)
          const all = {
            engine: inline({ idleMs: 5 }),
            planner: simple(),
            behaviours: [],
            pollMs: 20,
            maxAttempts: 3,
            leaseMs: Number.POSITIVE_INFINITY,
            stores: undefined,
            isOpen: false,
            metrics: "stop" as const,
            ...settings
          }
          const started = yield* Client.start(job, all, () => {})
          yield* then(started)
          return yield* started.outcome
        })
      ).pipe(Effect.provideService(Coordination, breaking(coordination)))
      yield* outcome.remember
      const left = [yield* coordination.usage, yield* objects.usage]
      const remembered = yield* (yield* History).runs({})
      return { ...outcome, left, remembered }
    }).pipe(Effect.provide(Layer.fresh(Stores.memory().layer)))
  )

describe.each([
  { name: "inline", engine: inline({ idleMs: 5 }) },
  { name: "threads", engine: pool }
])("on $name", ({ engine }) => {
  it.each([
    ["succeeds", [double(1), text(100_000)], "succeeded"],
    ["fails", [text(100_000), double(fail("no"))], "failed"]
  ])("leaves nothing behind of a run that %s, but its record", async (_, what, status) => {
    const { left, remembered, summary } = await end(what, { engine })
    expect(left).toEqual([0, 0])
    expect(summary.status).toBe(status)
    expect(remembered.map((record) => [record.run, record.status])).toEqual([[summary.run, status]])
  })

  it("leaves nothing behind of a run that is cancelled", async () => {
    const { exit, left, summary } = await end([text(100_000), never()], { engine }, undefined, (started) =>
      started.cancel("enough")
    )
    expect(left).toEqual([0, 0])
    expect(summary.status).toBe("cancelled")
    expect(Exit.isFailure(exit)).toBe(true)
  })

  it("finds the end of a run even if no message arrives", async () => {
    const { exit, left } = await end(double(double(1)), { engine }, (real) => ({
      ...real,
      subscribe: (run, channel, listener) =>
        channel === "client" ? Effect.void : real.subscribe(run, channel, listener)
    }))
    expect(exit).toEqual(Exit.succeed(4))
    expect(left).toEqual([0, 0])
  })
})

describe("a store that breaks", () => {
  const broken = new StoreError({ reason: "refused", operation: "test", detail: "it is locked" })

  it.each(["state", "renew", "read", "begin", "subscribe"] as const)(
    "ends the run with its error, and does not leave anyone waiting: %s",
    async (operation) => {
      const breaking = (real: Store): Store => ({ ...real, [operation]: () => Effect.fail(broken) })
      const ended = end(operation === "renew" ? never() : double(1), {}, breaking).then(
        ({ exit, left }) => ({
          error: Exit.isFailure(exit) ? Effect.runSync(Effect.flip(exit)) : exit,
          left
        }),
        (error: unknown) => ({ error, left: [0, 0] })
      )
      expect(await ended).toEqual({ error: broken, left: [0, 0] })
    }
  )
})

it("plans before anything is stored", async () => {
  const wrong = planner({ name: "wrong", annotations: [], plan: ({ draft }) => draft.assign(9, {}) })
  await expect(end(double(1), { planner: wrong })).rejects.toThrow(/node 9 is not in the graph/)
})
