/** Conformance: completions are accepted once (I1), and make ready exactly once (I2). */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
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
  target,
  to
} from "./Kit.ts"

export const completing = (kit: Kit): void => {
  describe("I1: the first completion wins", () => accepting(kit))
  describe("I2: an instance becomes ready exactly once", () => readiness(kit))
  describe("I2 in lists", () => lists(kit))
}

const accepting = (kit: Kit) => {
  for (const [who, worker] of [
    ["the same worker", "w1"],
    ["another worker", "w2"]
  ] as const) {
    kit.test(`a second completion by ${who} changes nothing and is told so`, () =>
      Effect.gen(function* () {
        const run = yield* beginRun()
        yield* run.complete("w1", done(0, { keep: [kept(0, 1)], steps: [to(1, 2)], added: 3 }))
        const before = yield* run.lasting
        const other = new TextEncoder().encode("another value")
        const reply = yield* run.complete(
          worker,
          done(0, { keep: [kept(0, 5, other)], steps: [to(1, 2)], releases: reads(0), added: 3 })
        )
        assertReply(reply, { refused: [0] })
        assert.deepStrictEqual(yield* run.lasting, before)
        yield* assertValues(run, [[0, bytesOf(0)]])
      })
    )
  }

  kit.test("of two completions in one call the first wins", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assertReply(yield* run.complete("w1", leadsTo(0, 1), leadsTo(0, 1)), { ready: [1], refused: [0] })
      assert.strictEqual((yield* run.state).completed, 1)
    })
  )

  kit.test("of several completions in one call only those that come second are refused", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }, { instance: 2 }] })
      yield* run.complete("w1", leadsTo(1, 11))
      assertReply(yield* run.complete("w2", leadsTo(0, 10), leadsTo(1, 11), leadsTo(2, 12)), {
        ready: [10, 12],
        refused: [1]
      })
    })
  )

  kit.test("a completion after the end of the run changes nothing and is told so", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", target)
      const before = yield* run.lasting
      for (const worker of ["w1", "w2"]) {
        assertReply(
          yield* run.complete(worker, leadsTo(0, 1), done(99, { keep: [kept(99, 1, bytesOf(1))] })),
          {
            status: "succeeded",
            refused: [0, 99]
          }
        )
      }
      assert.deepStrictEqual(yield* run.lasting, before)
      yield* assertValues(run, [[99, bytesOf(99)]])
    })
  )

  kit.test("what comes after the last target in one call is refused", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assertReply(yield* run.complete("w1", target, leadsTo(0, 1)), { status: "succeeded", refused: [0] })
    })
  )

  kit.test("a completion of what is not ready is accepted: its worker ran its parents too", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assertReply(yield* run.complete("w1", done(1), done(2, { steps: [to(3)] })), { ready: [3] })
    })
  )

  kit.test("of completions at the same moment exactly one wins", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      const replies = yield* Effect.forEach(
        Array.from({ length: 8 }, (_, i) => `w${i}`),
        (worker) => run.complete(worker, leadsTo(0, 1)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(replies.filter(({ refused }) => refused.length === 0).length, 1)
      assert.strictEqual(replies.filter(({ ready }) => ready.length === 1).length, 1)
    })
  )

  kit.test("a completion that is repeated answers again what it gave to its worker, and invokes again", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      const completion = done(0, {
        keep: [kept(0, 3)],
        steps: [to(1, 1, { inputs: [0] }), to(2), to(3, 1, { worker: "n" }), to(4, 1, { worker: "n" })]
      })
      const first = yield* run.complete("w1", completion)
      assertReply(first, { ready: [1, 2], invoke: ["n"] })
      const again = yield* run.complete("w1", completion)
      assertReply(again, { ready: [1, 2], invoke: ["n"], refused: [0] })
      assert.deepStrictEqual(again.ready, first.ready)
    })
  )

  kit.test("a completion that is repeated does not answer what is no longer its worker's", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      const completion = leadsTo(0, 1, 2, 3)
      yield* run.complete("w1", completion)
      yield* run.complete("w1", done(1))
      yield* run.adoptAs({ worker: "w2", from: "w1" }, 2)
      assertReply(yield* run.complete("w1", completion), { ready: [3], refused: [0] })
    })
  )
}

const readiness = (kit: Kit) => {
  kit.test("in a chain each completion makes the next one ready for whoever completed", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assertReply(run.begun, { ready: [0] })
      for (let i = 0; i < 5; i++) {
        assertReply(yield* run.complete(`w${i % 2}`, leadsTo(i, i + 1)), { ready: [i + 1] })
      }
    })
  )

  kit.test("a fan-out makes all children ready at once", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      const children = Array.from({ length: 50 }, (_, i) => i + 1)
      assertReply(yield* run.complete("w1", leadsTo(0, ...children)), { ready: children })
    })
  )

  kit.test("a fan-in is ready with its last parent, whoever completes it", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }, { instance: 2 }] })
      const parent = (instance: number) => done(instance, { steps: [to(5, 3)] })
      assertReply(yield* run.complete("w1", parent(1)), {})
      assertReply(yield* run.complete("w2", parent(0)), {})
      assertReply(yield* run.complete("w3", parent(2)), { ready: [5] })
    })
  )

  kit.test("for how many completions an instance waits can be asked, and changes nothing", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }, { instance: 2 }] })
      const parent = (instance: number) => done(instance, { steps: [to(5, 3), to("17[3]", 2)] })
      const asked = [0, 5, "17[3]", 6]
      assert.deepStrictEqual(yield* run.waits(), [])
      assert.deepStrictEqual(yield* run.waits(...asked), [undefined, undefined, undefined, undefined])
      yield* run.complete("w1", parent(1))
      const before = yield* run.lasting
      assert.deepStrictEqual(yield* run.waits(...asked), [undefined, 2, 1, undefined])
      assert.deepStrictEqual(yield* run.lasting, before)
      yield* run.complete("w1", parent(0))
      assert.deepStrictEqual(yield* run.waits(...asked), [undefined, 1, undefined, undefined])
      yield* run.complete("w1", parent(2), done(5))
      assert.deepStrictEqual(yield* run.waits(...asked), [undefined, undefined, undefined, undefined])
      yield* run.cancel("enough")
      assert.deepStrictEqual(yield* run.waits(...asked), [undefined, undefined, undefined, undefined])
    })
  )

  kit.test("a parent that is completed twice does not count for the one that is missing", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }] })
      const parent = (instance: number) => done(instance, { steps: [to(5, 2)] })
      assertReply(yield* run.complete("w1", parent(0)), {})
      assertReply(yield* run.complete("w2", parent(0)), { refused: [0] })
      assertReply(yield* run.complete("w1", parent(0), parent(0)), { refused: [0, 0] })
      assertReply(yield* run.complete("w2", parent(1)), { ready: [5] })
    })
  )

  kit.test("a fan-in whose parents complete at the same moment is in exactly one reply", () =>
    Effect.gen(function* () {
      const parents = Array.from({ length: 20 }, (_, i) => i)
      const run = yield* beginRun({ ready: parents.map((instance) => ({ instance })) })
      const replies = yield* Effect.forEach(
        parents,
        (parent) => run.complete(`w${parent}`, done(parent, { steps: [to(50, 20)] })),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        replies.flatMap(({ ready }) => ready.map(({ instance }) => instance)),
        [50]
      )
    })
  )

  kit.test("completions of one call take effect in order", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }] })
      const reply = yield* run.complete(
        "w1",
        done(0, { steps: [to(2), to(3, 2)] }),
        done(1, { steps: [to(3, 2), to(4)] })
      )
      assertReply(reply, { ready: [2, 3, 4] })
      assert.deepStrictEqual(
        reply.ready.map(({ instance }) => instance),
        [2, 3, 4]
      )
    })
  )

  // 0 → 1 → 2 → 3: the caller ran 0, 1 and 2, and leaves out the edges between them.
  kit.test("a chain inside one call needs no edges between its own instances", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assertReply(yield* run.complete("w1", done(0), done(1), leadsTo(2, 3)), { ready: [3] })
      assert.strictEqual((yield* run.state).completed, 3)
    })
  )

  // 0 → 2 ← 1: the caller completes 1 and 2 in one call, after 0 brought 2 nearer.
  kit.test("an edge that was told before is forgotten with the completion of its instance", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }] })
      assertReply(yield* run.complete("w1", done(0, { steps: [to(2, 2)] })), {})
      assertReply(yield* run.complete("w2", done(1), leadsTo(2, 3)), { ready: [3] })
    })
  )

  // 0 → 1: w1 lost 0 to w2, which made 1 ready; then w1 comes with both.
  kit.test("a chain whose first instance is refused still completes its second", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assertReply(yield* run.complete("w2", leadsTo(0, 1)), { ready: [1] })
      assertReply(yield* run.complete("w1", done(0), leadsTo(1, 2)), { ready: [2], refused: [0] })
      assertReply(yield* run.complete("w2", leadsTo(1, 2)), { refused: [1] })
    })
  )

  kit.test("a step to what is complete, or ready already, is passed over", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }, { instance: 2 }] })
      assertReply(yield* run.complete("w1", leadsTo(0, 5)), { ready: [5] })
      assertReply(yield* run.complete("w2", leadsTo(1, 5)), {})
      yield* run.complete("w1", done(5))
      assertReply(yield* run.complete("w2", leadsTo(2, 5)), {})
    })
  )

  kit.test("inline inputs that the caller asked for come with what becomes ready for it", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }] })
      yield* run.complete("w1", done(0, { keep: [kept(0, 2), kept(7, 1, "object")], steps: [to(5, 2)] }))
      const { ready } = yield* run.complete(
        "w2",
        done(1, { keep: [kept(1, 1)], steps: [to(5, 2, { inputs: [0, 1, 7, 8] }), to(6, 1, { inputs: [] })] })
      )
      assert.deepStrictEqual(
        ready.map(({ attempt, inputs, instance }) => [
          instance,
          attempt,
          inputs.map(([input, bytes]) => [input, new TextDecoder().decode(bytes)])
        ]),
        [
          [
            5,
            1,
            [
              [0, "value of 0"],
              [1, "value of 1"]
            ]
          ],
          [6, 1, []]
        ]
      )
    })
  )
}

// 1 opens a list of n; each element runs 3, then 4; 5 collects the 4s. So 5 waits for 1, and for n completions of 4.
const lists = (kit: Kit) => {
  const opened = (width: number) =>
    done(1, {
      steps: [...Array.from({ length: width }, (_, i) => to(`3[${i}]`)), to(5, 1, { delta: width - 1 })],
      added: 2 * width
    })

  kit.test("the instances of a list come and go under their string keys", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 1 }], instances: 3 })
      assertReply(yield* run.complete("w1", opened(3)), { ready: ["3[0]", "3[1]", "3[2]"] })
      assert.strictEqual((yield* run.state).instances, 9)
      for (const i of [2, 0, 1])
        assertReply(yield* run.complete("w1", leadsTo(`3[${i}]`, `4[${i}]`)), { ready: [`4[${i}]`] })
      for (const i of [1, 2])
        assertReply(yield* run.complete("w2", done(`4[${i}]`, { steps: [to(5, 1)] })), {})
      assertReply(yield* run.complete("w2", done("4[1]", { steps: [to(5, 1)] })), { refused: ["4[1]"] })
      assertReply(yield* run.complete("w1", done("4[0]", { steps: [to(5, 1)] })), { ready: [5] })
    })
  )

  kit.test("an empty list makes its collect ready", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 1 }] })
      assertReply(yield* run.complete("w1", opened(0)), { ready: [5] })
    })
  )

  kit.test("a list in a list has an index for each", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: "2[7]" }] })
      const inner = Array.from({ length: 12 }, (_, i) => `4[7,${i}]`)
      const reply = yield* run.complete(
        "w1",
        done("2[7]", { steps: [...inner.map((one) => to(one)), to("5[7]", 1, { delta: 11 })] })
      )
      assertReply(reply, { ready: inner })
      const completions = inner.map((one) => done(one, { steps: [to("5[7]", 1)] }))
      assertReply(yield* run.complete("w1", ...completions), { ready: ["5[7]"] })
    })
  )

  // 5 also reads 0, which is outside of the list: it waits for 0 and 1 at first.
  kit.test("a collect may be brought nearer by another parent before its list is open", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }] })
      assertReply(yield* run.complete("w1", done(0, { steps: [to(5, 2)] })), {})
      const steps = [to("3[0]"), to("3[1]"), to(5, 2, { delta: 1 })]
      assertReply(yield* run.complete("w2", done(1, { steps })), { ready: ["3[0]", "3[1]"] })
      assertReply(yield* run.complete("w2", done("3[0]", { steps: [to(5, 2)] })), {})
      assertReply(yield* run.complete("w2", done("3[1]", { steps: [to(5, 2)] })), { ready: [5] })
    })
  )

  kit.test("a collect may wait for another parent after its list is complete", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 0 }, { instance: 1 }] })
      const steps = [to("3[0]"), to(5, 2, { delta: 0 })]
      assertReply(yield* run.complete("w1", done(1, { steps })), { ready: ["3[0]"] })
      assertReply(yield* run.complete("w1", done("3[0]", { steps: [to(5, 2)] })), {})
      assertReply(yield* run.complete("w2", done(0, { steps: [to(5, 2)] })), { ready: [5] })
    })
  )

  kit.test("two nodes that a collect gathers from each element are two completions each", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 1 }] })
      const body = ["3[0]", "4[0]", "3[1]", "4[1]"]
      const steps = [...body.map((one) => to(one)), to(5, 1, { delta: 2 * 2 - 1 })]
      assertReply(yield* run.complete("w1", done(1, { steps })), { ready: body })
      for (const one of body.slice(1))
        assertReply(yield* run.complete("w1", done(one, { steps: [to(5, 1)] })), {})
      assertReply(yield* run.complete("w1", done("3[0]", { steps: [to(5, 1)] })), { ready: [5] })
    })
  )

  kit.test("a list that is opened and run in one call", () =>
    Effect.gen(function* () {
      const run = yield* beginRun({ ready: [{ instance: 1 }] })
      const reply = yield* run.complete(
        "w1",
        done(1, { steps: [to("3[1]"), to(5, 1, { delta: 1 })] }),
        done("3[0]", { steps: [to(5, 1)] })
      )
      assertReply(reply, { ready: ["3[1]"] })
      assertReply(yield* run.complete("w1", done("3[1]"), done(5, { steps: [to(6)] })), { ready: [6] })
    })
  )
}
