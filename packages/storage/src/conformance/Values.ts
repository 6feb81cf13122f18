/** Conformance: values are kept as long as they are read (I9). */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { assertReply, assertValues, beginRun, bytesOf, done, type Kit, kept, reads, target } from "./Kit.ts"

export const values = (kit: Kit): void => {
  describe("I9: a value is kept as long as it is read", () => reading(kit))
  describe("I9: values in the object store", () => objects(kit))
  describe("values come back as they were", () => fidelity(kit))
}

const reading = (kit: Kit) => {
  kit.test("the completion of the last reader drops it", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", done(0, { keep: [kept(0, 3)] }))
      for (const reader of [1, 2]) {
        assertReply(yield* run.complete("w1", done(reader, { releases: reads(0) })), {})
        yield* assertValues(run, [[0, bytesOf(0)]])
      }
      assertReply(yield* run.complete("w1", done(3, { releases: reads(0) })), {})
      yield* assertValues(run, [[0, undefined]])
    })
  )

  kit.test("a reader that completes twice is one reader", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", done(0, { keep: [kept(0, 2)] }))
      const reader = done(1, { releases: reads(0) })
      assertReply(yield* run.complete("w1", reader, reader), { refused: [1] })
      assertReply(yield* run.complete("w2", reader), { refused: [1] })
      yield* assertValues(run, [[0, bytesOf(0)]])
    })
  )

  kit.test("a value may be kept and read in one call", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", done(0, { keep: [kept(0, 2)] }), done(1, { releases: reads(0) }))
      yield* assertValues(run, [[0, bytesOf(0)]])
      yield* run.complete("w1", done(2, { keep: [kept(2, 1)] }), done(3, { releases: reads(2, 0) }))
      yield* assertValues(run, [
        [0, undefined],
        [2, undefined]
      ])
    })
  )

  // 1 opens a list of three, 2 is the gate that lets 0 into it, 3 runs for each element and reads 0.
  kit.test("a gate adds the readers that it lets in", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", done(0, { keep: [kept(0, 1)] }))
      yield* run.complete("w1", done(2, { releases: [{ value: 0, delta: 3 - 1 }] }))
      for (const i of [0, 1, 2]) {
        yield* assertValues(run, [[0, bytesOf(0)]])
        yield* run.complete("w1", done(`3[${i}]`, { releases: reads(0) }))
      }
      yield* assertValues(run, [[0, undefined]])
    })
  )

  kit.test("a gate into an empty list is a reader like any", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", done(0, { keep: [kept(0, 1)] }))
      yield* run.complete("w1", done(2, { releases: [{ value: 0, delta: 0 - 1 }] }))
      yield* assertValues(run, [[0, undefined]])
    })
  )

  kit.test("a gate whose readers are as many as it is itself changes nothing", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", done(0, { keep: [kept(0, 1)] }))
      yield* run.complete("w1", done(2, { releases: [{ value: 0, delta: 0 }] }))
      yield* assertValues(run, [[0, bytesOf(0)]])
      yield* run.complete("w1", done("3[0]", { releases: reads(0) }))
      yield* assertValues(run, [[0, undefined]])
    })
  )

  kit.test("a value without readers is not kept", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assertReply(yield* run.complete("w1", done(0, { keep: [kept(0, 0)] })), {})
      yield* assertValues(run, [[0, undefined]])
    })
  )

  kit.test("a completion may keep values of others, and several", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      const keep = [kept(1, 1), kept("5[0]", 1), kept("5[1]", 1)]
      yield* run.complete("w1", done(1, { keep }))
      yield* run.complete("w1", done("6[0]", { releases: reads("5[0]") }))
      yield* assertValues(run, [
        ["5[1]", bytesOf("5[1]")],
        ["5[0]", undefined],
        [1, bytesOf(1)]
      ])
    })
  )

  kit.test("keep keeps a value later; what is kept already stays as it is", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", done(0), done(1, { keep: [kept(1, 1)] }))
      assertReply(yield* run.keep("w1", kept(0, 2), kept(1, 9, bytesOf(7))), {})
      assertReply(yield* run.keep("w1", kept(0, 2)), {})
      yield* assertValues(run, [
        [0, bytesOf(0)],
        [1, bytesOf(1)]
      ])
      yield* run.complete("w1", done(2, { releases: reads(0, 1) }), done(3, { releases: reads(0) }))
      yield* assertValues(run, [
        [0, undefined],
        [1, undefined]
      ])
    })
  )

  kit.test("a release of what is not kept is passed over", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assertReply(yield* run.complete("w1", done(1, { releases: reads(0, 7, "3[0]") })), {})
      yield* run.keep("w1", kept(0, 1))
      yield* assertValues(run, [[0, bytesOf(0)]])
    })
  )

  kit.test("what is not there, and never was, reads as undefined, in its place", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assert.deepStrictEqual(yield* run.read(), [])
      yield* run.complete("w1", done(0, { keep: [kept(0, 1)] }))
      yield* assertValues(run, [
        [5, undefined],
        [0, bytesOf(0)],
        ["5[3]", undefined],
        [0, bytesOf(0)]
      ])
    })
  )
}

const objects = (kit: Kit) => {
  kit.test("a value in the object store is known as such", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", done(0, { keep: [kept(0, 1, "object")] }))
      yield* assertValues(run, [[0, "object"]])
    })
  )

  kit.test("the caller that drops it is told once to remove it; inline values are just gone", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", done(0, { keep: [kept(0, 2, "object"), kept("1[0]", 1)] }))
      assertReply(yield* run.complete("w1", done(1, { releases: reads(0) })), {})
      const last = done(2, { releases: reads("1[0]", 0) })
      assertReply(yield* run.complete("w2", last), { dropped: [0] })
      assertReply(yield* run.complete("w2", last), { refused: [2] })
      assertReply(yield* run.complete("w1", done(3, { releases: reads(0) })), {})
      assertReply(yield* run.complete("w1", target), { status: "succeeded" })
    })
  )

  kit.test("one without readers is dropped at once", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      assertReply(yield* run.complete("w1", done(0, { keep: [kept(0, 0, "object")] })), { dropped: [0] })
      assertReply(yield* run.keep("w1", kept(1, 0, "object")), { dropped: [1] })
    })
  )

  kit.test("one that a second completion brings is not dropped while the first one's is kept", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      const completion = done(0, { keep: [kept(0, 1, "object")] })
      yield* run.complete("w1", completion)
      assertReply(yield* run.complete("w2", completion), { refused: [0] })
      assertReply(yield* run.keep("w2", kept(0, 1, "object")), {})
      yield* assertValues(run, [[0, "object"]])
    })
  )

  kit.test(
    "those that are left are dropped with the completion of the last target, except the targets'",
    () =>
      Effect.gen(function* () {
        const run = yield* beginRun({ targets: [98, 99] })
        const keep = [kept(0, 1, "object"), kept("1[0]", 5, "object"), kept(2, 1)]
        yield* run.complete("w1", done(0, { keep }), done(98, { keep: [kept(98, 1, "object")] }))
        assertReply(yield* run.complete("w1", done(99, { keep: [kept(99, 1, "object")] })), {
          status: "succeeded",
          dropped: [0, "1[0]"]
        })
        assertReply(yield* run.complete("w1"), { status: "succeeded" })
        yield* assertValues(run, [
          [98, "object"],
          [99, "object"]
        ])
      })
  )

  kit.test("one that is dropped at the end is told once, though it comes again in the same call", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      const completion = done(0, { keep: [kept(0, 1, "object")] })
      assertReply(yield* run.complete("w1", completion, target, completion), {
        status: "succeeded",
        refused: [0],
        dropped: [0]
      })
    })
  )

  kit.test("those that are brought after the end are the caller's to remove again, except the targets'", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", done(99, { keep: [kept(99, 1, "object")] }))
      const keep = [kept(0, 1, "object"), kept(1, 1), kept(99, 1, "object")]
      const expected = { status: "succeeded", dropped: [0] } as const
      assertReply(yield* run.complete("w2", done(0, { keep })), { ...expected, refused: [0] })
      assertReply(yield* run.keep("w2", ...keep), expected)
      yield* assertValues(run, [
        [0, undefined],
        [99, "object"]
      ])
    })
  )

  kit.test("those of a run that failed or was cancelled are removed with the run: nobody is told", () =>
    Effect.gen(function* () {
      const run = yield* beginRun()
      yield* run.complete("w1", done(0, { keep: [kept(0, 1, "object")] }))
      yield* run.cancel("enough")
      assertReply(yield* run.complete("w1"), { status: "cancelled" })
      yield* assertValues(run, [[0, undefined]])
      assertReply(yield* run.keep("w1", kept(2, 1, "object")), { status: "cancelled", dropped: [2] })
    })
  )
}

const fidelity = (kit: Kit) => {
  for (const [what, bytes] of [
    ["no bytes", new Uint8Array()],
    ["every byte", Uint8Array.from({ length: 256 }, (_, i) => i)],
    ["text that says object", new TextEncoder().encode("object")],
    ["64 KiB", Uint8Array.from({ length: 65_536 }, (_, i) => (i * 31) % 251)],
    ["a view into a larger buffer", Uint8Array.from({ length: 100 }, (_, i) => i).subarray(10, 20)]
  ] as const) {
    kit.test(what, () =>
      Effect.gen(function* () {
        const run = yield* beginRun()
        yield* run.complete("w1", done(0, { keep: [kept(0, 2, bytes), kept("3[1,2]", 1, bytes)] }))
        yield* assertValues(run, [
          [0, bytes],
          ["3[1,2]", bytes]
        ])
      })
    )
  }
}
