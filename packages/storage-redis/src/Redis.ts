/** The connection to Redis or Valkey that the stores of this package share. */
import type { StoreError } from "@weft/storage"
import { Context, Effect, Layer, type Scope } from "effect"
import type { Cluster, Redis } from "ioredis"
import { toStoreError } from "./Errors.ts"
import { connectCluster, connectNode, reconnectDelayMs } from "./internal/Connection.ts"
import * as Subscriptions from "./internal/Subscriptions.ts"
import { type RedisOptions, type Settings, settings, type Target, target } from "./Options.ts"

/** A server, or a cluster, and how to talk to it. */
export class RedisClient extends Context.Service<
  RedisClient,
  {
    /** As people are told, without secrets. */
    readonly name: string
    /** For commands. Those under way when its connection breaks fail at once; it reconnects by itself. */
    readonly client: Redis | Cluster
    readonly settings: Settings
    /** What keys begin with, e.g. `weft`. */
    readonly prefix: string
    /** Asks Redis for something, and says what is wrong if it fails. `operation` is what a person would call it. */
    readonly ask: <A>(
      operation: string,
      command: (client: Redis | Cluster) => Promise<A>
    ) => Effect.Effect<A, StoreError>
    /** Listens to a channel, over a connection of its own that the first call makes. */
    readonly subscribe: Subscriptions.Subscribe
  }
>()("@weft/storage-redis/RedisClient") {
  /** Connects, and fails with what is wrong: nobody there, wrong password, too old, read-only. */
  static readonly layer = (options: RedisOptions | string): Layer.Layer<RedisClient, StoreError> =>
    Layer.effect(RedisClient, connect(options))
}

const connect = (
  options: RedisOptions | string
): Effect.Effect<RedisClient["Service"], StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const known = yield* settings(options)
    const aim = yield* target(known)
    const cluster = aim.cluster ? yield* connectCluster(known, aim) : undefined
    const client = cluster ?? (yield* connectNode(known, aim))
    return RedisClient.of({
      name: aim.name,
      client,
      settings: known,
      prefix: known.prefix,
      ask: (operation, command) =>
        Effect.tryPromise({
          try: () => command(client),
          catch: (error) => toStoreError(operation, error, aim.name)
        }),
      subscribe: yield* Subscriptions.make(
        cluster === undefined ? connectNode(known, aim) : connectAnyNode(cluster, known, aim),
        aim.name
      )
    })
  })

/** Every node of a cluster hears every message: takes one, and another one if it goes away. */
const connectAnyNode = (
  cluster: Cluster,
  known: Settings,
  aim: Target
): Effect.Effect<Redis, StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const nodes = () =>
      cluster.nodes("master").map(({ options: { host = "", port = 0 } }) => ({ host, port }))
    const any = () => nodes().at(Math.random() * nodes().length)
    const client = yield* connectNode(known, aim, any() ?? aim.nodes[0])
    client.options.retryStrategy = (attempt) => {
      Object.assign(client.options, any())
      return reconnectDelayMs(attempt)
    }
    return client
  })
