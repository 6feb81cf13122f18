/**
 * One connection, or one to each node of a cluster.
 *
 * It reconnects by itself. What was under way when it broke fails at once, and so does what is asked for before it is
 * back: whoever calls repeats, and knows for how long. So ioredis may neither queue nor resend.
 */
import { StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Cluster, Redis } from "ioredis"
import { CONNECTING, toStoreError } from "../Errors.ts"
import type { Address, Settings, Target } from "../Options.ts"

/** The oldest that has functions' flags in scripts, and `EXPIRE … GT`. */
const OLDEST_REDIS = 7
/** How long the goodbye may take, in ms. */
const CLOSED_WITHIN_MS = 500

/** 20 ms, 40 ms, … 2 s; and up to as much again, so that a thousand workers do not come back at once. */
const reconnectDelayMs = (attempt: number): number =>
  Math.min(2_000, 10 * 2 ** Math.min(attempt, 10)) * (1 + Math.random())

/** How ioredis connects to one node. */
const nodeOptions = (settings: Settings, target: Target) => ({
  ...(target.username !== undefined && { username: target.username }),
  ...(target.password !== undefined && { password: target.password }),
  ...(target.tls && { tls: withoutUndefined(settings.tls ?? {}) }),
  db: target.database,
  lazyConnect: true,
  disableClientInfo: true,
  connectTimeout: settings.connectTimeoutMs,
  socketTimeout: settings.replyTimeoutMs,
  disconnectTimeout: CLOSED_WITHIN_MS,
  // Commands fail when the connection breaks, and while there is none. (With `autoResendUnfulfilledCommands: false`
  // alone they would never settle.)
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  // Its check would wait while the server loads, and warn on the console if INFO is not allowed.
  enableReadyCheck: false,
  retryStrategy: reconnectDelayMs,
  // After a failover the old primary is a replica: connect anew to find the other one under the name.
  reconnectOnError: (error: Error) => error.message.startsWith("READONLY")
})

const withoutUndefined = (options: object): object =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))

/** Connects to one node, and makes sure that it is one for us. */
export const connectNode = (
  settings: Settings,
  target: Target,
  { host, port }: Address = target.nodes[0]
): Effect.Effect<Redis, StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    let lasting = false
    const client = yield* closing(
      () =>
        new Redis({
          ...nodeOptions(settings, target),
          host,
          port,
          retryStrategy: (attempt) => (lasting ? reconnectDelayMs(attempt) : null)
        })
    )
    yield* answering(settings, target, async () => {
      // `connect` itself only tells that the connection was closed.
      let cause: unknown
      const note = (error: unknown) => void (cause ??= error)
      client.on("error", note)
      await client.connect().catch((error) => Promise.reject(cause ?? error))
      client.off("error", note)
      await check(client, target)
    })
    lasting = true
    shareWrites(client)
    return client
  })

/** Connects to a cluster: asks one node after the other what is wrong, before ioredis hides it. */
export const connectCluster = (
  settings: Settings,
  target: Target
): Effect.Effect<Cluster, StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    yield* Effect.firstSuccessOf(
      target.nodes.map((node) => Effect.scoped(connectNode(settings, target, node)))
    )
    const { retryStrategy: _, ...redisOptions } = nodeOptions(settings, target)
    const client = yield* closing(
      () =>
        new Cluster([...target.nodes], {
          redisOptions,
          lazyConnect: true,
          enableOfflineQueue: false,
          clusterRetryStrategy: reconnectDelayMs,
          slotsRefreshTimeout: settings.connectTimeoutMs,
          // Certificates are for names: leave looking them up to the connection.
          ...(target.tls && { dnsLookup: (name, done) => done(null, name) })
        })
    )
    client.on("+node", shareWrites)
    yield* answering(settings, target, () => client.connect())
    return client
  })

/** Connects to one node of a cluster, and to another one when that goes away. */
export const connectAnyNode = (
  cluster: Cluster,
  settings: Settings,
  target: Target
): Effect.Effect<Redis, StoreError, Scope.Scope> => {
  const any = (): Address => {
    const known = cluster.nodes("master").map(({ options: { host, port } }) => ({ host: host!, port: port! }))
    return known.at(Math.random() * known.length) ?? target.nodes[0]
  }
  return Effect.map(connectNode(settings, target, any()), (client) => {
    client.options.retryStrategy = (attempt) => {
      Object.assign(client.options, any())
      return reconnectDelayMs(attempt)
    }
    return client
  })
}

/** A client that is closed with the scope. Nobody else has to listen to its errors: commands tell them too. */
const closing = <C extends Redis | Cluster>(make: () => C): Effect.Effect<C, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const client = make()
      client.on("error", () => {})
      return client
    }),
    (client) =>
      Effect.callback<void>((resume) => {
        const { status } = client
        if (status !== "end") client.disconnect()
        // While it waits for its next attempt there is nothing to end.
        if (status === "end" || status === "reconnecting") return resume(Effect.void)
        client.once("end", () => resume(Effect.void))
      }).pipe(Effect.timeoutOption(2 * CLOSED_WITHIN_MS), Effect.asVoid)
  )

/** What connecting needs, within its time. */
const answering = (
  { connectTimeoutMs }: Settings,
  { name, tls }: Target,
  work: () => Promise<void>
): Effect.Effect<void, StoreError> =>
  Effect.tryPromise({ try: work, catch: (error) => toStoreError(CONNECTING, error, name) }).pipe(
    Effect.timeoutOrElse({
      duration: connectTimeoutMs,
      orElse: () =>
        Effect.fail(
          failure(
            "unavailable",
            `${name} did not answer within ${connectTimeoutMs} ms. Look at host and port` +
              (tls ? "; if it does not speak TLS, connect with redis://" : "")
          )
        )
    })
  )

const failure = (reason: "unavailable" | "refused", detail: string) =>
  new StoreError({ reason, operation: CONNECTING, detail })

/** Whether it is a server that we can work with, by what it says of itself. */
const check = async (client: Redis, { cluster, database, name }: Target): Promise<void> => {
  const [about] = await Promise.all([
    client.call("HELLO") as Promise<ReadonlyArray<unknown>>,
    // Fails while the server loads, or without rights.
    client.ping(),
    // ioredis goes on with the first database if there is not this one.
    database > 0 && client.select(database)
  ])
  const said = (field: string) => String(about[about.indexOf(field) + 1])
  if (said("server") === "redis" && Number.parseInt(said("version"), 10) < OLDEST_REDIS) {
    throw failure(
      "refused",
      `${name} is Redis ${said("version")}. weft needs Redis ${OLDEST_REDIS} or later, or Valkey`
    )
  }
  if (cluster !== (said("mode") === "cluster")) {
    throw failure(
      "refused",
      cluster
        ? `${name} is not a cluster. Connect with redis:// in place of redis+cluster://`
        : `${name} is a node of a cluster. Connect with redis+cluster:// in place of redis://`
    )
  }
  // Another node of a cluster tells who the primaries are.
  if (!cluster && said("role") !== "master") {
    throw failure("refused", `${name} is a read-only replica. Connect to the primary`)
  }
}

/**
 * Sends what is asked for at the same moment with one write. Unlike ioredis's own pipelining it does not wait for the
 * answers to the commands before.
 */
const shareWrites = (client: Redis): void => {
  const send = client.sendCommand
  let corked = false
  client.sendCommand = (command, stream) => {
    if (!corked && client.status === "ready") {
      corked = true
      const socket = client.stream
      socket.cork()
      process.nextTick(() => {
        corked = false
        socket.uncork()
      })
    }
    return send.call(client, command, stream)
  }
}
