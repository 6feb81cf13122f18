/** Conformance: who holds what is ready (I3), whose clock it is (I4), and what becomes of the work of the lost (I5). */
import { assert, describe } from "@effect/vitest"
import type { Failure } from "@weft/core"
import * as Effect from "effect/Effect"
import type { Reply } from "../Coordination.ts"
import type { StoreError } from "../StoreError.ts"
import {
  assertReply,
  assertValues,
  beginRun,
  bytesOf,
  done,
  type Kit,
  kept,
  leadsTo,
  reads,
  type TestRun,
  target,
  to,
  usage
} from "./Kit.ts"

export const leases = (kit: Kit): void => {
  describe("I3: a ready instance is held by exactly one worker", () => holding(kit))
  describe("I4: time is the store's clock", () => clock(kit))
  describe("I5: who is silent for longer than the lease loses its work to whoever speaks next", () =>
    silence(kit))
  describe("I5: losses are counted", () => counting(kit))
  describe("I5: abandon", () => abandoning(kit))
  describe("I1 and I5: a worker that was taken for lost", () => late(kit))
}

const holding = (kit: Kit) => {
  kit.timed(
    "adopt moves an instance: it is lost with its new holder, not with the former",
    ({ leaseMs, silence }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs, ready: [{ instance: 0 }, { instance: 1 }] })
        assertReply(yield* run.start("w1", 0), {})
        assertReply(yield* run.abandon(["client"], "w2"), { ready: [[1, 2]] })
        yield* silence
        assertReply(yield* run.renew(["w2"], "w3"), { ready: [[0, 2]] })
      })
  )

  kit.test("what is complete is not adopted, and the caller is told so", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }] })
      yield* run.complete("w1", done(0))
      assertReply(yield* run.adopt("w2", 0, 1), { refused: [0] })
      assertReply(yield* run.abandon(["w2"], "w3"), { ready: [[1, 2]] })
    })
  )

  kit.test("what is not ready is not adopted, and the caller is told so", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }] })
      yield* run.complete("client", done(0, { steps: [to(5, 2)] }))
      assertReply(yield* run.adopt("w2", 5, 77), { refused: [5, 77] })
      assertReply(yield* run.complete("w1", done(1, { steps: [to(5, 2)] })), { ready: [5] })
      assertReply(yield* run.abandon(["w2"], "w3"), {})
    })
  )

  kit.test("adopting twice is adopting once; the last to adopt holds", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      for (const worker of ["w1", "w1", "w2"]) assertReply(yield* run.adopt(worker, 0), {})
      assertReply(yield* run.abandon(["w1"], "w3"), {})
      assertReply(yield* run.abandon(["w2"], "w3"), { ready: [[0, 2]] })
    })
  )

  kit.test("a completion takes the instance from its holder, whoever completes it", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }] })
      yield* run.adopt("w1", 0, 1)
      yield* run.complete("w2", done(0))
      assertReply(yield* run.abandon(["w1"], "w3"), { ready: [[1, 2]] })
    })
  )

  kit.test("the completing worker holds what it made ready", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assertReply(yield* run.complete("w1", leadsTo(0, 1, 2)), { ready: [1, 2] })
      assertReply(yield* run.abandon(["client"], "w2"), {})
      assertReply(yield* run.abandon(["w1"], "w2"), {
        ready: [
          [1, 2],
          [2, 2]
        ]
      })
    })
  )
}

const clock = (kit: Kit) => {
  kit.timed("replies carry it, and it goes forward", ({ pause }) =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      let last = run.begun.now
      for (const speak of [
        run.complete("w1", done(5)),
        run.adopt("w1", 0),
        run.keep("w1"),
        run.renew([], "client")
      ]) {
        yield* pause
        const { now } = yield* speak
        assert.isAbove(now, last)
        last = now
      }
      const state = yield* run.state
      assert.strictEqual(state.begunAt, run.begun.now)
      const { now } = yield* run.complete("w1", target)
      assert.strictEqual((yield* run.state).endedAt, now)
    })
  )
}

/** What a worker can say: whether that takes over, and whether it renews the caller's own lease. */
const speeches: ReadonlyArray<{
  readonly name: string
  readonly speak: (run: TestRun, worker: string) => Effect.Effect<Reply | undefined, StoreError>
  readonly takes: boolean
  readonly renews: boolean
}> = [
  { name: "complete", speak: (run, worker) => run.complete(worker, done(50)), takes: true, renews: true },
  { name: "a complete of nothing", speak: (run, worker) => run.complete(worker), takes: true, renews: true },
  { name: "renew", speak: (run, worker) => run.renew([], worker), takes: true, renews: false },
  { name: "attach", speak: (run, worker) => run.attach(worker, "a"), takes: true, renews: true },
  { name: "abandon", speak: (run, worker) => run.abandon([], worker), takes: true, renews: false },
  { name: "keep", speak: (run, worker) => run.keep(worker, kept(50, 1)), takes: false, renews: true },
  { name: "adopt", speak: (run, worker) => run.adopt(worker), takes: false, renews: true }
]

const silence = (kit: Kit) => {
  for (const { name, renews, speak, takes } of speeches) {
    kit.timed(
      takes ? `${name} takes over from the silent, one attempt on` : `${name} takes nothing over`,
      (time) =>
        Effect.gen(function* () {
          const run = yield* beginRun({ leaseMs: time.leaseMs, ready: [{ instance: 0 }, { instance: 1 }] })
          yield* run.start("w1", 0, 1)
          yield* run.complete("w1", done(0))
          yield* time.silence
          assertReply(yield* speak(run, "w2"), takes ? { ready: [[1, 2]] } : {})
          assertReply(yield* run.renew([], "w3"), takes ? {} : { ready: [[1, 2]] })
          assertReply(yield* run.abandon([takes ? "w2" : "w3"], "w4"), { ready: [[1, 3]] })
        })
    )

    kit.timed(`${name} ${renews ? "renews its worker's lease" : "renews no lease of its caller's"}`, (time) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs: time.leaseMs })
        yield* run.start("w1", 0)
        for (let i = 0; i < 2; i++) {
          yield* time.pause
          yield* speak(run, "w1")
        }
        yield* time.pause
        assertReply(yield* run.renew([], "w2"), renews ? {} : { ready: [[0, 2]] })
      })
    )
  }

  kit.timed("detach takes over from the silent, and so its worker stays", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs })
      assertReply(yield* run.attach("n", "a"), {})
      yield* run.start("w1", 0)
      yield* silence
      assertReply(yield* run.detach("n", "a"), { ready: [[0, 2]] })
      assert.isUndefined(yield* run.attach("n", "b"))
    })
  )

  kit.timed("nothing is taken over before the lease runs out", ({ leaseMs, pause }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs })
      yield* run.start("w1", 0)
      yield* pause
      assertReply(yield* run.complete("w2"), {})
      yield* pause
      assertReply(yield* run.renew([], "w2"), {})
    })
  )

  kit.timed("renew without a taker renews and takes over nothing", ({ leaseMs, pause, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs, ready: [{ instance: 0 }, { instance: 1 }] })
      yield* run.start("w0", 0)
      yield* run.start("w1", 1)
      yield* pause
      yield* pause
      assertReply(yield* run.renew(["w0"]), {})
      yield* pause
      assertReply(yield* run.renew([]), {})
      assertReply(yield* run.renew([], "w2"), { ready: [[1, 2]] })
      yield* silence
      assertReply(yield* run.renew(["w0"]), {})
      assertReply(yield* run.complete("w0", done(0)), { ready: [[1, 2]] })
    })
  )

  kit.timed("renew keeps the leases of the workers that it names, and of no others", ({ leaseMs, pause }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs, ready: [0, 1, 2].map((instance) => ({ instance })) })
      yield* run.start("w0", 0)
      yield* run.start("w1", 1)
      yield* run.start("w2", 2)
      yield* pause
      assertReply(yield* run.renew(["w0", "w2"], "w0"), {})
      yield* pause
      assertReply(yield* run.renew(["w0", "w2", "unknown"], "w0"), {})
      yield* pause
      assertReply(yield* run.renew(["w0", "w2"], "w0"), { ready: [[1, 2]] })
    })
  )

  kit.timed("who takes over has a whole lease for it", ({ leaseMs, pause, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs })
      yield* silence
      assertReply(yield* run.renew([], "w1"), { ready: [0] })
      yield* pause
      assertReply(yield* run.renew([], "w2"), {})
      yield* pause
      assertReply(yield* run.renew([], "w2"), {})
      yield* pause
      assertReply(yield* run.renew([], "w2"), { ready: [0] })
    })
  )

  kit.timed("who takes over more has a whole lease for all of it", ({ leaseMs, pause }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs, ready: [{ instance: 0 }, { instance: 1 }] })
      yield* run.start("w1", 1)
      assertReply(yield* run.abandon(["client"], "client"), { ready: [[0, 2]] })
      yield* pause
      assertReply(yield* run.abandon(["w1"], "client"), { ready: [[1, 2]] })
      yield* pause
      yield* pause
      assertReply(yield* run.renew([], "w2"), {})
      yield* pause
      assertReply(yield* run.renew([], "w2"), {
        ready: [
          [0, 2],
          [1, 2]
        ]
      })
    })
  )

  kit.timed(
    "what nobody adopted comes back to who offered it, if nobody renews that one's lease",
    ({ leaseMs, silence }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs })
        yield* silence
        assertReply(yield* run.renew([], "client"), { ready: [0] })
        yield* silence
        assertReply(yield* run.renew([], "client"), { ready: [0] })
      })
  )

  kit.timed(
    "who renews for itself, and holds what others lost only then, has begun",
    ({ leaseMs, silence }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs })
        yield* run.adopt("w1", 0)
        yield* silence
        assertReply(yield* run.renew(["w2"], "w2"), { ready: [0] })
        assertReply(yield* run.adopt("w3", 0), { refused: [0] })
      })
  )

  kit.timed("an adoption counts although the former holder's lease has run out", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs, ready: [{ instance: 0 }, { instance: 1 }] })
      yield* silence
      assertReply(yield* run.start("w1", 0), {})
      assertReply(yield* run.renew([], "w2"), { ready: [1] })
    })
  )

  kit.timed("of those who speak at the same moment exactly one takes over", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs })
      yield* silence
      const replies = yield* Effect.forEach(
        Array.from({ length: 8 }, (_, i) => `w${i}`),
        (worker) => run.complete(worker),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        replies.flatMap(({ ready }) => ready.map(({ instance }) => instance)),
        [0]
      )
    })
  )

  kit.timed("a completion by a silent worker that nobody noticed is as good as any", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs })
      yield* run.start("w1", 0)
      yield* silence
      assertReply(yield* run.complete("w1", leadsTo(0, 1)), { ready: [1] })
      assertReply(yield* run.renew([], "w2"), {})
    })
  )

  kit.timed(
    "what another completes in the step that notices the loss is not taken over",
    ({ leaseMs, silence }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs, ready: [{ instance: 0 }, { instance: 1 }] })
        yield* run.start("w1", 0, 1)
        yield* silence
        assertReply(yield* run.complete("w2", leadsTo(0, 5)), { ready: [[1, 2], 5] })
      })
  )

  kit.timed("a lease without end does not run out", ({ silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs: Number.POSITIVE_INFINITY })
      yield* run.start("w1", 0)
      yield* silence
      assertReply(yield* run.renew([], "w2"), {})
      assertReply(yield* run.abandon(["w1"], "w2"), { ready: [[0, 2]] })
    })
  )
}

const counting = (kit: Kit) => {
  kit.timed("as many as the run allows fail it, with a failure of kind lost", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs, maxAttempts: 2 })
      yield* run.start("w1", 0)
      yield* silence
      assertReply(yield* run.renew([], "client"), { ready: [[0, 2]] })
      yield* run.start("w2", 0)
      yield* silence
      assertReply(yield* run.renew([], "client"), { status: "failed" })
      const { failures, status } = yield* run.state
      assert.strictEqual(status, "failed")
      const [{ attempts, instance, kind, worker }] = failures as [Failure.Failure]
      assert.deepStrictEqual(
        { attempts, instance, kind, worker, number: failures.length },
        {
          attempts: 2,
          instance: 0,
          kind: "lost",
          worker: "w2",
          number: 1
        }
      )
    })
  )

  kit.timed("two workers lost at the same moment are two workers lost once", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({
        leaseMs,
        ready: [{ instance: 0, worker: "n" }, { instance: 1, worker: "m" }, { instance: 2 }]
      })
      assertReply(yield* run.attach("n", "a"), { ready: [0] })
      assertReply(yield* run.attach("m", "a"), { ready: [1] })
      // Each holds what the plan gave to the other, too.
      yield* run.adoptAs({ worker: "n", from: "m" }, 1)
      yield* run.adoptAs({ worker: "m", from: "n" }, 0)
      yield* silence
      assertReply(yield* run.renew([], "w1"), { ready: [2], invoke: ["m", "n"] })
      assertReply(yield* run.attach("n", "b"), { ready: [[0, 2]] })
      assertReply(yield* run.attach("m", "b"), { ready: [[1, 2]] })
    })
  )

  kit.timed(
    "what becomes ready in the step that notices its worker's loss is not lost with it",
    ({ leaseMs, silence }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({
          leaseMs,
          ready: [{ instance: 0 }, { instance: 1, worker: "n" }],
          maxAttempts: 2
        })
        assertReply(yield* run.attach("n", "a"), { ready: [1] })
        yield* silence
        assertReply(yield* run.complete("w1", done(0, { steps: [to(5, 1, { worker: "n" })] })), {
          invoke: ["n"]
        })
        assertReply(yield* run.attach("n", "b"), { ready: [[1, 2], 5] })
      })
  )

  kit.timed("a repeated completion asks once for a worker that is noticed as lost", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs })
      const completion = done(0, { steps: [to(5, 1, { worker: "n" })] })
      assertReply(yield* run.complete("w1", completion), { invoke: ["n"] })
      yield* silence
      assertReply(yield* run.complete("w1", completion), { invoke: ["n"], refused: [0] })
      assertReply(yield* run.attach("n", "a"), { ready: [5] })
    })
  )

  kit.timed("a named worker that is lost, and is asked for in the same step, is not forgotten", (time) =>
    Effect.gen(function* () {
      const { leaseMs, silence } = time
      const run = yield* beginRun({ leaseMs, ready: [{ instance: 0 }, { instance: 1 }] })
      // It left with 8 still to be adopted, which a third one has run meanwhile.
      yield* run.attach("n", "a")
      assertReply(yield* run.complete("n", leadsTo(0, 8)), { ready: [8] })
      assertReply(yield* run.detach("n", "a"), {})
      yield* silence
      assertReply(yield* run.complete("w1", done(1, { steps: [to(5, 1, { worker: "n" })] }), done(8)), {
        invoke: ["n"]
      })
      assertReply(yield* run.attach("n", "b"), { ready: [5] })
    })
  )

  kit.test("a loss too many stops what was lost with it", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ maxAttempts: 2, ready: [0, 1, 2].map((instance) => ({ instance })) })
      yield* run.start("w1", 1)
      assertReply(yield* run.abandon(["w1"], "w2"), { ready: [[1, 2]] })
      yield* run.start("w2", 0, 2)
      assertReply(yield* run.abandon(["w2"], "w3"), { status: "failed" })
      assertReply(yield* run.start("w3", 0, 1, 2), { status: "failed", refused: [0, 1, 2] })
      assert.strictEqual((yield* run.state).failures.length, 1)
    })
  )

  kit.timed("a worker whose detach finds a loss too many leaves", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({
        leaseMs,
        maxAttempts: 1,
        ready: [{ instance: 0 }, { instance: 1, worker: "n" }]
      })
      assertReply(yield* run.attach("n", "a"), { ready: [1] })
      yield* run.start("w1", 0)
      yield* silence
      assertReply(yield* run.detach("n", "a"), { status: "failed" })
    })
  )

  kit.test("each instance has its own count", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assertReply(yield* run.abandon(["client"], "w1"), { ready: [[0, 2]] })
      assertReply(yield* run.complete("w1", leadsTo(0, 1)), { ready: [1] })
      assertReply(yield* run.abandon(["w1"], "w2"), { ready: [[1, 2]] })
      assertReply(yield* run.abandon(["w2"], "w3"), { ready: [[1, 3]] })
    })
  )

  kit.test("an adoption does not count", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      for (const worker of ["w1", "w2", "w3", "w4"]) yield* run.adopt(worker, 0)
      assertReply(yield* run.abandon(["w4"], "w5"), { ready: [[0, 2]] })
    })
  )
}

const abandoning = (kit: Kit) => {
  kit.test("what the lost held is the taker's at once", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [0, 1, 2].map((instance) => ({ instance })) })
      yield* run.adopt("w0", 0)
      yield* run.adopt("w1", 1)
      assertReply(yield* run.abandon(["w0", "w1", "unknown"], "w2"), {
        ready: [
          [0, 2],
          [1, 2]
        ]
      })
      assertReply(yield* run.abandon(["w0", "w1"], "w2"), {})
    })
  )

  kit.test("too often fails the run with the reason", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ maxAttempts: 1 })
      yield* run.adopt("w1", 0)
      assertReply(yield* run.abandon(["w1"], "client", "it ran out of memory"), { status: "failed" })
      const [failure] = (yield* run.state).failures
      assert.strictEqual(failure?.kind, "lost")
      assert.include(failure?.message, "it ran out of memory")
    })
  )

  kit.test("a named worker's work stays its own: the taker must invoke it", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0, worker: "n" }] })
      assertReply(run.begun, { invoke: ["n"] })
      assertReply(yield* run.attach("n", "a"), { ready: [0] })
      assertReply(yield* run.abandon(["n"], "client"), { invoke: ["n"] })
      assertReply(yield* run.attach("n", "b"), { ready: [[0, 2]] })
    })
  )
}

const late = (kit: Kit) => {
  const lost = (run: TestRun) =>
    Effect.gen(function* () {
      yield* run.adopt("w1", 0)
      assertReply(yield* run.abandon(["w1"], "w2"), { ready: [[0, 2]] })
    })
  const completion = done(0, { keep: [kept(0, 1)], steps: [to(1)] })

  kit.test("may still be the first to complete", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* lost(run)
      assertReply(yield* run.complete("w1", completion), { ready: [1] })
      assertReply(yield* run.complete("w2", completion), { refused: [0] })
      assertReply(yield* run.abandon(["w2"], "w3"), {})
      assertReply(yield* run.abandon(["w1"], "w3"), { ready: [[1, 2]] })
    })
  )

  kit.test("changes nothing if it comes second", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* lost(run)
      assertReply(yield* run.complete("w2", completion), { ready: [1] })
      assertReply(yield* run.complete("w1", completion), { refused: [0] })
      yield* run.complete("w2", done(1, { releases: reads(0) }))
      assertReply(yield* run.complete("w1", completion), { refused: [0] })
      yield* assertValues(run, [[0, undefined]])
    })
  )

  kit.test("has its value kept if it was first", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* lost(run)
      yield* run.complete("w1", completion)
      yield* run.complete("w2", done(0, { keep: [kept(0, 1, bytesOf(7))] }))
      yield* assertValues(run, [[0, bytesOf(0)]])
    })
  )

  kit.counted("leaves no trace when the run has ended", () =>
    Effect.gen(function* () {
      const before = yield* usage
      const run = yield* beginRun()
      yield* lost(run)
      yield* run.complete("w2", target)
      yield* run.complete("w1", completion)
      assert.strictEqual((yield* usage) - before, 2)
    })
  )
}
