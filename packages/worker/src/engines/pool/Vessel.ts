/** Vessels: what workers of a pool run in, a thread or a process. */
import type { Invoker } from "../../Engine.ts"
import type { FromVessel, ToVessel } from "./Protocol.ts"

/**
 * One vessel, as the pool has it.
 *
 * @typeParam To what it may be told beside what all vessels are told
 */
export interface Vessel<To = never> {
  readonly send: (message: ToVessel | To) => void
  /** Ends it, whatever it is doing. */
  readonly end: () => void
}

/** What becomes of a vessel. */
export interface VesselListener<From = never> {
  readonly receive: (message: FromVessel | From) => void
  /** It is gone; called once. `reason` completes "lost, because …". */
  readonly ended: (reason: string) => void
}

/** Starts a vessel. It takes messages at once, and answers when it can. */
export type Launch<To = never, From = never> = (listener: VesselListener<From>) => Vessel<To>

/** What workers in a vessel are invoked with: known from the beginning. */
export type VesselSettings = Omit<Invoker, "invoke" | "sizes" | "memoryMiB" | "prewarm">
