/** What people say about the Redis to use: plain data, checked once. */
import { RETENTION, StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { CONNECTING } from "./Errors.ts"

const Milliseconds = Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0)))

const Tls = Schema.Struct({
  /** Certificates to trust, as PEM. Default: those that Node.js trusts. */
  ca: Schema.optional(Schema.String),
  /** The client's own certificate and key, as PEM. */
  cert: Schema.optional(Schema.String),
  key: Schema.optional(Schema.String),
  /** The name that the server's certificate must have. Default: the host. */
  servername: Schema.optional(Schema.String),
  /** Whether to refuse a server whose certificate is not trusted. Default true. */
  rejectUnauthorized: Schema.optional(Schema.Boolean)
})

const withDefault = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefault(Effect.succeed(value)))

/** Options with their defaults. */
export const Settings = Schema.Struct({
  /**
   * `redis://user:password@host:port/database`, with TLS `rediss://`. A cluster: `redis+cluster://` or
   * `rediss+cluster://` and one or more of its nodes, as `redis+cluster://a:6379,b:6379`. For Valkey the same.
   */
  url: Schema.String,
  /** Instead of those in the URL. */
  username: Schema.optional(Schema.String),
  password: Schema.optional(Schema.String),
  /** More about TLS, for `rediss://`. */
  tls: Schema.optional(Tls),
  /** What all keys begin with. Default `weft`. */
  prefix: withDefault(Schema.String.pipe(Schema.check(Schema.isPattern(/^[^{}\s]+$/))), "weft"),
  /** How long connecting may take, in ms. Default 5,000. */
  connectTimeoutMs: withDefault(Milliseconds, 5_000),
  /** After how long without any answer a connection is given up, in ms. Default 15,000. */
  replyTimeoutMs: withDefault(Milliseconds, 15_000),
  /** How long a run is kept that nobody speaks about, and what its workers have measured, in ms. Default a day. */
  abandonedMs: withDefault(Milliseconds, 86_400_000),
  /** How long a result is kept that nobody fetches, in ms. Default a day. */
  resultMs: withDefault(Milliseconds, 86_400_000),
  /** Values of up to so many bytes may be kept beside the state of their run. Default: see `CoordinationRedis`. */
  inlineBytes: Schema.optional(Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))),
  /** The largest value that is kept, in bytes. Default 512 MiB. */
  maxObjectBytes: withDefault(Schema.Int.pipe(Schema.check(Schema.isGreaterThan(0))), 2 ** 29),
  /** Of how many runs of each workflow, the newest, the history knows. Default 1,000. */
  historyRuns: withDefault(Schema.Int.pipe(Schema.check(Schema.isGreaterThan(0))), RETENTION.runs),
  /** Of how many of these it has the details. Default 100. */
  historyDetails: withDefault(
    Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0))),
    RETENTION.details
  )
})
export type Settings = typeof Settings.Type

/** Where and how to reach Redis. Only `url` has to be given. */
export type RedisOptions = typeof Settings.Encoded

/** A node's address. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** What a URL says. */
export interface Target {
  readonly cluster: boolean
  readonly tls: boolean
  /** At least one; exactly one if it is no cluster. */
  readonly nodes: readonly [Address, ...ReadonlyArray<Address>]
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  /** As people are told, without secrets. */
  readonly name: string
}

const refused = (detail: string, cause?: unknown) =>
  new StoreError({ reason: "refused", operation: CONNECTING, detail, cause })

const decode = Schema.decodeUnknownEffect(Settings, { onExcessProperty: "error" })

/** Checks options that come from anywhere; a text is a URL. */
export const settings = (options: unknown): Effect.Effect<Settings, StoreError> =>
  decode(typeof options === "string" ? { url: options } : options).pipe(
    // The cause would show the options, and in them secrets.
    Effect.mapError((error) => refused(`its options are not right: ${error.message}`))
  )

const DEFAULT_PORT = 6379
const SHAPE =
  /^(?<scheme>redis|valkey)(?<tls>s?)(?<cluster>\+cluster)?:\/\/(?:(?<user>[^@]*)@)?(?<hosts>[^/?#]*)\/?(?<database>\d*)$/

/** Reads the URL. Never shows it in an error: it may have a password. */
export const target = ({ password, url, username }: Settings): Effect.Effect<Target, StoreError> =>
  Effect.try({
    try: (): Target => {
      const { cluster, database, hosts, scheme, tls, user } = SHAPE.exec(url)?.groups ?? {}
      if (hosts === undefined || (cluster && Number(database) > 0)) throw new Error("not a Redis URL")
      const nodes = hosts.split(",").map((host) => addressOf(host))
      const [first] = nodes
      if (first === undefined || (!cluster && nodes.length > 1)) throw new Error("too many hosts")
      const inUrl = new URL(`redis://${user === undefined ? "" : `${user}@`}host`)
      const shown = nodes.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`)
      return {
        cluster: cluster !== undefined,
        tls: tls !== "",
        nodes: [first, ...nodes.slice(1)],
        username: username ?? (decodeURIComponent(inUrl.username) || undefined),
        password: password ?? (decodeURIComponent(inUrl.password) || undefined),
        database: Number(database),
        name: `${scheme}${tls}${cluster ?? ""}://${shown.join(",")}${database ? `/${database}` : ""}`
      }
    },
    catch: () =>
      refused(
        "its URL cannot be read. It looks like redis://user:password@host:6379/0, with TLS rediss://…, a cluster " +
          "redis+cluster://host-a:6379,host-b:6379. Special characters in user and password are written as %XX, or " +
          "give them as options `username` and `password`"
      )
  })

const addressOf = (text: string): Address => {
  // The scheme is one whose default port is ours to say.
  const { hostname, port } = new URL(`redis://${text}`)
  if (hostname === "") throw new Error("no host")
  return { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? DEFAULT_PORT : Number(port) }
}
