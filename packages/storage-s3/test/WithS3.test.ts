// Other stores with their large objects on S3, here and in processes that are told of them.
import { assert, describe, it } from "@effect/vitest"
import { Coordination, History, ObjectStore, Stores } from "@weft/storage"
import { redis } from "@weft/storage-redis"
import { ObjectStoreS3, withS3 } from "@weft/storage-s3"
import { type RedisServer, startRedis } from "@weft/testing"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll } from "vitest"
import { stores as memoryStores } from "./memoryStores.ts"
import { BUCKET, type S3Proxy, startS3Proxy } from "./S3Proxy.ts"

let proxy: S3Proxy
let server: RedisServer
beforeAll(async () => {
  ;[proxy, server] = await Promise.all([startS3Proxy(), startRedis()])
})
afterAll(() => Promise.all([proxy[Symbol.asyncDispose](), server.stop()]))

const LARGE = new Uint8Array(2_001).fill(7)
const SMALL = new Uint8Array(2_000).fill(8)

describe("withS3", () => {
  it.live("keeps small objects in the given stores and large ones on S3; both go with the run", () =>
    Effect.gen(function* () {
      const stores = withS3(redis(server.url), { ...proxy.options, thresholdBytes: 2_000 })
      assert.strictEqual(stores.name, `${redis(server.url).name} + s3://${BUCKET}/weft`)
      const inRedis = ObjectStore.use((store) => store.get("r1", ["large", "small"])).pipe(
        Effect.provide(redis(server.url).layer)
      )
      const onS3 = ObjectStore.use((store) => store.get("r1", ["large", "small"])).pipe(
        Effect.provide(ObjectStoreS3.layer(proxy.options))
      )
      const bytes = (found: ReadonlyArray<Uint8Array | undefined>) => found.map((one) => one?.length)
      yield* Effect.gen(function* () {
        const store = yield* ObjectStore
        yield* store.put("r1", "large", LARGE)
        yield* store.put("r1", "small", SMALL)
        assert.deepStrictEqual(bytes(yield* store.get("r1", ["small", "large"])), [2_000, 2_001])
        assert.deepStrictEqual(bytes(yield* inRedis), [undefined, 2_000])
        assert.deepStrictEqual(bytes(yield* onS3), [2_001, undefined])
        yield* store.removeRun("r1")
        assert.strictEqual(yield* store.usage, 0)
      }).pipe(Effect.provide(stores.layer))
    })
  )

  it.live("a process elsewhere finds what it refers to", () =>
    Effect.gen(function* () {
      const here = withS3(redis(server.url), { ...proxy.options, thresholdBytes: 2_000 })
      yield* ObjectStore.use((store) => store.put("r2", "large", LARGE)).pipe(Effect.provide(here.layer))
      const reference = JSON.parse(JSON.stringify(here.reference))
      const elsewhere = yield* Stores.load(reference)
      assert.strictEqual(elsewhere.name, here.name)
      assert.deepStrictEqual(JSON.parse(JSON.stringify(elsewhere.reference)), reference)
      const found = yield* Effect.gen(function* () {
        yield* History
        const store = yield* ObjectStore
        const [found] = yield* store.get("r2", ["large"])
        yield* store.removeRun("r2")
        assert.strictEqual(yield* store.usage, 0)
        return found
      }).pipe(Effect.provide(elsewhere.layer))
      assert.strictEqual(found?.length, LARGE.length)
    })
  )

  it.live("coordination keeps no values inline that are large", () =>
    Effect.gen(function* () {
      const inlineBytes = (stores: Stores.Stores) =>
        Coordination.use(({ inlineBytes }) => Effect.succeed(inlineBytes)).pipe(Effect.provide(stores.layer))
      const own = yield* inlineBytes(Stores.memory())
      const { options } = proxy
      assert.strictEqual(
        yield* inlineBytes(withS3(Stores.memory(), { ...options, thresholdBytes: 2_000 })),
        2_000
      )
      assert.strictEqual(yield* inlineBytes(withS3(Stores.memory(), options)), own)
    })
  )

  it.live("costs S3 nothing while no object is large", () =>
    Effect.gen(function* () {
      proxy.asked.length = 0
      yield* Effect.gen(function* () {
        const store = yield* ObjectStore
        yield* store.put("r3", "a", SMALL)
        yield* store.get("r3", ["a", "gone"])
        yield* store.remove("r3", ["a"])
        yield* store.removeRun("r3")
      }).pipe(Effect.provide(withS3(redis(server.url), proxy.options).layer))
      assert.deepStrictEqual(proxy.asked, [])
    })
  )

  it("cannot be referred to if the given stores cannot", () => {
    assert.isUndefined(withS3(Stores.memory(), proxy.options).reference)
  })

  it.live.each([
    ["no reference", 17, "no reference that withS3"],
    ["stores that are not there", { module: "file:///nowhere.js", options: {} }, "file:///nowhere.js"]
  ] as const)("says what is wrong with a reference: %s", ([, wrong, words]) =>
    Effect.gen(function* () {
      const { reference } = withS3(memoryStores({ who: "nobody" }), proxy.options)
      const spoilt = typeof wrong === "number" ? { options: wrong } : { base: wrong }
      const error = yield* Stores.load({ ...reference!, ...spoilt }).pipe(
        Effect.flatMap(({ layer }) => Effect.provide(Effect.void, layer)),
        Effect.flip
      )
      assert.strictEqual(error.reason, "refused")
      assert.include(error.message, words)
    })
  )
})
