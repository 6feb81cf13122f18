/** The connection to Redis or Valkey that the stores of this package share. */
import type { StoreError } from "@weft/storage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { Cluster, Redis } from "ioredis"
import { toStoreError } from "./Errors.ts"
import { connectAnyNode, connectCluster, connectNode } from "./internal/Connection.ts"
import { type RedisOptions, type Settings, settings, target } from "./Options.ts"

export { toStoreError } from "./Errors.ts"
export type { RedisOptions } from "./Options.ts"

/** A server, or a cluster, and how to talk to it. */
export class RedisClient extends Context.Service<
  RedisClient,
  {
    /** As people are told, without secrets. */
    readonly name: string
    /** For commands. Those under way when its connection breaks fail at once; it reconnects by itself. */
    readonly commands: Redis | Cluster
    /** The servers that hold keys: all of a cluster's, as far as it is known now. */
    readonly masters: () => ReadonlyArray<Redis>
    /**
     * For channels: a connection of its own, made when this is first called. It comes back by itself, is `ready` again,
     * and has forgotten its channels. In a cluster every node hears every message.
     */
    readonly subscriber: () => Promise<Redis>
    /** What keys begin with, e.g. `weft`. */
    readonly prefix: string
    /** With defaults. */
    readonly options: Settings
    /** Asks for something, and says what is wrong if it fails. `operation` is what a person would call it. */
    readonly ask: <A>(operation: string, command: () => Promise<A>) => Effect.Effect<A, StoreError>
  }
>()("@weft/storage-redis/RedisClient") {
  /** Connects, and fails with what is wrong: nobody there, wrong password, too old, read-only. */
  static readonly layer = (options: RedisOptions | string): Layer.Layer<RedisClient, StoreError> =>
    Layer.effect(RedisClient, connect(options))
}

const connect = (
  given: RedisOptions | string
): Effect.Effect<RedisClient["Service"], StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const options = yield* settings(given)
    const server = yield* target(options)
    const cluster = server.cluster ? yield* connectCluster(options, server) : undefined
    const commands = cluster ?? (yield* connectNode(options, server))
    const scope = yield* Effect.scope
    const connectSubscriber =
      cluster === undefined ? connectNode(options, server) : connectAnyNode(cluster, options, server)
    let subscriber: Promise<Redis> | undefined
    return RedisClient.of({
      name: server.name,
      commands,
      masters: () => (cluster === undefined ? [commands as Redis] : cluster.nodes("master")),
      subscriber: () => {
        if (subscriber === undefined) {
          subscriber = Effect.runPromise(Scope.provide(connectSubscriber, scope))
          // The next one tries again.
          subscriber.catch(() => (subscriber = undefined))
        }
        return subscriber
      },
      prefix: options.prefix,
      options,
      ask: (operation, command) =>
        Effect.tryPromise({ try: command, catch: (error) => toStoreError(operation, error, server.name) })
    })
  })
