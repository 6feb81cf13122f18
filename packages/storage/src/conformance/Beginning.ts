/** Conformance: workers that were invoked and have begun, or not (I5, I10): invocations may be doubled, late or lost. */
import { assert, describe } from "@effect/vitest"
import type { Failure } from "@weft/core"
import * as Effect from "effect/Effect"
import type { Reply } from "../Coordination.ts"
import type { StoreError } from "../StoreError.ts"
import { assertReply, beginRun, done, type Kit, kept, leadsTo, type TestRun, target, usage } from "./Kit.ts"

export const beginning = (kit: Kit): void => {
  describe("I10: of several invocations of one worker one begins", () => incarnations(kit))
  describe("I10: what a worker that has begun holds nobody else adopts", () => overtaken(kit))
  describe("I5: a worker that never began costs a tenth of an attempt", () => tenths(kit))
}

const a = { worker: "w1", incarnation: "a" }
const b = { worker: "w1", incarnation: "b" }
const two = [{ instance: 0 }, { instance: 1 }]

const incarnations = (kit: Kit) => {
  kit.test("the second is refused everything, whether or not somebody adopted in its name before", () =>
    Effect.gen(function* () {
      for (const before of [[], [0], [0, 1]]) {
        const run = yield* beginRun({ ready: two })
        yield* run.adopt("w1", ...before)
        assertReply(yield* run.adoptAs(a, 0, 1), {})
        assertReply(yield* run.adoptAs(b, 0, 1), { refused: [0, 1] })
        assertReply(yield* run.complete("w1", done(0)), {})
        assertReply(yield* run.adoptAs(b, 0, 1), { refused: [0, 1] })
        assertReply(yield* run.abandon(["w1"], "w2"), { ready: [[1, 2]] })
      }
    })
  )

  kit.test("of those that begin at the same moment one does", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      const replies = yield* Effect.forEach(
        ["a", "b", "c", "d"],
        (incarnation) => run.adoptAs({ worker: "w1", incarnation }, 0),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(
        replies.filter(({ refused }) => refused.length === 0),
        1
      )
    })
  )

  kit.test("the first is answered the same when it repeats its call", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: two })
      for (let i = 0; i < 3; i++) assertReply(yield* run.adoptAs(a, 0, 1), {})
      yield* run.complete("w2", done(1))
      assertReply(yield* run.adoptAs(a, 0, 1), { refused: [1] })
    })
  )

  kit.timed("when the first was silent for too long another one begins", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs })
      assertReply(yield* run.adoptAs(a, 0), {})
      yield* silence
      assertReply(yield* run.adoptAs(b, 0), {})
      assertReply(yield* run.adoptAs(a, 0), { refused: [0] })
    })
  )

  kit.timed("the second does not keep the first alive", ({ leaseMs, pause }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs })
      yield* run.adoptAs(a, 0)
      for (let i = 0; i < 2; i++) {
        yield* pause
        assertReply(yield* run.adoptAs(b, 0), { refused: [0] })
      }
      yield* pause
      assertReply(yield* run.renew([], "w2"), { ready: [[0, 2]] })
    })
  )

  kit.test("a worker that spoke before it said which it is may say so", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.adopt("w1", 0)
      yield* run.renew(["w1"])
      assertReply(yield* run.adoptAs(a, 0), {})
      assertReply(yield* run.adoptAs(b, 0), { refused: [0] })
    })
  )

  kit.counted("a worker that has begun and has nothing left leaves no trace", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: two })
      yield* run.adoptAs(a, 0)
      const before = yield* usage
      yield* run.complete("w1", done(0))
      assert.strictEqual(yield* usage, before - 1)
      assertReply(yield* run.adoptAs(b, 0), { refused: [0] })
      assert.strictEqual(yield* usage, before - 1)
      // Forgotten: its name is free.
      assertReply(yield* run.adoptAs(b, 1), {})
    })
  )

  kit.test("a run that has ended refuses all", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w2", target)
      assertReply(yield* run.adoptAs(a, 0), { status: "succeeded", refused: [0] })
      assertReply(yield* run.adoptAs(b, 0), { status: "succeeded", refused: [0] })
    })
  )
}

/** How a worker is seen to have begun. */
const begins: ReadonlyArray<{
  readonly name: string
  readonly speak: (run: TestRun) => Effect.Effect<Reply | undefined, StoreError>
}> = [
  { name: "adopts as itself", speak: (run) => run.adoptAs(a, 0) },
  { name: "completes", speak: (run) => run.complete("w1", done(50)) },
  { name: "completes nothing", speak: (run) => run.complete("w1") },
  { name: "keeps a value", speak: (run) => run.keep("w1", kept(50, 1)) },
  { name: "is renewed", speak: (run) => run.renew(["w1"]) },
  { name: "attaches", speak: (run) => run.attach("w1", "a") }
]

const overtaken = (kit: Kit) => {
  for (const { name, speak } of begins) {
    kit.timed(`of one that ${name}; until its lease runs out`, ({ leaseMs, silence }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs })
        yield* run.adopt("w1", 0)
        yield* speak(run)
        assertReply(yield* run.adopt("w2", 0), { refused: [0] })
        assertReply(yield* run.start("w2", 0), { refused: [0] })
        yield* silence
        assertReply(yield* run.start("w2", 0), {})
      })
    )
  }

  kit.test("what was only adopted in a worker's name goes to who begins first", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.adopt("w1", 0)
      assertReply(yield* run.start("w2", 0), {})
      assertReply(yield* run.start("w1", 0), { refused: [0] })
    })
  )

  kit.test("who hands it over gives it away, in the other's name or by the other's word", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: two })
      yield* run.start("w1", 0, 1)
      assertReply(yield* run.adoptAs({ worker: "w2", from: "w1" }, 0), {})
      assertReply(yield* run.adoptAs({ worker: "w3", incarnation: "a", from: "w1" }, 0, 1), {})
      // It is not the former holder's any more.
      assertReply(yield* run.adoptAs({ worker: "w2", from: "w1" }, 0), { refused: [0] })
      assertReply(yield* run.start("w1", 1), { refused: [1] })
      assertReply(yield* run.abandon(["w3"], "w4"), {
        ready: [
          [0, 2],
          [1, 2]
        ]
      })
    })
  )

  kit.timed("an invocation that comes late finds that others have begun", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs, ready: two })
      yield* run.adopt("w1", 0, 1)
      yield* silence
      assertReply(yield* run.renew([], "client"), { ready: [0, 1] })
      yield* run.adopt("w2", 0)
      yield* run.start("w2", 0)
      // What nobody has begun with may as well be its own.
      assertReply(yield* run.adoptAs(a, 0, 1), { refused: [0] })
      assertReply(yield* run.abandon(["w1"], "w3"), { ready: [[1, 2]] })
    })
  )

  kit.test("a worker that was taken for lost, and asks again, is refused what another has begun with", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.adoptAs(a, 0)
      assertReply(yield* run.abandon(["w1"], "client"), { ready: [[0, 2]] })
      yield* run.start("w2", 0)
      assertReply(yield* run.adoptAs(a, 0), { refused: [0] })
    })
  )

  kit.test("what a named worker handed off before it left is free", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0, worker: "n" }] })
      yield* run.attach("n", "a")
      assertReply(yield* run.complete("n", leadsTo(0, 1)), { ready: [1] })
      assertReply(yield* run.start("w1", 1), { refused: [1] })
      assertReply(yield* run.detach("n", "a"), {})
      assertReply(yield* run.start("w1", 1), {})
    })
  )
}

const tenths = (kit: Kit) => {
  /** Somebody is invoked, and nobody comes. */
  const inVain = (run: TestRun, silence: Effect.Effect<void>) =>
    Effect.gen(function* () {
      yield* run.adopt("w1", 0)
      yield* silence
      return yield* run.renew([], "client")
    })

  kit.timed("ten times as many as the run allows fail it, and it is said that nobody began", (time) =>
    Effect.gen(function* () {
      const { leaseMs, silence } = time
      const run = yield* beginRun({ leaseMs, maxAttempts: 1 })
      for (let i = 0; i < 9; i++) assertReply(yield* inVain(run, silence), { ready: [0] })
      assertReply(yield* inVain(run, silence), { status: "failed" })
      const [{ attempts, kind, message }] = (yield* run.state).failures as [Failure.Failure]
      assert.deepStrictEqual(
        { attempts, kind, message },
        { attempts: 10, kind: "lost", message: "its worker was invoked 10 times and never began" }
      )
    })
  )

  kit.timed("they add to losses of workers that had begun", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs })
      yield* run.start("w2", 0)
      yield* silence
      assertReply(yield* run.renew([], "client"), { ready: [[0, 2]] })
      for (let i = 0; i < 9; i++) assertReply(yield* inVain(run, silence), { ready: [[0, 2]] })
      assertReply(yield* inVain(run, silence), { ready: [[0, 3]] })
      assertReply(yield* run.abandon(["client"], "client", "it ended"), { status: "failed" })
      const [{ attempts, message }] = (yield* run.state).failures as [Failure.Failure]
      assert.strictEqual(attempts, 12)
      assert.include(message, "its worker was lost 2 times, and 10 times was invoked and never began")
    })
  )

  for (const { name, speak } of begins) {
    kit.timed(`a worker that ${name} has begun`, ({ leaseMs, silence }) =>
      Effect.gen(function* () {
        const run = yield* beginRun({ leaseMs, maxAttempts: 1 })
        yield* run.adopt("w1", 0)
        yield* speak(run)
        yield* silence
        assertReply(yield* run.renew([], "client"), { status: "failed" })
      })
    )
  }

  kit.test("who is said to be lost is lost whole", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.adopt("w1", 0)
      assertReply(yield* run.abandon(["w1"], "client"), { ready: [[0, 2]] })
    })
  )

  kit.timed("also if its lease has run out, too", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs })
      yield* run.adopt("w1", 0)
      yield* silence
      assertReply(yield* run.abandon(["w1"], "client"), { ready: [[0, 2]] })
    })
  )
}
