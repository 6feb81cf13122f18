// What is said when the bucket, the rights, the network or the options are wrong: what happened, and what to do.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { ObjectStore, type StoreError } from "@weft/storage"
import { ObjectStoreS3, type S3Options } from "@weft/storage-s3"
import * as Effect from "effect/Effect"
import { afterAll, afterEach, beforeAll, vi } from "vitest"
import { type Action, layerOf, PART_BYTES, type S3Proxy, s3Error, startS3Proxy } from "./S3Proxy.ts"

let proxy: S3Proxy
beforeAll(async () => {
  proxy = await startS3Proxy()
})
afterEach(() => {
  proxy.act = () => undefined
  proxy.asked.length = 0
  vi.unstubAllEnvs()
})
afterAll(() => proxy[Symbol.asyncDispose]())

type Store = ObjectStore["Service"]

const operations: Readonly<Record<string, (store: Store) => Effect.Effect<unknown, StoreError>>> = {
  put: (store) => store.put("r", "a", new Uint8Array(10)),
  "put of a large object": (store) => store.put("r", "a", new Uint8Array(2 * PART_BYTES)),
  get: (store) => store.get("r", ["a"]),
  remove: (store) => store.remove("r", ["a"]),
  removeRun: (store) => store.removeRun("r"),
  usage: (store) => store.usage
}

/** The error of an operation on a store. */
const failing = (operation: string, more: Partial<S3Options> = {}) =>
  ObjectStore.use(operations[operation]!).pipe(Effect.provide(layerOf(proxy, more)), Effect.flip)

/** Asserts what an error says. */
const says = (error: StoreError, reason: StoreError["reason"], ...words: ReadonlyArray<string>) => {
  assert.strictEqual(error._tag, "StoreError")
  assert.strictEqual(error.reason, reason, error.message)
  for (const word of words) assert.include(error.message, word)
}

const rights: ReadonlyArray<readonly [operation: string, rights: ReadonlyArray<string>]> = [
  ["put", ["s3:PutObject"]],
  ["put of a large object", ["s3:PutObject", "s3:AbortMultipartUpload"]],
  ["get", ["s3:GetObject", "s3:ListBucket"]],
  ["remove", ["s3:DeleteObject"]],
  [
    "removeRun",
    ["s3:ListBucket", "s3:DeleteObject", "s3:ListBucketMultipartUploads", "s3:AbortMultipartUpload"]
  ],
  ["usage", ["s3:ListBucket"]]
]

describe("each operation", () => {
  it.live.each(Object.keys(operations))("%s: a bucket that is not there", (operation) =>
    Effect.gen(function* () {
      says(yield* failing(operation, { bucket: "nowhere" }), "refused", "no bucket s3://nowhere", "Create it")
    })
  )

  it.live.each(rights)("%s: denied, and which rights it needs", ([operation, needed]) =>
    Effect.gen(function* () {
      proxy.act = () => s3Error(403, "AccessDenied", "User: u is not authorized")
      says(
        yield* failing(operation),
        "refused",
        "denied",
        "User: u is not authorized",
        "weft-test/weft/*",
        ...needed
      )
    })
  )

  it.live.each(Object.keys(operations))("%s: busy, after it was tried again", (operation) =>
    Effect.gen(function* () {
      proxy.act = () => s3Error(503, "SlowDown", "Please reduce your request rate.")
      says(yield* failing(operation), "unavailable", "busy", "2 attempts", "SlowDown")
      const { key, method } = proxy.asked[0]!
      assert.isAtLeast(proxy.asked.filter((one) => one.method === method && one.key === key).length, 2)
    })
  )
})

interface Case {
  readonly name: string
  readonly action: Action
  readonly reason: StoreError["reason"]
  readonly words: ReadonlyArray<string>
  /** Default `put`. */
  readonly operation?: string
}

const cases: ReadonlyArray<Case> = [
  {
    name: "another region, named by a header",
    action: s3Error(301, "PermanentRedirect", "use the specified endpoint", {
      "x-amz-bucket-region": "eu-central-1"
    }),
    reason: "refused",
    words: ["another region", "AWS_REGION: eu-central-1"]
  },
  {
    name: "another region, named by the message",
    action: s3Error(
      400,
      "AuthorizationHeaderMalformed",
      "the region 'us-east-1' is wrong; expecting 'eu-west-1'"
    ),
    reason: "refused",
    words: ["another region", "AWS_REGION: eu-west-1"]
  },
  {
    name: "another region, not named",
    action: s3Error(301, "PermanentRedirect"),
    reason: "refused",
    words: ["another region", "`region`"]
  },
  {
    name: "unknown credentials",
    action: s3Error(403, "InvalidAccessKeyId"),
    reason: "refused",
    words: ["does not accept these credentials"]
  },
  {
    name: "credentials that have expired",
    action: s3Error(400, "ExpiredToken"),
    reason: "refused",
    words: ["have expired"]
  },
  {
    name: "trouble",
    action: s3Error(500, "InternalError", "We encountered an internal error."),
    reason: "unavailable",
    words: ["InternalError", "2 attempts"]
  },
  {
    name: "a disk that is full",
    action: s3Error(507, "XMinioStorageFull"),
    reason: "full",
    words: ["no room"]
  },
  {
    name: "an object that is too large for the server",
    action: s3Error(400, "EntityTooLarge"),
    reason: "full",
    words: ["no room for it", "EntityTooLarge"]
  },
  {
    name: "bytes that changed on the way",
    action: s3Error(400, "BadDigest"),
    reason: "unavailable",
    words: ["changed on their way"]
  },
  {
    name: "an upload that somebody aborted",
    operation: "put of a large object",
    action: s3Error(404, "NoSuchUpload"),
    reason: "unavailable",
    words: ["aborted by someone else"]
  },
  {
    name: "something that nobody thought of",
    action: s3Error(400, "InvalidStorageClass", "what is that"),
    reason: "refused",
    words: ["answered 400", "InvalidStorageClass", "what is that"]
  },
  ...Object.keys(operations)
    .filter((operation) => operation !== "get")
    .map((operation) => ({
      name: `a web site, ${operation}`,
      operation,
      action: { status: 200, headers: { "content-type": "text/html" }, body: "<html><p>hello</html>" },
      reason: "refused" as const,
      words: ["does not speak as S3 does", "127.0.0.1"]
    }))
]

describe("S3 answers", () => {
  it.live.each(cases)("$name", ({ action, operation = "put", reason, words }) =>
    Effect.gen(function* () {
      proxy.act = () => action
      says(yield* failing(operation), reason, ...words)
    })
  )

  it.live("once that it is busy: tried again, nobody notices", () =>
    Effect.gen(function* () {
      proxy.act = () => (proxy.asked.length === 1 ? s3Error(503, "SlowDown") : undefined)
      const found = yield* ObjectStore.use((store) =>
        Effect.andThen(operations.put!(store), store.get("r", ["a"]))
      ).pipe(Effect.provide(layerOf(proxy)))
      assert.strictEqual(found[0]?.length, 10)
    })
  )
})

/** As on a machine that nobody has set up for AWS. */
const withoutSettings = () => {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) vi.stubEnv(name, undefined)
  vi.stubEnv("AWS_CONFIG_FILE", "/nowhere/config")
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials")
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true")
}

describe("nobody answers", () => {
  it.live("no credentials", () =>
    Effect.gen(function* () {
      withoutSettings()
      const error = yield* failing("put", { credentials: undefined })
      says(error, "refused", "no credentials", "AWS_ACCESS_KEY_ID", "role", "`credentials`")
      assert.deepStrictEqual(proxy.asked, [])
    })
  )

  it.live("no region", () =>
    Effect.gen(function* () {
      withoutSettings()
      says(
        yield* failing("put", { region: undefined, endpoint: undefined }),
        "refused",
        "AWS_REGION",
        "`region`"
      )
    })
  )

  it.live("nothing listens", () =>
    Effect.gen(function* () {
      const server = createServer()
      yield* Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)))
      const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      yield* Effect.promise(() => new Promise((resolve) => server.close(resolve)))
      says(yield* failing("get", { endpoint }), "unavailable", `nothing listens at ${endpoint}`)
    })
  )

  it.live("an endpoint that is no URL", () =>
    Effect.gen(function* () {
      says(yield* failing("get", { endpoint: "not a URL" }), "refused", '"not a URL" is no URL')
    })
  )

  it.live("no TLS", () =>
    Effect.gen(function* () {
      const endpoint = proxy.options.endpoint!.replace("http:", "https:")
      says(yield* failing("get", { endpoint }), "refused", "begins with http://")
    })
  )

  it.live("the connection breaks", () =>
    Effect.gen(function* () {
      proxy.act = () => "reset"
      says(yield* failing("put"), "unavailable", "broke")
    })
  )
})

const wrong: ReadonlyArray<readonly [name: string, options: unknown, word: string]> = [
  ["no bucket", {}, '["bucket"]'],
  ["small parts", { bucket: "b", partBytes: 100 }, '["partBytes"]'],
  ["a prefix with a slash at its end", { bucket: "b", prefix: "a/" }, '["prefix"]'],
  ["an option that does not exist", { bucket: "b", buckets: "hush" }, '["buckets"]'],
  [
    "half of the credentials",
    { bucket: "b", credentials: { secretAccessKey: "hush" } },
    '["credentials"]["accessKeyId"]'
  ]
]

describe("options", () => {
  it.live.each(wrong)("%s", ([, options, word]) =>
    Effect.gen(function* () {
      const built = ObjectStore.use((store) => store.usage).pipe(
        Effect.provide(ObjectStoreS3.layer(options as S3Options))
      )
      const error = yield* Effect.flip(built)
      says(error, "refused", "options", word)
      assert.notInclude(JSON.stringify([error, error.message, error.cause]), "hush")
    })
  )
})
