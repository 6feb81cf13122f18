/** Channels that this process listens to, over a connection of their own that is made when it is first needed. */
import type { StoreError } from "@weft/storage"
import { Effect, Scope, Semaphore } from "effect"
import type { Redis } from "ioredis"
import { toStoreError } from "../Errors.ts"

/** What somebody does with a channel. Must not throw. */
export interface Listener {
  readonly message: (message: Buffer) => void
  /** Messages may have been missed: the connection was away. */
  readonly missed: () => void
}

/** Calls the listener until the scope closes. */
export type Subscribe = (channel: string, listener: Listener) => Effect.Effect<void, StoreError, Scope.Scope>

/** @param connect makes the connection, which ends with the scope */
export const make = (
  connect: Effect.Effect<Redis, StoreError, Scope.Scope>,
  server: string
): Effect.Effect<Subscribe, never, Scope.Scope> =>
  Effect.gen(function* () {
    const channels = new Map<string, Set<Listener>>()

    /** After it was away: listen again, and say so. If it breaks meanwhile, it comes back once more. */
    const resume = async (client: Redis) => {
      if (channels.size === 0) return
      const listening = [...channels.values()]
      await client.subscribe(...channels.keys()).catch(() => {})
      for (const listeners of listening) for (const { missed } of listeners) missed()
    }

    const connection = yield* once(
      Effect.tap(connect, (client) =>
        Effect.sync(() => {
          client.on("messageBuffer", (channel: Buffer, message: Buffer) => {
            for (const listener of channels.get(channel.toString()) ?? []) listener.message(message)
          })
          client.on("ready", () => void resume(client))
        })
      )
    )

    const ask = (command: "subscribe" | "unsubscribe", channel: string) =>
      Effect.flatMap(connection, (client) =>
        Effect.tryPromise({
          try: () => client[command](channel),
          catch: (error) => toStoreError("subscribe", error, server)
        })
      )

    const leave = (channel: string, listener: Listener) =>
      Effect.suspend(() => {
        const listeners = channels.get(channel)
        listeners?.delete(listener)
        if (listeners?.size !== 0) return Effect.void
        channels.delete(channel)
        // Without a connection there is nothing to tell; the next one will not ask for it.
        return Effect.ignore(ask("unsubscribe", channel))
      })

    return (channel, listener) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.suspend(() => {
            const listeners = channels.get(channel) ?? new Set()
            channels.set(channel, listeners.add(listener))
            // Also for those who come second: when this returns, the server has heard of it.
            return Effect.onError(ask("subscribe", channel), () => leave(channel, listener))
          }),
          () => leave(channel, listener)
        )
      )
  })

/** Makes it when it is first asked for, in the scope that is there now; what failed is tried again the next time. */
const once = <A, E>(
  make: Effect.Effect<A, E, Scope.Scope>
): Effect.Effect<Effect.Effect<A, E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const permits = yield* Semaphore.make(1)
    let made: A | undefined
    const attempt = Effect.suspend(() =>
      made !== undefined
        ? Effect.succeed(made)
        : Effect.tap(Scope.provide(make, scope), (value) => Effect.sync(() => (made = value)))
    )
    return Effect.suspend(() => (made !== undefined ? Effect.succeed(made) : permits.withPermit(attempt)))
  })
