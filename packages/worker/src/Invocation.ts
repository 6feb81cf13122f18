/**
 * Invocations: what starts a worker, as plain data that an engine can carry.
 */
import type { InstanceId } from "@weft/core"
import type { Ready } from "@weft/storage"

/** An instance to run. */
export interface Work {
  readonly instance: InstanceId
  /** 1 at first; one more for each worker that was lost with it. */
  readonly attempt: number
}

/** An instance that workers have spent their whole time on, one after the other, and had to leave. */
export interface Limited {
  readonly instance: InstanceId
  /** How many. */
  readonly workers: number
}

/** A value that an invocation carries, and whether it lies in a store, too. */
export type Carried = readonly [instance: InstanceId, bytes: Uint8Array, stored: boolean]

/** One worker's beginning. */
export interface Invocation {
  readonly run: string
  /** The worker's id: the plan's if it is named, else made up by whoever invokes. */
  readonly worker: string
  /** Whether the plan gave the worker its id. A named worker finds its work in coordination. */
  readonly named: boolean
  /** For a flexible worker: what it runs. */
  readonly work: ReadonlyArray<Work>
  /** Whether somebody has made it the holder of its work already; else it does so itself before it begins. */
  readonly adopted?: true
  /** The worker that hands the work over, and holds it until then; absent if that is no worker that runs anything. */
  readonly from?: string | undefined
  /** Values that the work reads, so that they need not be fetched. */
  readonly values: ReadonlyArray<Carried>
  /**
   * Memory that the worker needs, in MiB: that of the node of its work that needs most; for a named worker its own. Absent
   * where workers have no sizes.
   */
  readonly memoryMiB?: number | undefined
  /** Of what the worker is to run: what others before it could not end in the time that a worker has. It goes first. */
  readonly limited?: Limited | undefined
  /** When it was sent, in ms since the epoch by the store's clock; absent if nobody said so. */
  readonly sentAt?: number | undefined
  /** Workers that this one invokes before anything else: wide fan-outs are invoked as a tree. */
  readonly spawn: ReadonlyArray<Invocation>
}

/** The work in what coordination handed over. */
export const workOf = ({ attempt, instance }: Ready): Work => ({ instance, attempt })

/** An invocation that has waited for so many ms until there was a place for its worker: that is no part of a start-up. */
export const sentLater = (invocation: Invocation, ms: number): Invocation =>
  invocation.sentAt === undefined ? invocation : { ...invocation, sentAt: invocation.sentAt + ms }
