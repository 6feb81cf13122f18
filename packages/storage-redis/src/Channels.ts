/**
 * Who in this process listens on which channel. All share one connection, which is made when the first listens.
 *
 * While that connection is broken, messages are lost. When it is back each listener is woken: who is woken looks at
 * the state.
 */
import type { Message, StoreError } from "@weft/storage"
import { Effect, type Scope } from "effect"
import type { RedisClient } from "./Redis.ts"
import { toMessage } from "./Wire.ts"

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
    // Also if another has: its call may not have been answered yet.
    await connection.subscribe(channel)
  }

  private async remove(channel: string, entry: { readonly listener: Listener }): Promise<void> {
    const known = this.listeners.get(channel)
    known?.delete(entry)
    if (known?.size !== 0) return
    this.listeners.delete(channel)
    const connection = await this.connection()
    await connection.unsubscribe(channel)
  }

  private connection() {
    this.listening ??= this.client.subscriber().then((connection) => {
      connection.on("message", (channel: string, text: string) => this.receive(channel, toMessage(text)))
      connection.on("ready", () => {
        for (const channel of this.listeners.keys()) this.receive(channel, { type: "wake" })
      })
      return connection
    })
    return this.listening
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
