/**
 * The stores of a simulated run: in memory, and calls of them take as long as is predicted. They count what is asked of them.
 */
import type { Predictions } from "@weft/core"
import type { Coordination, ObjectStore, Reply, StoreError } from "@weft/storage"
import {
  coordinationVia,
  memoryStores,
  objectsVia,
  type Process,
  type Via,
  type World
} from "@weft/worker/virtual"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Asking, Site } from "../Predicted.ts"

export class Stores {
  /** Those behind: their operations take no time. */
  readonly real: ReturnType<typeof memoryStores>
  /** Calls of either; objects; and bytes that go through either. */
  readonly counts = { roundTrips: 0, objectReads: 0, objectWrites: 0, bytesRead: 0, bytesWritten: 0 }
  private readonly world: World
  private readonly ask: Asking
  private readonly inlineBytes: number
  private readonly objectBytes = new Map<string, number>()

  constructor(client: Process, ask: Asking, inlineBytes: number) {
    this.real = memoryStores(client)
    this.world = client.world
    this.ask = ask
    this.inlineBytes = inlineBytes
  }

  /** @param start what the caller began in */
  coordinationOf(process: Process, start: Predictions.Start): Coordination["Service"] {
    const { coordination } = this.real
    const callMs = () => this.ask.callMs(start)
    const via: Via =
      (operation, act) =>
      (...args) =>
        this.call(process, callMs(), () => {
          this.counts.roundTrips++
          const answer = Effect.runSync(act(...args))
          this.count(operation, args, answer)
          return answer
        })
    return {
      inlineBytes: this.inlineBytes,
      ...coordinationVia(coordination, via),
      publish: (run, channel, message) =>
        Effect.sync(() => {
          this.world.after(callMs() / 2, () => Effect.runSync(coordination.publish(run, channel, message)))
        }),
      subscribe: (run, channel, listener) =>
        Effect.acquireRelease(
          this.call(process, callMs(), () => {
            this.counts.roundTrips++
            const scope = Scope.makeUnsafe()
            const hear: typeof listener = (message) =>
              void process.after(callMs() / 2, () => listener(message))
            Effect.runSync(Scope.provide(coordination.subscribe(run, channel, hear), scope))
            return scope
          }),
          (scope) => Effect.sync(() => Effect.runSync(Scope.close(scope, Exit.void)))
        ).pipe(Effect.asVoid)
    }
  }

  /** Bytes that go through the store. */
  private count(operation: string, args: ReadonlyArray<unknown>, answer: unknown) {
    const bytesOf = (value: unknown) => (value instanceof Uint8Array ? value.length : 0)
    if (operation === "read") {
      for (const value of answer as ReadonlyArray<unknown>) this.counts.bytesRead += bytesOf(value)
    } else if (operation === "complete" || operation === "keep") {
      const told = args[2] as ReadonlyArray<{
        readonly value?: unknown
        readonly keep?: ReadonlyArray<{ readonly value: unknown }>
      }>
      for (const { keep, value } of told) {
        this.counts.bytesWritten += bytesOf(value)
        for (const one of keep ?? []) this.counts.bytesWritten += bytesOf(one.value)
      }
      for (const { inputs } of (answer as Reply).ready)
        for (const [, bytes] of inputs) this.counts.bytesRead += bytes.length
    }
  }

  /** The first transfer in a new environment is cold, and the others warm. */
  objectsOf(process: Process, { memory, start }: Site): ObjectStore["Service"] {
    const { objects } = this.real
    let next = start
    const transferMs = (direction: "read" | "write", bytes: number) => {
      const ms = this.ask.transferMs(direction, bytes, { memory, start: next })
      next = "warm"
      return ms
    }
    const via: Via =
      (_, act) =>
      (...args) =>
        this.call(process, 0, () => Effect.runSync(act(...args)))
    return {
      ...objectsVia(objects, via),
      put: (run, key, bytes) => {
        this.counts.roundTrips++
        this.counts.objectWrites++
        this.counts.bytesWritten += bytes.length
        this.objectBytes.set(key, bytes.length)
        return this.call(process, transferMs("write", bytes.length), () =>
          Effect.runSync(objects.put(run, key, bytes))
        )
      },
      get: (run, keys) => {
        const bytes = keys.reduce((sum, key) => sum + (this.objectBytes.get(key) ?? 0), 0)
        this.counts.roundTrips++
        this.counts.objectReads += keys.length
        this.counts.bytesRead += bytes
        return this.call(process, transferMs("read", bytes), () => Effect.runSync(objects.get(run, keys)))
      }
    }
  }

  /** What is called takes effect half-way. */
  private call<A>(process: Process, ms: number, act: () => A): Effect.Effect<A, StoreError> {
    return Effect.callback<A, StoreError>((resume) => {
      this.world.after(ms / 2, () => {
        const answer = act()
        process.after(ms / 2, () => resume(Effect.succeed(answer)))
      })
    })
  }
}
