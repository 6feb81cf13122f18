/** Conformance of streams. */
import { randomUUID } from "node:crypto"
import { setTimeout } from "node:timers/promises"
import { assert, type Vitest } from "@effect/vitest"
import type { InstanceId } from "@weft/core"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { StoreError } from "../StoreError.ts"
import {
  type Append,
  type Appended,
  type StreamNews,
  type StreamRead,
  type StreamState,
  Streams
} from "../Streams.ts"
import type { StreamsCapabilities } from "./Capabilities.ts"

/** One stream of one test, of a run of its own, removed at the end. Two readers are expected, and none is waited for. */
class TestStream {
  readonly store: Streams["Service"]
  readonly run: string
  readonly id: InstanceId

  constructor(store: Streams["Service"], run: string, id: InstanceId) {
    this.store = store
    this.run = run
    this.id = id
  }

  append(at: number, items: ReadonlyArray<string>, more: Partial<Append> = {}) {
    return this.store.append(this.run, this.id, {
      producer: "p",
      attempt: 1,
      at,
      items: items.map((item) => new TextEncoder().encode(item)),
      limit: 100_000,
      readers: 2,
      hold: 0,
      whole: true,
      ...more
    })
  }
  read(reader: string, from: number | undefined, more: Partial<StreamRead> = {}) {
    return this.store.read(this.run, this.id, { reader, worker: `w-${reader}`, from, max: 100, ...more })
  }
  leave(reader: string) {
    return this.store.leave(this.run, this.id, reader)
  }
}

const open = (id: InstanceId = 17): Effect.Effect<TestStream, never, Streams | Scope.Scope> =>
  Effect.gen(function* () {
    const store = yield* Streams
    const run = `conformance-${randomUUID()}`
    yield* Effect.addFinalizer(() => Effect.orDie(store.removeRun(run)))
    return new TestStream(store, run, id)
  })

/** Claims what a producer was told; what is left out is of an empty stream that is the caller's. */
const assertAppended = (appended: Appended, expected: Partial<Appended>) =>
  assert.deepStrictEqual(appended, {
    mine: true,
    first: 0,
    next: 0,
    begun: 0,
    left: 0,
    read: undefined,
    needed: undefined,
    ...expected
  })

/** Claims what a reader was told; what is left out is of an open stream whose producer has every item. */
const assertRead = (
  state: StreamState,
  items: ReadonlyArray<string>,
  expected: Partial<Omit<StreamState, "items">> = {}
) =>
  assert.deepStrictEqual(
    { ...state, items: state.items.map((item) => new TextDecoder().decode(item)) },
    { first: 0, next: 0, status: "open", total: undefined, whole: true, error: undefined, ...expected, items }
  )

/** Waits in real time for what messages bring, though not for ever. */
const until = (came: () => boolean) =>
  Effect.promise(async () => {
    for (let i = 0; i < 200 && !came(); i++) await setTimeout(5)
  })

/** Claims that what is done is heard of by who listens from now on. */
const listening = (stream: TestStream, news: StreamNews) => {
  let heard = 0
  const hears = (what: string, act: Effect.Effect<unknown, StoreError>) =>
    Effect.gen(function* () {
      const before = heard
      yield* act
      yield* until(() => heard > before)
      assert.isAbove(heard, before, `heard of ${what}`)
    })
  return Effect.as(
    stream.store.subscribe(stream.run, stream.id, news, () => void heard++),
    hears
  )
}

const ABSENT = { status: "absent", whole: false } as const

type Body = () => Effect.Effect<void, StoreError, Streams | Scope.Scope>

export const streams = (it: Vitest.MethodsNonLive<Streams>, { time, usage }: StreamsCapabilities): void => {
  const timed = (
    name: string,
    body: (silence: Effect.Effect<void>, pause: Effect.Effect<void>) => ReturnType<Body>
  ) => {
    if ("skipped" in time) {
      it.effect.skip(`${name} (skipped: ${time.skipped})`, () => body(Effect.void, Effect.void))
      return
    }
    const { elapse } = time
    it.effect(name, () =>
      Effect.gen(function* () {
        const { lifeMs } = yield* Streams
        yield* body(elapse(lifeMs + Math.max(10, lifeMs / 5)), elapse(lifeMs * 0.36))
      })
    )
  }

  it.effect("items come in order, each position once, from where a reader is", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      assertAppended(yield* stream.append(0, ["a", "b"]), { next: 2 })
      assertAppended(yield* stream.append(2, ["c"]), { next: 3 })
      assertRead(yield* stream.read("r", 0), ["a", "b", "c"], { next: 3 })
      assertRead(yield* stream.read("s", 1, { max: 1 }), ["b"], { next: 3 })
      assertRead(yield* stream.read("r", 3), [], { first: 1, next: 3 })
      assertAppended(yield* stream.append(3, ["d"]), { first: 1, next: 4, begun: 2, read: 1, needed: 1 })
      assertRead(yield* stream.read("r", 3), ["d"], { first: 1, next: 4 })
    })
  )

  it.effect("every byte comes back, also of none and of many", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      const items = [
        new Uint8Array(),
        Uint8Array.from({ length: 256 }, (_, i) => i),
        new Uint8Array(300_000).map((_, i) => (i * 31) % 251),
        Uint8Array.from({ length: 256 }, (_, i) => i).subarray(100, 120)
      ]
      const append = { producer: "p", attempt: 1, at: 0, items, limit: 4, readers: 1, hold: 0, whole: true }
      yield* stream.store.append(stream.run, stream.id, append)
      const { items: found } = yield* stream.read("r", 0)
      assert.deepStrictEqual(
        found.map((item) => Buffer.from(item).toString("hex")),
        items.map((item) => Buffer.from(item).toString("hex"))
      )
    })
  )

  it.effect("many items at once", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      const items = Array.from({ length: 10_000 }, (_, i) => `item ${i}`)
      assertAppended(yield* stream.append(0, items), { next: 10_000 })
      assertRead(yield* stream.read("r", 0, { max: 10_000 }), items, { next: 10_000 })
      assertRead(yield* stream.read("r", 9_999), ["item 9999"], { first: 9_999, next: 10_000 })
    })
  )

  it.effect("a stream that was never opened, or is gone, is absent; reading makes none", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      assertRead(yield* stream.read("r", 0), [], ABSENT)
      yield* stream.leave("r")
      assertAppended(yield* stream.append(3, ["d"]), { mine: false })
      assertRead(yield* stream.read("r", 0), [], ABSENT)
      assertAppended(yield* stream.append(0, ["a"]), { next: 1 })
    })
  )

  it.effect("S1: positions that the stream has are passed over; one too far ahead is not taken", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a", "b"])
      assertAppended(yield* stream.append(0, ["x", "y", "c"]), { next: 3 })
      assertAppended(yield* stream.append(1, ["x"]), { next: 3 })
      assertAppended(yield* stream.append(5, ["x"]), { next: 3 })
      assertRead(yield* stream.read("r", 0), ["a", "b", "c"], { next: 3 })
    })
  )

  it.effect("S1: what was trimmed is not taken again", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a", "b", "c"])
      yield* stream.read("r", 2)
      assertAppended(yield* stream.append(0, ["a", "b", "c", "d"]), {
        first: 2,
        next: 4,
        begun: 1,
        read: 2,
        needed: 2
      })
      assertRead(yield* stream.read("r", 2), ["c", "d"], { first: 2, next: 4 })
    })
  )

  it.effect("S1: what is beyond the limit is passed over; first goes what was read", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      assertAppended(yield* stream.append(0, ["a", "b", "c"], { limit: 2 }), { next: 2 })
      assertAppended(yield* stream.append(2, ["c"], { limit: 2 }), { next: 2 })
      yield* stream.append(2, [], { hold: 1, limit: 2 })
      yield* stream.read("r", 1)
      assertAppended(yield* stream.append(2, ["c", "d"], { limit: 2 }), {
        first: 1,
        next: 3,
        begun: 1,
        read: 1,
        needed: 1
      })
      assertAppended(yield* stream.append(0, ["a", "b", "c", "d", "e"], { limit: 1 }), {
        first: 1,
        next: 3,
        begun: 1,
        read: 1,
        needed: 1
      })
      assertRead(yield* stream.read("r", 1), ["b", "c"], { first: 1, next: 3 })
    })
  )

  it.effect("S2: a second producer changes nothing, unless its attempt is higher", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a"])
      assertAppended(yield* stream.append(0, ["x", "y"], { producer: "q" }), { mine: false, next: 1 })
      assertAppended(yield* stream.append(1, [], { producer: "q", end: "ended", total: 1 }), {
        mine: false,
        next: 1
      })
      assertAppended(yield* stream.append(0, ["a", "b"], { producer: "q", attempt: 2 }), { next: 2 })
      assertAppended(yield* stream.append(1, ["x", "y"]), { mine: false, next: 2 })
      assertAppended(yield* stream.append(2, ["c"], { producer: "q", attempt: 2 }), { next: 3 })
      assertRead(yield* stream.read("r", 0), ["a", "b", "c"], { next: 3 })
    })
  )

  it.effect("S3: what all living readers have read is trimmed", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a", "b", "c"])
      yield* stream.read("r", 2)
      assertRead(yield* stream.read("s", 1), [], { first: 2, next: 3 })
      assertRead(yield* stream.read("t", 2), ["c"], { first: 2, next: 3 })
      assertAppended(yield* stream.append(3, []), { first: 2, next: 3, begun: 3, read: 1, needed: 1 })
    })
  )

  it.effect("S3: nothing is trimmed before as many have begun as the producer says", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a", "b", "c"], { hold: 2 })
      assertRead(yield* stream.read("r", 3), [], { next: 3 })
      assertRead(yield* stream.read("s", 0), ["a", "b", "c"], { next: 3 })
      assertRead(yield* stream.read("s", 1), ["b", "c"], { first: 1, next: 3 })
    })
  )

  it.effect("S3: who holds no longer lets what was read go", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a", "b", "c"], { hold: 2 })
      yield* stream.read("r", 2)
      assertAppended(yield* stream.append(3, []), { first: 2, next: 3, begun: 1, read: 2, needed: 2 })
    })
  )

  it.effect("S3: a reader that has left holds nothing; without living readers nothing is trimmed", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a", "b", "c"])
      yield* stream.read("r", 1)
      yield* stream.read("s", 0)
      yield* stream.leave("r")
      assertAppended(yield* stream.append(3, ["d"]), {
        first: 1,
        next: 4,
        begun: 2,
        left: 1,
        read: 0,
        needed: 0
      })
      yield* stream.leave("s")
      assertAppended(yield* stream.append(4, []), { first: 1, next: 4, begun: 2, left: 2 })
    })
  )

  it.effect("a reader that leaves before it has read has begun, too", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a"])
      yield* stream.leave("r")
      assertAppended(yield* stream.append(1, []), { next: 1, begun: 1, left: 1 })
    })
  )

  it.effect("a reader that has left may come again", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a", "b"])
      yield* stream.leave("r")
      assertRead(yield* stream.read("r", 0), ["a", "b"], { next: 2 })
      assertAppended(yield* stream.append(2, []), { next: 2, begun: 1, read: 0, needed: 0 })
    })
  )

  it.effect("S3: who waits for the list holds nobody up, and needs everything", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a", "b"])
      assertRead(yield* stream.read("late", undefined), [], { next: 2 })
      assertAppended(yield* stream.append(2, []), { next: 2, begun: 1, needed: 0 })
      assertRead(yield* stream.read("r", 2), [], { first: 2, next: 2 })
      assertAppended(yield* stream.append(2, []), { first: 2, next: 2, begun: 2, read: 2, needed: 0 })
    })
  )

  it.effect("S3: after the end nothing is trimmed, and nothing is added", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a"])
      assertAppended(yield* stream.append(1, ["b"], { end: "ended", total: 2, whole: false }), { next: 2 })
      const ended = { next: 2, status: "ended", total: 2, whole: false } as const
      assertRead(yield* stream.read("r", 2), [], ended)
      assertRead(yield* stream.read("s", 0), ["a", "b"], ended)
      yield* stream.append(2, ["c"])
      assertRead(yield* stream.read("r", 0), ["a", "b"], ended)
    })
  )

  it.effect("a stream ends as its producer says", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      const ends = [
        { end: "stored", total: 7 },
        { end: "lost", total: 7 },
        { end: "failed", total: 1, error: "out of paper: ä" }
      ] as const
      for (const [i, end] of ends.entries()) {
        const one = new TestStream(stream.store, stream.run, i)
        yield* one.append(0, ["a"])
        yield* one.append(1, [], end)
        assertRead(yield* one.read("r", 0), ["a"], {
          next: 1,
          status: end.end,
          total: end.total,
          error: "error" in end ? end.error : undefined
        })
      }
    })
  )

  it.effect("the end may come with the first items", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a"], { end: "ended", total: 1 })
      assertRead(yield* stream.read("r", 0), ["a"], { next: 1, status: "ended", total: 1 })
    })
  )

  it.effect("S4: with its last reader a stream that has ended goes; one that has not ended stays", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a"])
      yield* stream.leave("r")
      yield* stream.leave("r")
      yield* stream.append(1, [], { end: "ended", total: 1 })
      assertRead(yield* stream.read("s", 0), ["a"], { next: 1, status: "ended", total: 1 })
      yield* stream.leave("s")
      assertRead(yield* stream.read("s", 0), [], ABSENT)
      const other = new TestStream(stream.store, stream.run, "18[3]")
      yield* other.append(0, ["a"])
      yield* other.leave("r")
      yield* other.leave("s")
      assertAppended(yield* other.append(1, ["b"]), { next: 2, begun: 2, left: 2 })
      yield* other.append(2, [], { end: "ended", total: 2 })
      assertRead(yield* other.read("s", 0), [], ABSENT)
    })
  )

  it.effect("streams do not touch each other, nor do runs", () =>
    Effect.gen(function* () {
      const stream = yield* open(1)
      const names = [
        new TestStream(stream.store, stream.run, "1[0]"),
        new TestStream(stream.store, `${stream.run}0`, 1)
      ]
      yield* Effect.addFinalizer(() => Effect.orDie(stream.store.removeRun(`${stream.run}0`)))
      yield* stream.append(0, ["a"])
      for (const other of names) yield* other.append(0, ["b"])
      yield* stream.read("r", 1)
      for (const other of names) assertRead(yield* other.read("r", 0), ["b"], { next: 1 })
      yield* stream.store.removeRun(stream.run)
      assertRead(yield* stream.read("r", 0), [], ABSENT)
      assertRead(yield* names[0]!.read("r", 0), [], ABSENT)
      assertRead(yield* names[1]!.read("r", 0), ["b"], { next: 1 })
    })
  )

  it.effect("of a worker that is lost, streams are silent and readers hold nothing", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a"])
      yield* stream.read("r", 0)
      yield* stream.read("s", 0)
      yield* stream.store.abandon(stream.run, ["w-r"])
      assertAppended(yield* stream.append(1, []), { next: 1, begun: 2, read: 0, needed: 0 })
      yield* stream.store.abandon(stream.run, ["w-s", "nobody"])
      assertAppended(yield* stream.append(1, []), { next: 1, begun: 2, needed: 0 })
      assertRead(yield* stream.read("r", 0), ["a"], { next: 1 })
      yield* stream.store.abandon(stream.run, ["p"])
      assertRead(yield* stream.read("r", 0), ["a"], { next: 1, status: "silent" })
      yield* stream.append(1, [])
      assertRead(yield* stream.read("r", 0), ["a"], { next: 1 })
    })
  )

  timed("a producer that gives no sign of life is silent, until it does", (silence, pause) =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a"])
      yield* pause
      yield* stream.append(1, [])
      yield* pause
      yield* stream.append(1, [])
      yield* pause
      assertRead(yield* stream.read("r", 0), ["a"], { next: 1 })
      yield* silence
      assertRead(yield* stream.read("r", 0), ["a"], { next: 1, status: "silent" })
      yield* stream.append(1, ["b"])
      assertRead(yield* stream.read("r", 0), ["a", "b"], { next: 2 })
    })
  )

  timed("S3: a reader that gives no sign of life holds nothing, until it does", (silence, pause) =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a", "b"])
      yield* stream.read("slow", 0)
      yield* pause
      yield* stream.read("slow", 0, { max: 0 })
      yield* pause
      yield* stream.read("slow", 0, { max: 0 })
      yield* pause
      yield* stream.read("r", 2)
      assertAppended(yield* stream.append(2, []), { next: 2, begun: 2, read: 0, needed: 0 })
      yield* silence
      assertAppended(yield* stream.append(2, []), { next: 2, begun: 2, needed: 0 })
      assertRead(yield* stream.read("r", 2), [], { first: 2, next: 2 })
      assertRead(yield* stream.read("slow", 0), [], { first: 2, next: 2 })
      assertAppended(yield* stream.append(2, []), { first: 2, next: 2, begun: 2, read: 0, needed: 0 })
    })
  )

  it.effect("S5: readers hear of items, the end and the loss of the producer", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a"])
      const hears = yield* listening(stream, "items")
      yield* hears("items", stream.append(1, ["b"]))
      yield* hears("a loss", stream.store.abandon(stream.run, ["p"]))
      yield* hears("the end", stream.append(2, [], { end: "ended", total: 2 }))
    })
  )

  it.effect("S5: a producer hears of readers, their positions, their loss and who leaves", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      yield* stream.append(0, ["a", "b"])
      const hears = yield* listening(stream, "readers")
      yield* hears("a reader", stream.read("r", 0))
      yield* hears("a position", stream.read("r", 2))
      yield* hears("a loss", stream.store.abandon(stream.run, ["w-r"]))
      yield* hears("who leaves", stream.leave("r"))
    })
  )

  it.effect("S5: nobody hears of other streams, of what is for others, nor after the scope", () =>
    Effect.gen(function* () {
      const stream = yield* open()
      const heard: Array<string> = []
      const listen = (id: InstanceId, news: StreamNews, name: string) =>
        stream.store.subscribe(stream.run, id, news, () => void heard.push(name))
      yield* Effect.scoped(listen(stream.id, "items", "left"))
      yield* listen("17[0]", "items", "other")
      yield* listen(stream.id, "readers", "producer")
      yield* listen(stream.id, "items", "reader")
      yield* stream.append(0, ["a"])
      yield* until(() => heard.includes("reader"))
      assert.deepStrictEqual(heard, ["reader"])
    })
  )

  const counts: Body = () =>
    Effect.gen(function* () {
      const stream = yield* open()
      const { store } = stream
      const before = yield* store.usage
      yield* stream.append(0, ["a", "b"])
      yield* stream.read("r", 0)
      assert.strictEqual((yield* store.usage) - before, 4)
      yield* stream.read("r", 1)
      assert.strictEqual((yield* store.usage) - before, 3)
      yield* stream.append(2, [], { end: "ended", total: 2, readers: 1 })
      yield* stream.leave("r")
      assert.strictEqual((yield* store.usage) - before, 0)
      yield* stream.append(0, ["a", "b"])
      yield* new TestStream(store, stream.run, 18).append(0, ["a"])
      yield* store.removeRun(stream.run)
      yield* store.removeRun(stream.run)
      assert.strictEqual((yield* store.usage) - before, 0)
    })
  const claim = "usage counts streams, items and readers; nothing is left of what has ended or was removed"
  if (usage === true) it.effect(claim, counts)
  else it.effect.skip(`${claim} (skipped: ${usage.skipped})`, counts)
}
