// Who holds what was handed over, before those who are to run it have come.
import { assert, it } from "@effect/vitest"
import { CLIENT, Coordination, CoordinationMemory } from "@weft/storage"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import type { Invocation } from "../../src/Invocation.ts"
import { adoptAll } from "../../src/stages/HandOff.ts"

const RUN = "run"
const LEASE_MS = 1000

const invocation = (worker: string, instance: number, from?: string): Invocation => ({
  run: RUN,
  worker,
  named: false,
  work: [{ instance, attempt: 1 }],
  values: [],
  ...(from === undefined ? {} : { from }),
  spawn: []
})

/** A run in which a worker has begun with instances 0 to 3, and goes on with others. */
const begun = Effect.gen(function* () {
  const coordination = yield* Coordination
  const ready = [0, 1, 2, 3].map((instance) => ({ instance }))
  const document = () => ({ graph: new Uint8Array(), plan: new Uint8Array(), module: "", behaviours: [] })
  yield* coordination.begin(
    {
      run: RUN,
      workflow: "test",
      document,
      ready,
      targets: [9],
      instances: 10,
      leaseMs: LEASE_MS,
      maxAttempts: 2
    },
    CLIENT
  )
  yield* coordination.adopt(RUN, "x", [0, 1, 2, 3], "first")
  return coordination
})

it.effect(
  "a whole tree is its workers', so that it does not wait for who hands it over if its head is lost",
  () =>
    Effect.gen(function* () {
      const coordination = yield* begun
      const [leaf, twig] = [invocation("leaf", 2, "x"), invocation("twig", 1, "x")]
      const sent = yield* adoptAll(coordination, RUN, [
        { ...invocation("head", 0, "x"), spawn: [{ ...twig, spawn: [leaf] }] }
      ])
      assert.deepStrictEqual(
        sent.map(({ spawn, work, worker }) => [worker, work.length, spawn.length]),
        [["head", 1, 1]]
      )
      yield* Effect.yieldNow
      for (let i = 0; i < 4; i++) {
        yield* TestClock.adjust(LEASE_MS / 2)
        yield* coordination.renew(RUN, ["x"])
      }
      const { ready } = yield* coordination.renew(RUN, [], CLIENT)
      assert.deepStrictEqual(
        ready.map(({ attempt, instance }) => [instance, attempt]),
        [
          [0, 1],
          [1, 1],
          [2, 1]
        ]
      )
    }).pipe(Effect.provide(CoordinationMemory.layer))
)

it.effect("what others have begun with is taken out, and who is left with nothing is not started", () =>
  Effect.gen(function* () {
    const coordination = yield* begun
    yield* coordination.abandon(RUN, ["x"], CLIENT, "it died")
    yield* coordination.adopt(RUN, "y", [0, 1], "first")
    const sent = yield* adoptAll(coordination, RUN, [
      invocation("a", 0, "x"),
      invocation("b", 2, "x"),
      { ...invocation("c", 1, "x"), spawn: [invocation("d", 3, "x")] }
    ])
    assert.deepStrictEqual(
      sent.map(({ worker, work }) => [worker, work.map(({ instance }) => instance)]),
      [
        ["b", [2]],
        ["c", []]
      ]
    )
  }).pipe(Effect.provide(CoordinationMemory.layer))
)
