/**
 * Who in this process listens on which channel. All share one connection, which is made when the first listens.
 *
 * While that connection is broken, messages are lost. When it is back each listener is woken: who is woken looks at
 * the state.
 */
import type { Message, StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Redis } from "ioredis"
import { toMessage } from "./Messages.ts"
import type { RedisClient } from "./Redis.ts"

type Listener = (message: Message) => void

export class Channels {
  private readonly listeners = new Map<string, Set<{ readonly listener: Listener }>>()
  private readonly client: RedisClient["Service"]
  private readonly failed: (error: unknown) => void
  private listening: ReturnType<RedisClient["Service"]["subscriber"]> | undefined

  private constructor(client: RedisClient["Service"], failed: (error: unknown) => void) {
    this.client = client
    this.failed = failed
  }

  static readonly make = (client: RedisClient["Service"]): Effect.Effect<Channels> =>
    Effect.map(
      Effect.context<never>(),
      (context) =>
        new Channels(client, (error) => {
          Effect.runForkWith(context)(Effect.logError("a listener failed on a message of a run", error))
        })
    )

  /** Calls the listener with each message until the scope closes. */
  subscribe(channel: string, listener: Listener): Effect.Effect<void, StoreError, Scope.Scope> {
    const entry = { listener }
    return Effect.asVoid(
      Effect.acquireRelease(
        this.client.ask("subscribe", () => this.add(channel, entry)),
        () => Effect.ignore(Effect.tryPromise(() => this.remove(channel, entry)))
      )
    )
  }

  private async add(channel: string, entry: { readonly listener: Listener }): Promise<void> {
    const connection = await this.connection()
    const known = this.listeners.get(channel)
    if (known === undefined) this.listeners.set(channel, new Set([entry]))
    else known.add(entry)
    try {
      // Also if another has: its call may not have been answered yet.
      await connection.subscribe(channel)
    } catch (error) {
      // Whoever tries again would hear everything twice.
      this.forget(channel, entry)
      throw error
    }
  }

  private async remove(channel: string, entry: { readonly listener: Listener }): Promise<void> {
    if (!this.forget(channel, entry)) return
    const connection = await this.connection()
    await connection.unsubscribe(channel)
  }

  /** Whether nobody listens there any more. */
  private forget(channel: string, entry: { readonly listener: Listener }): boolean {
    const known = this.listeners.get(channel)
    known?.delete(entry)
    return known?.size === 0 && this.listeners.delete(channel)
  }

  private connection() {
    this.listening ??= this.client.subscriber().then(
      (connection) => {
        connection.on("message", (channel: string, text: string) => this.receive(channel, toMessage(text)))
        connection.on("ready", () => void this.resume(connection))
        return connection
      },
      (error) => {
        this.listening = undefined
        throw error
      }
    )
    return this.listening
  }

  /** Listens again, then wakes everybody: not before, or what is said in between would be lost. */
  private async resume(connection: Redis): Promise<void> {
    const channels = [...this.listeners.keys()]
    if (channels.length === 0) return
    // If the connection breaks meanwhile, it comes back once more.
    await connection.subscribe(...channels).catch(() => {})
    for (const channel of channels) this.receive(channel, { type: "wake" })
  }

  private receive(channel: string, message: Message | undefined) {
    if (message === undefined) return
    for (const { listener } of this.listeners.get(channel) ?? []) {
      try {
        listener(message)
      } catch (error) {
        this.failed(error)
      }
    }
  }
}
