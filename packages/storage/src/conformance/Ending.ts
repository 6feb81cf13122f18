/** Conformance: how runs begin, fail, end (I6, I8) and are removed; and that runs do not touch each other. */
import { assert, describe } from "@effect/vitest"
import type { Failure } from "@weft/core"
import * as Effect from "effect/Effect"
import { Coordination, type RunStatus } from "../Coordination.ts"
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

export const ending = (kit: Kit): void => {
  describe("begin", () => beginning(kit))
  describe("I8: the last target ends the run", () => succeeding(kit))
  describe("I6: a failure is recorded in the step that fails the run", () => failing(kit))
  describe("cancel", () => cancelling(kit))
  describe("remove", () => removing(kit))
}

const failure = (instance: number, more: Partial<Failure.Failure> = {}): Failure.Failure => ({
  instance,
  task: "blur",
  kind: "error",
  worker: "w1",
  attempts: 1,
  name: "RangeError",
  message: `no place for ${instance}: "ä" \u0000`,
  stack: "RangeError: no place\n    at blur (file:///tasks.ts:3:4)",
  stderr: "warning: tight",
  ...more
})

const beginning = (kit: Kit) => {
  kit.test("gives what is ready to the client", () =>
    Effect.gen(function* () {
      const ready = [0, 1, 2].map((instance) => ({ instance }))
      const run = yield* beginRun({ ready, instances: 7, workflow: "letters", leaseMs: 1234 })
      assertReply(run.begun, { ready: [0, 1, 2] })
      assert.deepStrictEqual(yield* run.state, {
        run: run.id,
        workflow: "letters",
        status: "running",
        begunAt: run.begun.now,
        endedAt: undefined,
        leaseMs: 1234,
        heardAt: run.begun.now,
        completed: 0,
        instances: 7,
        failures: [],
        reason: undefined
      })
    })
  )

  kit.test("a run is among the runs until it is removed", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ workflow: "listed" })
      const coordination = yield* Coordination
      const found = Effect.map(coordination.runs, (runs) => runs.filter((one) => one.run === run.id))
      assert.deepStrictEqual(yield* found, [yield* run.state])
      yield* run.cancel("enough")
      assert.deepStrictEqual(yield* found, [yield* run.state])
      yield* run.remove
      assert.deepStrictEqual(yield* found, [])
    })
  )

  kit.test("twice is once: the second time answers what is still the client's, and invokes again", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({
        ready: [
          { instance: 0 },
          { instance: 1 },
          { instance: 2 },
          { instance: 3, worker: "n" },
          { instance: 4, worker: "m" }
        ]
      })
      assertReply(yield* run.begin("client"), { ready: [0, 1, 2], invoke: ["m", "n"] })
      yield* run.adopt("w1", 1)
      yield* run.complete("w1", leadsTo(2, 5))
      yield* run.attach("n", "a")
      const before = yield* run.lasting
      assertReply(yield* run.begin("client"), { ready: [0], invoke: ["m"] })
      assert.deepStrictEqual(yield* run.lasting, before)
      assertReply(yield* run.abandon(["client"], "w2"), { ready: [[0, 2]] })
    })
  )

  kit.test("twice by another gives nothing to that one", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assertReply(yield* run.begin("another"), {})
    })
  )

  kit.test("again after the end does not begin again", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", target)
      assertReply(yield* run.begin("client"), { status: "succeeded" })
      assert.strictEqual((yield* run.state).completed, 1)
    })
  )

  kit.test("without targets is the end", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ targets: [], ready: [{ instance: 0 }, { instance: 1, worker: "n" }] })
      assertReply(run.begun, { status: "succeeded" })
      const { endedAt, status } = yield* run.state
      assert.deepStrictEqual([status, endedAt], ["succeeded", run.begun.now])
    })
  )

  kit.test("gives workers from outside what they need to join", () =>
    Effect.gen(function* () {
      const document = {
        graph: Uint8Array.of(0, 255, 7),
        plan: Uint8Array.of(1, 128),
        module: "file:///tasks.ts",
        behaviours: [{ module: "file:///preload.ts", annotation: "preload" }],
        metrics: { everyMs: 500 }
      }
      const run = yield* beginRun({ document: () => document })
      const loaded = yield* run.load
      assert.deepStrictEqual(
        { ...loaded, graph: Array.from(loaded?.graph ?? []), plan: Array.from(loaded?.plan ?? []) },
        { ...document, graph: [0, 255, 7], plan: [1, 128] }
      )
      yield* run.remove
      assert.isUndefined(yield* run.load)
    })
  )

  kit.test("runs do not touch each other", () =>
    Effect.gen(function* () {
      const one = yield* beginRun()
      const two = yield* beginRun()
      const completion = done(0, { keep: [kept(0, 1)], steps: [to(1)] })
      assertReply(yield* one.complete("w1", completion), { ready: [1] })
      yield* assertValues(two, [[0, undefined]])
      assertReply(yield* two.complete("w1", completion), { ready: [1] })
      yield* one.fail(failure(1))
      assertReply(yield* two.abandon(["w1"], "w2"), { ready: [[1, 2]] })
      yield* one.remove
      yield* assertValues(two, [[0, bytesOf(0)]])
    })
  )
}

const succeeding = (kit: Kit) => {
  kit.test("its completion does, not that of others, nor that of the targets before it", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({
        ready: [0, 1, 2].map((instance) => ({ instance })),
        targets: [1, 2],
        instances: 3
      })
      assertReply(yield* run.complete("w1", done(1, { keep: [kept(1, 1)] })), {})
      assertReply(yield* run.complete("w1", done(1), done(0)), { refused: [1] })
      assert.strictEqual((yield* run.state).status, "running")
      const { now, status } = yield* run.complete("w2", done(2, { keep: [kept(2, 1)] }))
      assert.strictEqual(status, "succeeded")
      const state = yield* run.state
      assert.deepStrictEqual([state.status, state.endedAt, state.completed], ["succeeded", now, 3])
    })
  )

  kit.test("targets' values are kept to the end and after it, though all have read them", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ targets: [1, 2] })
      yield* run.complete(
        "w1",
        done(1, { keep: [kept(1, 2)] }),
        done(2, { keep: [kept(2, 1)], releases: reads(1) })
      )
      yield* assertValues(run, [
        [1, bytesOf(1)],
        [2, bytesOf(2)]
      ])
    })
  )

  kit.counted("nothing is kept but the run and its targets' values", () =>
    Effect.gen(function* () {
      const before = yield* usage
      const ready = [
        { instance: 0 },
        { instance: 1, worker: "n" },
        { instance: 2 },
        { instance: 3, worker: "m" }
      ]
      const run = yield* beginRun({ ready, targets: [98, 99] })
      yield* run.attach("n", "a")
      yield* run.complete(
        "w1",
        done(0, { keep: [kept(0, 5), kept(7, 5, "object")], steps: [to(50, 2), to(51)] })
      )
      yield* run.abandon(["client"], "w2")
      yield* run.complete("w1", done(98, { keep: [kept(98, 1)] }))
      yield* run.complete("w2", target)
      assert.strictEqual((yield* usage) - before, 3)
      yield* assertValues(run, [
        [0, undefined],
        [7, undefined]
      ])
    })
  )

  kit.counted("whoever speaks after the end leaves no trace", () =>
    Effect.gen(function* () {
      const before = yield* usage
      const run = yield* beginRun()
      yield* run.complete("w1", target)
      const status = "succeeded"
      assertReply(yield* run.complete("w2", leadsTo(0, 1)), { status, refused: [0] })
      assertReply(yield* run.keep("w2", kept(0, 1)), { status })
      assertReply(yield* run.adopt("w3", 0), { status, refused: [0] })
      assertReply(yield* run.attach("n", "a"), { status })
      assertReply(yield* run.detach("n", "a"), { status })
      assertReply(yield* run.renew(["w1", "w2"], "w1"), { status })
      assertReply(yield* run.abandon(["w1"], "w2"), { status })
      yield* run.fail(failure(1))
      yield* run.cancel("too late")
      assert.strictEqual((yield* usage) - before, 2)
      const { failures, reason, status: stays } = yield* run.state
      assert.deepStrictEqual([stays, failures, reason], ["succeeded", [], undefined])
    })
  )

  kit.timed("leases that run out after the end do not matter", ({ leaseMs, silence }) =>
    Effect.gen(function* () {
      const run = yield* beginRun({ leaseMs, maxAttempts: 1 })
      yield* run.adopt("w1", 0)
      yield* run.complete("w2", target)
      yield* silence
      assertReply(yield* run.renew([], "client"), { status: "succeeded" })
    })
  )
}

/** What a run that has been stopped answers to whoever speaks. */
const assertStopped = (run: TestRun, status: RunStatus) =>
  Effect.gen(function* () {
    assertReply(yield* run.complete("w2", leadsTo(1, 5), target), { status, refused: [1, 99] })
    assertReply(yield* run.keep("w2", kept(1, 1)), { status })
    assertReply(yield* run.adopt("w2", 1), { status, refused: [1] })
    assertReply(yield* run.renew(["w1"], "w2"), { status })
    assertReply(yield* run.attach("n", "a"), { status })
    assertReply(yield* run.detach("n", "a"), { status })
    assertReply(yield* run.abandon(["w1", "client"], "w2"), { status })
    yield* assertValues(run, [
      [0, undefined],
      [1, undefined],
      [99, undefined]
    ])
  })

const failing = (kit: Kit) => {
  const ready = [{ instance: 0 }, { instance: 1 }, { instance: 2, worker: "n" }]

  kit.test("nothing goes on", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready })
      yield* run.complete("w1", done(0, { keep: [kept(0, 2)] }))
      yield* run.fail(failure(1))
      yield* assertStopped(run, "failed")
      assert.strictEqual((yield* run.state).completed, 1)
    })
  )

  kit.test("the state has the failure as it was told", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready })
      const bare: Failure.Failure = {
        instance: "3[0,1]",
        kind: "timeout",
        worker: "n",
        attempts: 3,
        message: ""
      }
      yield* run.fail(bare)
      const { endedAt, failures, status } = yield* run.state
      assert.strictEqual(status, "failed")
      assert.isAtLeast(endedAt ?? -1, run.begun.now)
      assert.deepStrictEqual(failures, [bare])
    })
  )

  kit.test("further failures are appended; the same one twice is one", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready })
      yield* run.fail(failure(1))
      const { endedAt } = yield* run.state
      yield* run.fail(failure(2, { worker: "n", kind: "result" }))
      yield* run.fail(failure(1))
      yield* run.fail(failure(1, { worker: "w7" }))
      const state = yield* run.state
      assert.deepStrictEqual(state.failures, [
        failure(1),
        failure(2, { worker: "n", kind: "result" }),
        failure(1, { worker: "w7" })
      ])
      assert.strictEqual(state.endedAt, endedAt)
      assert.strictEqual(state.status, "failed")
    })
  )

  kit.test("a failed run is not cancelled", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready })
      yield* run.fail(failure(1))
      yield* run.cancel("enough")
      const { reason, status } = yield* run.state
      assert.deepStrictEqual([status, reason], ["failed", undefined])
    })
  )

  kit.counted("only the run is kept", () =>
    Effect.gen(function* () {
      const before = yield* usage
      const run = yield* beginRun({ ready })
      yield* run.complete("w1", done(0, { keep: [kept(0, 2)], steps: [to(5, 2)] }), target)
      yield* run.remove
      const failed = yield* beginRun({ ready, targets: [98, 99] })
      yield* failed.complete("w1", done(0, { keep: [kept(0, 2)], steps: [to(5, 2)] }), target)
      yield* failed.fail(failure(1))
      yield* assertStopped(failed, "failed")
      assert.strictEqual((yield* usage) - before, 1)
    })
  )
}

const cancelling = (kit: Kit) => {
  kit.test("nothing goes on, and the state has the reason of the first", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }] })
      yield* run.complete("w1", done(0, { keep: [kept(0, 2)] }))
      yield* run.cancel("no longer needed")
      yield* run.cancel("again")
      yield* run.fail(failure(1))
      yield* assertStopped(run, "cancelled")
      const { endedAt, failures, reason, status } = yield* run.state
      assert.deepStrictEqual([status, reason, failures], ["cancelled", "no longer needed", []])
      assert.isDefined(endedAt)
    })
  )
}

const removing = (kit: Kit) => {
  kit.counted("leaves nothing, whether the run has ended or not", () =>
    Effect.gen(function* () {
      const before = yield* usage
      for (const end of [
        (run: TestRun) => run.complete("w1", target),
        (run: TestRun) => run.fail(failure(1)),
        (run: TestRun) => run.cancel("enough"),
        () => Effect.void
      ]) {
        const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1, worker: "n" }] })
        yield* run.attach("n", "a")
        yield* run.complete("w1", done(0, { keep: [kept(0, 2)], steps: [to(5, 2), to(6)] }))
        yield* end(run)
        yield* run.remove
        assert.strictEqual(yield* usage, before)
      }
    })
  )

  kit.counted("operations on a run that is gone, or never was, say so and leave nothing", () =>
    Effect.gen(function* () {
      const before = yield* usage
      const removed = yield* beginRun()
      yield* removed.remove
      const coordination = yield* Coordination
      const unknown: TestRun = Object.create(removed, { id: { value: `${removed.id}-unknown` } })
      for (const run of [removed, unknown]) {
        const status = "gone"
        const keep = [kept(0, 1, "object"), kept(1, 1)]
        assertReply(yield* run.complete("w1", done(0, { keep, steps: [to(1)] })), {
          status,
          refused: [0],
          dropped: [0]
        })
        assertReply(yield* run.keep("w1", ...keep), { status, dropped: [0] })
        assertReply(yield* run.adopt("w1", 0), { status, refused: [0] })
        assertReply(yield* run.renew(["w1"], "client"), { status })
        assertReply(yield* run.attach("n", "a"), { status })
        assertReply(yield* run.detach("n", "a"), { status })
        assertReply(yield* run.abandon(["w1"], "client"), { status })
        yield* run.fail(failure(0))
        yield* run.cancel("enough")
        yield* run.publish("n", { type: "wake" })
        assert.deepStrictEqual(yield* run.read(0, 1), [undefined, undefined])
        assert.isUndefined(yield* run.load)
        const state = yield* run.state
        assert.deepStrictEqual(
          [state.run, state.status, state.completed, state.instances, state.failures],
          [run.id, "gone", 0, 0, []]
        )
        yield* coordination.remove(run.id)
      }
      assert.strictEqual(yield* usage, before)
    })
  )

  kit.test("a run may begin anew under the id of one that was removed", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", target)
      yield* run.remove
      assertReply(yield* run.begin("client"), { ready: [0] })
      const { completed, status } = yield* run.state
      assert.deepStrictEqual([status, completed], ["running", 0])
    })
  )
}
