// What the store on S3 asks of S3, and what it leaves there.
import { assert, beforeEach, describe, it } from "@effect/vitest"
import { ObjectStore } from "@weft/storage"
import type { S3Options } from "@weft/storage-s3"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { afterEach } from "vitest"
import { layerOf, PART_BYTES, type S3Proxy, s3Error, startS3Proxy } from "./S3Proxy.ts"

let proxy: S3Proxy
beforeEach(async () => {
  proxy = await startS3Proxy()
})
afterEach(() => proxy[Symbol.asyncDispose]())

/** Uses a store on the server of this test. */
const using = <A, E>(
  use: (store: ObjectStore["Service"]) => Effect.Effect<A, E>,
  more: Partial<S3Options> = {}
) => ObjectStore.use(use).pipe(Effect.provide(layerOf(proxy, more)))

const patterned = (length: number) => new Uint8Array(length).map((_, i) => (i * 31) % 251)
const same = (found: Uint8Array | undefined, expected: Uint8Array) =>
  assert.strictEqual(found && Buffer.compare(found, expected), 0)

const LARGE = patterned(3 * PART_BYTES + 1_000)
/** What was asked, in short. */
const asked = () =>
  proxy.asked.map(({ headers: { range }, key, method, query }) =>
    [method, key, query.get("partNumber") ?? range].filter(Boolean).join(" ")
  )

describe("put", () => {
  it.live("one request for a small object, and one to get it", () =>
    Effect.gen(function* () {
      yield* using((store) => store.put("r", "value/1", patterned(1_000)))
      same((yield* using((store) => store.get("r", ["value/1"])))[0], patterned(1_000))
      assert.deepStrictEqual(asked(), ["PUT weft/r/value/1", "GET weft/r/value/1 bytes=0-8388607"])
    })
  )

  it.live("puts a large object in parts", () =>
    Effect.gen(function* () {
      yield* using((store) => store.put("r", "a", LARGE))
      const [first, ...others] = asked()
      assert.strictEqual(first, "POST weft/r/a")
      assert.deepStrictEqual(
        others.slice(0, -1).sort(),
        [1, 2, 3, 4].map((part) => `PUT weft/r/a ${part}`)
      )
      assert.strictEqual(others.at(-1), "POST weft/r/a")
      assert.strictEqual(proxy.uploads.size, 0)
    })
  )

  it.live(
    "takes one request for an object of `partBytes`, and for one of `rangeBytes`; more for a byte more",
    () =>
      Effect.gen(function* () {
        const requests = (length: number) =>
          Effect.gen(function* () {
            proxy.asked.length = 0
            const bytes = LARGE.subarray(0, length)
            const [found] = yield* using(
              (store) => Effect.andThen(store.put("r", "a", bytes), store.get("r", ["a"])),
              { rangeBytes: PART_BYTES }
            )
            same(found, bytes)
            return proxy.asked.length
          })
        assert.strictEqual(yield* requests(PART_BYTES), 1 + 1)
        assert.strictEqual(yield* requests(PART_BYTES + 1), 4 + 2)
        assert.strictEqual(yield* requests(0), 1 + 2)
      })
  )

  it.live("takes views of shared memory, whole and in parts", () =>
    Effect.gen(function* () {
      const shared = new Uint8Array(new SharedArrayBuffer(LARGE.length + 10), 10)
      shared.set(LARGE)
      const found = yield* using((store) =>
        store
          .put("r", "parts", shared)
          .pipe(
            Effect.andThen(store.put("r", "whole", shared.subarray(5, 500))),
            Effect.andThen(store.get("r", ["parts", "whole"]))
          )
      )
      same(found[0], LARGE)
      same(found[1], LARGE.subarray(5, 500))
    })
  )

  it.live("leaves no parts when it is interrupted", () =>
    Effect.gen(function* () {
      const uploading = yield* Deferred.make<void>()
      proxy.act = ({ query }) => {
        if (query.get("partNumber") !== "2") return undefined
        Deferred.doneUnsafe(uploading, Effect.void)
        return "hang"
      }
      yield* using((store) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(store.put("r", "a", LARGE))
          yield* Deferred.await(uploading)
          assert.strictEqual(proxy.uploads.size, 1)
          yield* Fiber.interrupt(fiber)
          assert.strictEqual(proxy.uploads.size, 0)
          proxy.act = () => undefined
          assert.deepStrictEqual(yield* store.get("r", ["a"]), [undefined])
        })
      )
    })
  )

  it.live("leaves no parts when one is refused", () =>
    Effect.gen(function* () {
      proxy.act = ({ query }) => (query.get("partNumber") === "3" ? s3Error(403, "AccessDenied") : undefined)
      const error = yield* Effect.flip(using((store) => store.put("r", "a", LARGE)))
      assert.strictEqual(error.reason, "refused")
      assert.strictEqual(proxy.uploads.size, 0)
    })
  )

  it.live("fails, and leaves no parts, when S3 fails while it has answered 200 already", () =>
    Effect.gen(function* () {
      proxy.act = ({ method, query }) => {
        const failure = s3Error(200, "InternalError")
        return method === "POST" && query.has("uploadId") ? failure : undefined
      }
      const error = yield* Effect.flip(using((store) => store.put("r", "a", LARGE)))
      assert.strictEqual(error.reason, "unavailable")
      assert.strictEqual(proxy.uploads.size, 0)
    })
  )

  it.live("refuses what is larger than `maxBytes`", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        using((store) => store.put("r", "a", patterned(1_001)), { maxBytes: 1_000 })
      )
      assert.strictEqual(error.reason, "full")
      assert.include(error.detail, "`maxBytes`")
      assert.deepStrictEqual(proxy.asked, [])
    })
  )
})

describe("get", () => {
  const rangeBytes = 2 ** 20
  const object = patterned(3.5 * rangeBytes)

  it.live("gets a large object in ranges, all of the version that it began with", () =>
    Effect.gen(function* () {
      yield* using((store) => store.put("r", "a", object))
      proxy.asked.length = 0
      same((yield* using((store) => store.get("r", ["a"]), { rangeBytes }))[0], object)
      const [first, ...others] = proxy.asked
      assert.isUndefined(first?.headers["if-match"])
      assert.lengthOf(others, 3)
      assert.isTrue(others.every(({ headers }) => headers["if-match"]?.startsWith('"')))
      assert.deepStrictEqual(proxy.asked.map(({ headers }) => headers.range).sort(), [
        "bytes=0-1048575",
        "bytes=1048576-2097151",
        "bytes=2097152-3145727",
        "bytes=3145728-3670015"
      ])
    })
  )

  it.live("does not wait for itself with a single request at a time", () =>
    Effect.gen(function* () {
      const found = yield* using(
        (store) =>
          Effect.andThen(
            Effect.all([store.put("r", "a", object), store.put("r", "b", LARGE)], { concurrency: 2 }),
            store.get("r", ["a", "b"])
          ),
        { rangeBytes, concurrency: 1 }
      )
      same(found[0], object)
      same(found[1], LARGE)
    })
  )

  it.live("begins again when the object is put anew meanwhile", () =>
    Effect.gen(function* () {
      const newer = patterned(2.5 * rangeBytes).reverse()
      yield* using((store) => store.put("r", "a", object))
      let isReplaced = false
      proxy.act = async ({ headers, method }) => {
        if (method === "GET" && headers["if-match"] !== undefined && !isReplaced) {
          isReplaced = true
          await Effect.runPromise(using((store) => store.put("r", "a", newer)))
        }
        return undefined
      }
      same((yield* using((store) => store.get("r", ["a"]), { rangeBytes, concurrency: 1 }))[0], newer)
    })
  )

  it.live("gives up when the object is put anew all the time", () =>
    Effect.gen(function* () {
      yield* using((store) => store.put("r", "a", object))
      proxy.act = ({ headers }) =>
        headers["if-match"] === undefined ? undefined : s3Error(412, "PreconditionFailed")
      const error = yield* Effect.flip(using((store) => store.get("r", ["a"]), { rangeBytes }))
      assert.strictEqual(error.reason, "unavailable")
      assert.include(error.detail, "again and again")
    })
  )

  it.live("is undefined when the object is removed meanwhile", () =>
    Effect.gen(function* () {
      yield* using((store) => store.put("r", "a", object))
      let isRemoved = false
      proxy.act = async ({ headers }) => {
        if (headers["if-match"] !== undefined && !isRemoved) {
          isRemoved = true
          await Effect.runPromise(using((store) => store.remove("r", ["a"])))
        }
        return undefined
      }
      assert.deepStrictEqual(yield* using((store) => store.get("r", ["a"]), { rangeBytes, concurrency: 1 }), [
        undefined
      ])
    })
  )

  it.live("goes on with the same range when an answer breaks off", () =>
    Effect.gen(function* () {
      yield* using((store) => store.put("r", "a", object))
      const broken = new Set<string>()
      proxy.act = ({ headers: { range = "" } }) => {
        if (broken.has(range)) return undefined
        broken.add(range)
        return { cutAt: 100_000 }
      }
      same((yield* using((store) => store.get("r", ["a"]), { rangeBytes }))[0], object)
      assert.strictEqual(broken.size, 4)
    })
  )

  it.live("fails when answers break off all the time", () =>
    Effect.gen(function* () {
      yield* using((store) => store.put("r", "a", object))
      proxy.act = ({ method }) => (method === "GET" ? { cutAt: 100_000 } : undefined)
      const error = yield* Effect.flip(using((store) => store.get("r", ["a"])))
      assert.strictEqual(error.reason, "unavailable")
      assert.include(error.detail, "broke off")
    })
  )

  it.live.each([undefined, "bytes=1048576-2097151"])("sees that bytes have changed (%s)", (changed) =>
    Effect.gen(function* () {
      yield* using((store) => store.put("r", "a", object))
      proxy.act = ({ headers: { range }, method }) => {
        if (method !== "GET" || (changed !== undefined && range !== changed)) return undefined
        return { change: (body) => body.fill(0, 500, 501) }
      }
      const error = yield* Effect.flip(using((store) => store.get("r", ["a"]), { rangeBytes }))
      assert.strictEqual(error.reason, "corrupt")
      assert.include(error.detail, "weft/r/a")
    })
  )

  it.live("sees that an object is not one that it put", () =>
    Effect.gen(function* () {
      yield* Effect.promise(() =>
        fetch(`${proxy.options.endpoint}/${proxy.options.bucket}/weft/r/a`, {
          method: "PUT",
          body: "not ours"
        })
      )
      const error = yield* Effect.flip(using((store) => store.get("r", ["a"])))
      assert.strictEqual(error.reason, "corrupt")
    })
  )

  it.live("refuses what is larger than `maxBytes`", () =>
    Effect.gen(function* () {
      yield* using((store) => store.put("r", "a", object))
      const error = yield* Effect.flip(
        using((store) => store.get("r", ["a"]), { maxBytes: 1_000, rangeBytes })
      )
      assert.strictEqual(error.reason, "full")
      assert.include(error.detail, "`maxBytes`")
    })
  )

  it.live("ends its requests when it is interrupted", () =>
    Effect.gen(function* () {
      yield* using((store) => store.put("r", "a", object))
      const asking = yield* Deferred.make<Promise<void>>()
      proxy.act = ({ closed, headers }) => {
        if (headers["if-match"] === undefined) return undefined
        Deferred.doneUnsafe(asking, Effect.succeed(closed()))
        return "hang"
      }
      yield* using(
        (store) =>
          Effect.gen(function* () {
            const fiber = yield* Effect.forkChild(store.get("r", ["a"]))
            const closed = yield* Deferred.await(asking)
            yield* Fiber.interrupt(fiber)
            yield* Effect.promise(() => closed)
          }),
        { rangeBytes }
      )
    })
  )
})

describe("remove", () => {
  it.live("removes 1,000 keys by a request", () =>
    Effect.gen(function* () {
      const keys = Array.from({ length: 2_001 }, (_, i) => `value/${i}`)
      yield* using((store) =>
        Effect.andThen(store.put("r", "value/2000", patterned(1)), store.remove("r", keys))
      )
      assert.deepStrictEqual(asked(), ["PUT weft/r/value/2000", "POST", "POST", "POST"])
      assert.strictEqual(yield* using((store) => store.usage), 0)
    })
  )

  it.live("says so when some could not be removed", () =>
    Effect.gen(function* () {
      const denied = (code: string) => () => ({
        status: 200,
        body: `<DeleteResult><Error><Key>weft/r/b</Key><Code>${code}</Code><Message>no</Message></Error></DeleteResult>`
      })
      const remove = Effect.flip(using((store) => store.remove("r", ["a", "b"])))
      proxy.act = denied("AccessDenied")
      const first = yield* remove
      assert.deepStrictEqual([first.reason, first.detail.includes("s3:DeleteObject")], ["refused", true])
      proxy.act = denied("InternalError")
      assert.strictEqual((yield* remove).reason, "unavailable")
    })
  )
})

describe("removeRun", () => {
  it.live("removes more objects than one answer lists", () =>
    Effect.gen(function* () {
      const keys = Array.from({ length: 1_050 }, (_, i) => `value/${i}`)
      yield* using((store) =>
        Effect.gen(function* () {
          yield* Effect.forEach(keys, (key) => store.put("r", key, patterned(3)), {
            concurrency: 16,
            discard: true
          })
          yield* store.put("other", "a", patterned(3))
          assert.strictEqual(yield* store.usage, 1_051)
          yield* store.removeRun("r")
          assert.strictEqual(yield* store.usage, 1)
        })
      )
    })
  )

  it.live("ends uploads that nobody completed", () =>
    Effect.gen(function* () {
      // Whoever uploads dies: it does not even abort.
      proxy.act = ({ method, query }) =>
        query.has("uploadId") && (method === "DELETE" || query.get("partNumber") === "2")
          ? s3Error(403, "AccessDenied")
          : undefined
      for (const run of ["r", "r", "r0"]) {
        const put = yield* Effect.result(using((store) => store.put(run, "a", LARGE)))
        assert.isTrue(Result.isFailure(put))
      }
      proxy.act = () => undefined
      assert.strictEqual(proxy.uploads.size, 3)
      yield* using((store) => store.removeRun("r"))
      assert.deepStrictEqual([...proxy.uploads.values()], ["weft/r0/a"])
    })
  )

  it.live("is content when an upload has ended by itself meanwhile", () =>
    Effect.gen(function* () {
      proxy.uploads.set("ended", "weft/r/a")
      yield* using((store) => store.removeRun("r"))
      assert.include(asked(), "DELETE weft/r/a")
    })
  )
})
