/**
 * Removing objects that nobody needs any more, while the worker goes on: nobody waits for that but the worker's end.
 *
 * What is told during one call goes with the next. If it fails, the objects stay until the run is removed.
 */
import type { ObjectStore } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

export class Discards {
  private readonly run: string
  private readonly objects: ObjectStore["Service"]
  private keys: Array<string> = []
  private fiber: Fiber.Fiber<void> | undefined
  /** Whether all are removed, or cannot be. */
  isDone = true

  constructor(run: string, objects: ObjectStore["Service"]) {
    this.run = run
    this.objects = objects
  }

  /** Has objects removed, from now on. */
  add(keys: ReadonlyArray<string>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.keys.push(...keys)
      if (!this.isDone) return Effect.void
      this.isDone = false
      return Effect.map(Effect.forkDetach(this.removing), (fiber) => {
        this.fiber = fiber
      })
    })
  }

  /** Waits until they are. Who stops waiting ends it. */
  get done(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { fiber } = this
      return fiber === undefined
        ? Effect.void
        : Effect.onInterrupt(Effect.asVoid(Fiber.await(fiber)), () => Fiber.interrupt(fiber))
    })
  }

  private get removing(): Effect.Effect<void> {
    return Effect.whileLoop({
      while: () => {
        this.isDone = this.keys.length === 0
        return !this.isDone
      },
      body: () => {
        const keys = this.keys
        this.keys = []
        return Effect.catch(this.objects.remove(this.run, keys), (error) =>
          Effect.logWarning(`${keys.length} values that nobody needs are left for now: ${error.message}`)
        )
      },
      step: () => {}
    })
  }
}
