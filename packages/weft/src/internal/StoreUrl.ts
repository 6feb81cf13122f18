/**
 * Stores from what an option or a flag says: `redis://host:6379/0`, and `s3://bucket/prefix?region=…` for large values.
 * Adapters are loaded when they are asked for.
 */
import { Stores } from "@weft/storage"
import * as Data from "effect/Data"

/** A store that cannot be made of what was given. */
export class InvalidStore extends Data.TaggedError("InvalidStore")<{
  /** What was given, without secrets. */
  readonly given: string
  /** What is wrong with it, and what to do about it. */
  readonly problem: string
}> {
  override get message() {
    return `the store "${this.given}" cannot be used: ${this.problem}`
  }
}

/** The stores of this process's memory. */
export const inMemory: Stores.Stores = Stores.memory()

/**
 * The stores that URLs mean.
 *
 * @param objects where large values go; `undefined`: where all else goes
 * @throws {InvalidStore} if a URL is no URL of a store
 */
export const fromUrl = async (store: string, objects: string | undefined): Promise<Stores.Stores> => {
  if (store === "memory") {
    if (objects === undefined) return inMemory
    throw new InvalidStore({
      given: withoutSecrets(objects),
      problem: "objects go elsewhere only if runs do, too: name a store such as redis://localhost:6379"
    })
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(store)?.[1]
  if (scheme === undefined || !REDIS.test(scheme)) {
    throw new InvalidStore({
      given: withoutSecrets(store),
      problem: `${scheme === undefined ? "this is no URL" : `there is no adapter for ${scheme}://`}; ${SHAPE}`
    })
  }
  const options = objects === undefined ? undefined : s3Options(objects)
  const { redis } = await import("@weft/storage-redis")
  const stores = redis(store)
  if (options === undefined) return stores
  const { withS3 } = await import("@weft/storage-s3")
  return withS3(stores, options)
}

const REDIS = /^(redis|valkey)s?(\+cluster)?$/
const SHAPE =
  "write redis://localhost:6379, redis://user:password@host:6379/0, rediss://… with TLS, " +
  'redis+cluster://host-a,host-b for a cluster, or "memory"'

const PARAMETERS: ReadonlySet<string> = new Set(["region", "endpoint"])

const s3Options = (given: string) => {
  const invalid = (problem: string) => new InvalidStore({ given: withoutSecrets(given), problem })
  const url = URL.parse(given)
  if (url?.protocol !== "s3:") throw invalid("objects go to S3: write s3://bucket/prefix?region=eu-central-1")
  const { hostname, password, pathname, searchParams, username } = url
  if (username !== "" || password !== "")
    throw invalid(
      "credentials are not taken from it: they are found where other AWS tools find them, as in AWS_ACCESS_KEY_ID and " +
        "AWS_SECRET_ACCESS_KEY"
    )
  if (hostname === "") throw invalid("it names no bucket: write s3://bucket/prefix")
  const unknown = [...searchParams.keys()].find((name) => !PARAMETERS.has(name))
  if (unknown !== undefined)
    throw invalid(`it has no parameter "${unknown}"; there are ${[...PARAMETERS].join(" and ")}`)
  const region = searchParams.get("region")
  const endpoint = searchParams.get("endpoint")
  const prefix = decodeURIComponent(pathname).replace(/^\/+|\/+$/g, "")
  return {
    bucket: hostname,
    ...(prefix === "" ? {} : { prefix }),
    ...(region === null ? {} : { region }),
    ...(endpoint === null ? {} : { endpoint })
  }
}

/** A URL as it may be shown. */
export const withoutSecrets = (given: string): string => given.replace(/\/\/.*@/s, "//")
