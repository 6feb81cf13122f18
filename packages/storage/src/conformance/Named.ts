/** Conformance: workers that the plan named, which are alive between attach and detach. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  assertHeard,
  assertReply,
  assertValues,
  beginRun,
  bytesOf,
  done,
  type Kit,
  kept,
  leadsTo,
  type TestRun,
  target,
  to,
  usage
} from "./Kit.ts"

export const named = (kit: Kit): void => {
  describe("named workers: work", () => work(kit))
  describe("named workers: attach", () => attaching(kit))
  describe("named workers: detach", () => detaching(kit))
}

/** A completion of `instance` that makes `child` ready for worker n. */
const forN = (instance: number, child: number) => done(instance, { steps: [to(child, 1, { worker: "n" })] })
const zeroToThree = [0, 1, 2, 3].map((instance) => ({ instance }))

const work = (kit: Kit) => {
  kit.test("what is planned for a worker that is not there waits for it, and the caller must invoke it", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assertReply(yield* run.complete("w1", forN(0, 5)), { invoke: ["n"] })
      assertReply(yield* run.abandon(["w1", "client"], "w2"), {})
      assertReply(yield* run.attach("n", "a"), { ready: [5] })
    })
  )

  kit.test("begin asks for the workers of what is ready at the beginning", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({
        ready: [
          { instance: 0 },
          { instance: 1, worker: "n" },
          { instance: 2, worker: "m" },
          { instance: 3, worker: "n" }
        ]
      })
      assertReply(run.begun, { ready: [0], invoke: ["m", "n"] })
      assertReply(yield* run.attach("n", "a"), { ready: [1, 3] })
    })
  )

  kit.test("a worker is invoked once while it is starting, however much becomes ready for it", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: zeroToThree })
      const both = done(0, { steps: [to(5, 1, { worker: "n" }), to(6, 1, { worker: "n" })] })
      assertReply(yield* run.complete("w1", both, forN(1, 7)), { invoke: ["n"] })
      assertReply(yield* run.complete("w2", forN(2, 8)), {})
      assertReply(yield* run.attach("n", "a"), { ready: [5, 6, 7, 8] })
      assertReply(yield* run.complete("w2", forN(3, 9)), {})
    })
  )

  kit.test("a worker that is starting is not asked for again, though others did all that it was to do", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: zeroToThree })
      assertReply(yield* run.complete("w1", forN(0, 5)), { invoke: ["n"] })
      yield* run.complete("w1", done(5))
      assertReply(yield* run.complete("w1", forN(1, 6)), {})
      yield* run.adopt("w1", 6)
      assertReply(yield* run.complete("w1", forN(2, 7)), {})
      assertReply(yield* run.attach("n", "a"), { ready: [7] })
    })
  )

  kit.test("completions at the same moment ask for a worker once", () =>
    Effect.gen(function* () {
      const parents = Array.from({ length: 10 }, (_, i) => i)
      const run = yield* beginRun({ ready: parents.map((instance) => ({ instance })) })
      const replies = yield* Effect.forEach(parents, (i) => run.complete(`w${i}`, forN(i, 10 + i)), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        replies.flatMap(({ invoke }) => invoke),
        ["n"]
      )
    })
  )

  kit.test("a worker that is there finds new work with its next call, once", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: zeroToThree })
      assertReply(yield* run.attach("n", "a"), {})
      assertReply(yield* run.complete("w1", forN(0, 5)), {})
      assertReply(yield* run.complete("n"), { ready: [5] })
      assertReply(yield* run.complete("n"), {})
      assertReply(yield* run.complete("w1", forN(1, 6)), {})
      assertReply(yield* run.complete("n", leadsTo(5, 7)), { ready: [6, 7] })
    })
  )

  kit.test("a worker that has nothing to do is still there", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: zeroToThree })
      yield* run.attach("n", "a")
      yield* run.complete("w1", forN(0, 5), forN(1, 6))
      assertReply(yield* run.complete("n"), { ready: [5, 6] })
      yield* run.complete("w1", done(5))
      yield* run.complete("n", done(6))
      assert.isUndefined(yield* run.attach("n", "b"))
      assertReply(yield* run.complete("w1", forN(2, 7)), {})
    })
  )

  kit.notified("a worker that is there is woken", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      const heard = yield* run.listen("n")
      yield* run.attach("n", "a")
      yield* run.complete("w1", forN(0, 5))
      yield* assertHeard(heard, "work", ({ type }) => type === "wake")
    })
  )

  kit.notified("a worker that is there is woken when the run ends", () =>
    Effect.gen(function* () {
      for (const end of [
        (run: TestRun) => run.complete("w1", target),
        (run: TestRun) => run.cancel("enough"),
        (run: TestRun) => run.remove
      ]) {
        const run = yield* beginRun()
        const heard = yield* run.listen("n")
        yield* run.attach("n", "a")
        yield* end(run)
        yield* assertHeard(heard, "the end", ({ type }) => type === "wake")
      }
    })
  )

  kit.test(
    "what a named worker makes ready for itself is its own at once; the rest is for its worker, or its to hand off",
    () =>
      Effect.gen(function* () {
        const run = yield* beginRun({ ready: [{ instance: 0, worker: "n" }] })
        yield* run.attach("n", "a")
        const reply = yield* run.complete(
          "n",
          done(0, { steps: [to(1, 1, { worker: "n" }), to(2, 1, { worker: "m" }), to(3)] })
        )
        assertReply(reply, { ready: [1, 3], invoke: ["m"] })
      })
  )

  kit.test("what was planned for one worker may be completed by another", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", forN(0, 5))
      assertReply(yield* run.complete("w1", leadsTo(5, 6)), { ready: [6] })
      assertReply(yield* run.attach("n", "a"), {})
    })
  )

  kit.test("what was planned for one worker may be adopted by another", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: zeroToThree })
      yield* run.complete("w1", forN(0, 5))
      assertReply(yield* run.adopt("w1", 5), {})
      assertReply(yield* run.attach("n", "a"), {})
      yield* run.complete("w1", forN(1, 6), forN(2, 7))
      assertReply(yield* run.adopt("w1", 6), { refused: [6] })
      assertReply(yield* run.adoptAs({ worker: "w1", from: "n" }, 6), {})
      assertReply(yield* run.complete("n"), { ready: [7] })
    })
  )

  kit.test("what a named worker adopts itself is not given to it again", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.attach("n", "a")
      yield* run.complete("w1", forN(0, 5))
      assertReply(yield* run.adopt("n", 5), {})
      assertReply(yield* run.complete("n"), {})
    })
  )

  kit.test("what another completed meanwhile is not given to it", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: zeroToThree })
      yield* run.attach("n", "a")
      yield* run.complete("w1", forN(0, 5), forN(1, 6))
      yield* run.complete("w2", done(5))
      assertReply(yield* run.complete("n"), { ready: [6] })
    })
  )
}

const attaching = (kit: Kit) => {
  kit.test("while one incarnation is alive another is told that it is not needed", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0, worker: "n" }] })
      assertReply(yield* run.attach("n", "a"), { ready: [0] })
      assert.isUndefined(yield* run.attach("n", "b"))
      assertReply(yield* run.complete("n", leadsTo(0, 1)), { ready: [1] })
    })
  )

  kit.test("of incarnations that start at the same moment one is alive", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0, worker: "n" }] })
      const replies = yield* Effect.forEach(["a", "b", "c", "d"], (one) => run.attach("n", one), {
        concurrency: "unbounded"
      })
      assert.strictEqual(replies.filter((reply) => reply !== undefined).length, 1)
    })
  )

  kit.test(
    "one that was taken for lost may complete, holds what follows, and is asked for when others have work",
    () =>
      Effect.gen(function* () {
        const run = yield* beginRun({
          ready: [{ instance: 0 }, { instance: 1, worker: "n" }, { instance: 2 }]
        })
        yield* run.attach("n", "a")
        const parent = (instance: number) => done(instance, { steps: [to(5, 2, { worker: "n" })] })
        assertReply(yield* run.complete("w1", parent(0)), {})
        assertReply(yield* run.abandon(["n"], "client"), { invoke: ["n"] })
        assertReply(yield* run.abandon(["n"], "client"), { invoke: ["n"] })
        yield* run.adopt("w1", 1)
        assertReply(yield* run.abandon(["n"], "client"), {})
        assertReply(yield* run.complete("n", parent(1)), { ready: [5] })
        assertReply(yield* run.complete("w1", parent(0)), { refused: [0] })
        assertReply(yield* run.complete("w1", forN(2, 6)), { invoke: ["n"] })
        assertReply(yield* run.attach("n", "b"), { ready: [5, 6] })
      })
  )

  kit.test("attaching again answers again what the worker holds", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [0, 1].map((instance) => ({ instance, worker: "n" })) })
      for (let i = 0; i < 2; i++) assertReply(yield* run.attach("n", "a"), { ready: [0, 1] })
      yield* run.complete("n", done(0))
      assertReply(yield* run.attach("n", "a"), { ready: [1] })
    })
  )

  kit.timed(
    "after the former's lease ran out another is alive, and has everything, one attempt on",
    ({ leaseMs, silence }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs, ready: [0, 1].map((instance) => ({ instance, worker: "n" })) })
        yield* run.attach("n", "a")
        yield* run.complete("n", done(0, { steps: [to(2), to(3, 1, { worker: "n" })] }))
        yield* silence
        assertReply(yield* run.attach("n", "b"), {
          ready: [
            [1, 2],
            [2, 2],
            [3, 2]
          ]
        })
        assert.isUndefined(yield* run.attach("n", "a"))
      })
  )

  kit.timed(
    "a worker that never comes is asked for again, a tenth of an attempt on",
    ({ leaseMs, silence }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs, ready: [{ instance: 0, worker: "n" }] })
        assertReply(run.begun, { invoke: ["n"] })
        for (let i = 0; i < 2; i++) {
          yield* silence
          assertReply(yield* run.renew([], "client"), { invoke: ["n"] })
        }
        assertReply(yield* run.attach("n", "a"), { ready: [0] })
        yield* silence
        assertReply(yield* run.attach("n", "b"), { ready: [[0, 2]] })
      })
  )

  kit.timed("a worker that comes late but unmissed has its work as if in time", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs, ready: [{ instance: 0, worker: "n" }] })
      yield* silence
      assertReply(yield* run.attach("n", "a"), { ready: [0] })
    })
  )

  kit.timed(
    "a worker that was silent for long is asked for when there is work again",
    ({ leaseMs, silence }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs })
        yield* run.attach("n", "a")
        yield* silence
        assertReply(yield* run.complete("w1", forN(0, 5)), { invoke: ["n"] })
        assertReply(yield* run.attach("n", "b"), { ready: [5] })
      })
  )

  kit.timed(
    "a worker that is asked for has a whole lease to come, whenever it was last there",
    ({ leaseMs, pause }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs, ready: zeroToThree })
        yield* run.attach("n", "a")
        // It leaves with 8 and 9 still to be adopted by whom it invoked.
        assertReply(yield* run.complete("n", leadsTo(0, 8, 9)), { ready: [8, 9] })
        assertReply(yield* run.detach("n", "a"), {})
        yield* pause
        yield* pause
        assertReply(yield* run.renew(["client"], "client"), {})
        assertReply(yield* run.complete("w1", forN(1, 5)), { invoke: ["n"] })
        yield* pause
        assertReply(yield* run.renew([], "client"), {})
        assertReply(yield* run.attach("n", "b"), { ready: [5, 8, 9] })
      })
  )

  kit.test("a run that has ended answers so, and is left without a trace", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0, worker: "n" }] })
      yield* run.complete("w1", target)
      assertReply(yield* run.attach("n", "a"), { status: "succeeded" })
      assertReply(yield* run.attach("n", "b"), { status: "succeeded" })
      assertReply(yield* run.detach("n", "a"), { status: "succeeded" })
    })
  )
}

const detaching = (kit: Kit) => {
  kit.test("with no work left a worker leaves, and is asked for when there is work again", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: zeroToThree })
      yield* run.attach("n", "a")
      assertReply(yield* run.detach("n", "a"), {})
      assertReply(yield* run.complete("w1", forN(0, 5)), { invoke: ["n"] })
      assertReply(yield* run.attach("n", "b"), { ready: [5] })
    })
  )

  kit.test("a worker that came when it was asked for, and left, is asked for again", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0, worker: "n" }, { instance: 1 }] })
      assertReply(run.begun, { ready: [1], invoke: ["n"] })
      assertReply(yield* run.attach("n", "a"), { ready: [0] })
      yield* run.complete("n", done(0))
      assertReply(yield* run.detach("n", "a"), {})
      assertReply(yield* run.complete("w1", forN(1, 5)), { invoke: ["n"] })
    })
  )

  kit.test("with work waiting a worker gets it, and stays", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: zeroToThree })
      yield* run.attach("n", "a")
      yield* run.complete("w1", forN(0, 5))
      assertReply(yield* run.detach("n", "a"), { ready: [5] })
      assert.isUndefined(yield* run.attach("n", "b"))
      assertReply(yield* run.complete("w1", forN(1, 6)), {})
      assertReply(yield* run.complete("n", done(5)), { ready: [6] })
    })
  )

  kit.test("a worker cannot leave what the plan gave it: it gets it again", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0, worker: "n" }] })
      assertReply(yield* run.attach("n", "a"), { ready: [0] })
      for (let i = 0; i < 2; i++) assertReply(yield* run.detach("n", "a"), { ready: [0] })
      assert.isUndefined(yield* run.attach("n", "b"))
      yield* run.complete("n", done(0))
      assertReply(yield* run.detach("n", "a"), {})
    })
  )

  kit.timed(
    "a worker may leave before those whom it invoked have adopted; their work is lost with its lease",
    ({ leaseMs, silence }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs, ready: [{ instance: 0, worker: "n" }] })
        yield* run.attach("n", "a")
        assertReply(yield* run.complete("n", leadsTo(0, 1, 2)), { ready: [1, 2] })
        assertReply(yield* run.detach("n", "a"), {})
        yield* run.adopt("w1", 1)
        yield* silence
        assertReply(yield* run.renew(["w1"], "client"), { ready: [2] })
      })
  )

  kit.test("leaving twice is leaving once", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.attach("n", "a")
      for (let i = 0; i < 2; i++) assertReply(yield* run.detach("n", "a"), {})
      assertReply(yield* run.complete("w1", forN(0, 5)), { invoke: ["n"] })
      assertReply(yield* run.detach("n", "a"), {})
      assertReply(yield* run.attach("n", "b"), { ready: [5] })
    })
  )

  kit.timed(
    "an incarnation that was taken for lost cannot detach the one after it, nor keep it alive",
    ({ leaseMs, pause, silence }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs, ready: [{ instance: 0 }, { instance: 1, worker: "n" }] })
        yield* run.attach("n", "a")
        yield* silence
        yield* run.attach("n", "b")
        assertReply(yield* run.detach("n", "a"), {})
        assert.isUndefined(yield* run.attach("n", "c"))
        for (let i = 0; i < 2; i++) {
          yield* pause
          yield* run.detach("n", "a")
        }
        yield* pause
        assertReply(yield* run.renew(["client"], "w1"), { ready: [[0, 2]], invoke: ["n"] })
      })
  )

  kit.counted("a worker that was never there leaves no trace when it leaves", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      const before = yield* usage
      assertReply(yield* run.detach("n", "a"), {})
      assert.strictEqual(yield* usage, before)
    })
  )

  kit.test("before it leaves, a worker keeps the values that others may need", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.attach("n", "a")
      yield* run.complete("n", done(0, { steps: [to(1, 2)] }))
      assertReply(yield* run.keep("n", kept(0, 1)), {})
      assertReply(yield* run.detach("n", "a"), {})
      yield* assertValues(run, [[0, bytesOf(0)]])
    })
  )
}
