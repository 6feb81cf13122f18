/**
 * What becomes of invocations on their way to the processes. All of them, those by workers too, go through the engine's
 * pool in the client's process: that is where they are doubled and lost.
 */
import { Pool } from "../../../packages/worker/src/engines/pool/Pool.ts"
import type { Random } from "./random.ts"

type Invocations = Parameters<Pool<unknown>["invoke"]>[0]

export type Delivery = (invocations: Invocations) => Invocations

export const twice: Delivery = (invocations) => invocations.flatMap((one) => [one, one])

/** Loses a share of them. */
export const losing =
  (next: Random, share: number): Delivery =>
  (invocations) =>
    invocations.filter(() => next() >= share)

/** Delivers all invocations of this process in this way, until what it answers is called. */
export const use = (delivery: Delivery): (() => void) => {
  const invoke = Pool.prototype.invoke
  Pool.prototype.invoke = function (this: Pool<unknown>, invocations) {
    invoke.call(this, delivery(invocations))
  }
  return () => {
    Pool.prototype.invoke = invoke
  }
}
