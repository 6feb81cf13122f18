/**
 * Objects on Redis or Valkey: hashes for each run, in its hash slot, so that one command removes all of a run.
 *
 * - `weft:{run}:objects`: key → bytes, of small objects
 * - `weft:{run}:large`: key → where its parts are, of large ones
 * - `weft:{run}:parts`: part → bytes
 *
 * Large objects are written and read in parts, a few at a time: a server does one thing after the other, and so does a
 * connection, and leases have to be renewed meanwhile. Of 256 MiB in one piece everybody waits 0.2–0.4 s, in parts
 * 20 ms; parts also take half the time. A large object is there when all its parts are. Each put has parts of its own:
 * of two that put the same key at the same time, one is kept, not something of both.
 *
 * Expired with the last put, if nobody removes the run. While a run goes on its coordination renews this.
 */
import { randomUUID } from "node:crypto"
import { ObjectStore, StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Scan from "./internal/Scan.ts"
import { RedisClient } from "./Redis.ts"

/** What is larger is put in parts, in bytes. */
const WHOLE_BYTES = 4 * 2 ** 20
const PART_BYTES = 2 * 2 ** 20
/** How many parts of all objects may be under way at once. */
const PARTS_UNDER_WAY = 4

const Large = Schema.Struct({
  version: Schema.Literal(1),
  /** Part i of it has the name `id/i`. */
  id: Schema.String,
  bytes: Schema.Int.pipe(Schema.check(Schema.isGreaterThan(WHOLE_BYTES)))
})
type Large = typeof Large.Type
const LargeJson = Schema.fromJsonString(Large)
const encodeLarge = Schema.encodeSync(LargeJson)
const decodeLarge = Schema.decodeUnknownOption(LargeJson)

/** Where parts begin in an object. */
const offsets = (bytes: number): ReadonlyArray<number> =>
  Array.from({ length: Math.ceil(bytes / PART_BYTES) }, (_, i) => i * PART_BYTES)

const parts = ({ bytes, id }: Large): ReadonlyArray<string> => offsets(bytes).map((_, i) => `${id}/${i}`)

/** The names of the keys that a run's objects have. */
export const objectKeys = (prefix: string, run: string) => {
  const base = `${prefix}:{${run}}`
  return { objects: `${base}:objects`, large: `${base}:large`, parts: `${base}:parts` }
}

/** Objects on the connection that `RedisClient` has. */
export const layer: Layer.Layer<ObjectStore, never, RedisClient> = Layer.effect(
  ObjectStore,
  Effect.gen(function* () {
    const { ask, commands, masters, options, prefix } = yield* RedisClient
    const underWay = yield* Semaphore.make(PARTS_UNDER_WAY)
    const keysOf = (run: string) => objectKeys(prefix, run)
    const expiring = options.abandonedMs

    /** Commands of the same moment share a write, and are answered in order. */
    const together = <A extends ReadonlyArray<unknown>>(
      operation: string,
      send: () => { [I in keyof A]: Promise<A[I]> }
    ) => ask(operation, () => Promise.all(send()) as Promise<A>)

    const forget = (run: string, large: ReadonlyArray<Large>) =>
      Effect.forEach(
        large,
        (one) => ask("remove an object", () => commands.hdel(keysOf(run).parts, ...parts(one))),
        {
          discard: true
        }
      )

    const located = (
      run: string,
      key: string,
      json: string | null
    ): Effect.Effect<Large | undefined, StoreError> => {
      if (json === null) return Effect.undefined
      const found = decodeLarge(json)
      if (found._tag === "Some") return Effect.succeed(found.value)
      return Effect.fail(
        new StoreError({
          reason: "corrupt",
          operation: "get an object",
          detail:
            `what ${keysOf(run).large} says of ${key} cannot be read. It was written by another version of weft, or ` +
            "another program: remove the run, or choose another `prefix`"
        })
      )
    }

    const putLarge = (run: string, key: string, bytes: Buffer) => {
      const keys = keysOf(run)
      const large: Large = { version: 1, id: randomUUID(), bytes: bytes.length }
      const names = parts(large)
      return Effect.forEach(
        offsets(bytes.length),
        (offset, i) =>
          underWay.withPermit(
            together("put an object", () => [
              commands.hset(keys.parts, names[i]!, bytes.subarray(offset, offset + PART_BYTES)),
              commands.pexpire(keys.parts, expiring)
            ])
          ),
        { concurrency: PARTS_UNDER_WAY, discard: true }
      ).pipe(
        Effect.andThen(
          ask("put an object", async () => {
            const answers = await commands
              .multi()
              .hget(keys.large, key)
              .hset(keys.large, key, encodeLarge(large))
              .hdel(keys.objects, key)
              .pexpire(keys.large, expiring)
              .exec()
            for (const [error] of answers ?? []) if (error !== null) throw error
            return answers?.[0]?.[1] as string | null
          })
        ),
        Effect.onError(() => Effect.ignore(forget(run, [large]))),
        // What was there before: if it cannot be read, it goes with the run.
        Effect.flatMap((before) =>
          Effect.ignore(Effect.flatMap(located(run, key, before), (one) => forget(run, one ? [one] : [])))
        )
      )
    }

    const getParts = (run: string, large: Large) => {
      const names = parts(large)
      const bytes = Buffer.allocUnsafe(large.bytes)
      return Effect.map(
        Effect.forEach(
          offsets(large.bytes),
          (offset, i) =>
            underWay.withPermit(
              Effect.map(
                ask("get an object", () => commands.hgetBuffer(keysOf(run).parts, names[i]!)),
                (part) => (part === null ? 0 : part.copy(bytes, offset))
              )
            ),
          { concurrency: PARTS_UNDER_WAY }
        ),
        (copied) => (copied.reduce((sum, n) => sum + n, 0) === large.bytes ? bytes : undefined)
      )
    }

    /** Whether another has put it anew meanwhile shows in where it is. */
    const getLarge = (
      run: string,
      key: string,
      json: string | null,
      before?: Large
    ): Effect.Effect<Uint8Array | undefined, StoreError> =>
      Effect.gen(function* () {
        const large = yield* located(run, key, json)
        if (large === undefined || large.id === before?.id) return undefined
        const bytes = yield* getParts(run, large)
        if (bytes !== undefined) return bytes
        const now = yield* ask("get an object", () => commands.hget(keysOf(run).large, key))
        return yield* getLarge(run, key, now, large)
      })

    const tooLarge = (run: string, key: string, bytes: number) =>
      new StoreError({
        reason: "full",
        operation: "put an object",
        detail:
          `${key} of run ${run} has ${bytes} bytes, more than Redis is to hold at most (${options.maxObjectBytes}). Keep ` +
          "large values in S3, or raise `maxObjectBytes`"
      })

    return ObjectStore.of({
      put: (run, key, bytes) => {
        if (bytes.length > options.maxObjectBytes) return Effect.fail(tooLarge(run, key, bytes.length))
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
        if (bytes.length > WHOLE_BYTES) return putLarge(run, key, buffer)
        const { objects } = keysOf(run)
        // A large one that was under the same key is not looked for: this one is found first.
        return Effect.asVoid(
          together("put an object", () => [
            commands.hset(objects, key, buffer),
            commands.pexpire(objects, expiring)
          ])
        )
      },

      get: (run, keys) =>
        Effect.gen(function* () {
          if (keys.length === 0) return []
          const { large, objects } = keysOf(run)
          const [small, places] = yield* together<
            [ReadonlyArray<Buffer | null>, ReadonlyArray<string | null>]
          >("get objects", () => [commands.hmgetBuffer(objects, ...keys), commands.hmget(large, ...keys)])
          const found: Array<Uint8Array | undefined> = small.map((bytes) => bytes ?? undefined)
          const missing = keys.flatMap((key, i) => (found[i] === undefined && places[i] ? [{ key, i }] : []))
          yield* Effect.forEach(
            missing,
            ({ i, key }) =>
              Effect.map(getLarge(run, key, places[i] ?? null), (bytes) => {
                found[i] = bytes
              }),
            { concurrency: PARTS_UNDER_WAY, discard: true }
          )
          return found
        }),

      remove: (run, keys) =>
        Effect.gen(function* () {
          if (keys.length === 0) return
          const { large, objects } = keysOf(run)
          const [, places] = yield* together<[number, ReadonlyArray<string | null>]>("remove objects", () => [
            commands.hdel(objects, ...keys),
            commands.hmget(large, ...keys)
          ])
          const gone = keys.filter((_, i) => typeof places[i] === "string")
          if (gone.length === 0) return
          yield* ask("remove objects", () => commands.hdel(large, ...gone))
          const known = places.flatMap((json) => {
            const place = decodeLarge(json)
            return place._tag === "Some" ? [place.value] : []
          })
          yield* forget(run, known)
        }),

      removeRun: (run) =>
        Effect.asVoid(ask("remove a run's objects", () => commands.unlink(...Object.values(keysOf(run))))),

      usage: Effect.map(
        ask("count objects", () => {
          const patterns = objectKeys(Scan.literally(prefix), "*")
          return Promise.all(
            masters().flatMap((node) =>
              [patterns.objects, patterns.large].map((pattern) =>
                Scan.sum(node, pattern, (key) => node.hlen(key))
              )
            )
          )
        }),
        (counts) => counts.reduce((sum, count) => sum + count, 0)
      )
    })
  })
)
