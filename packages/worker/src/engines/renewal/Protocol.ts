/** What a thread that renews leases is told, and tells. */
import type { StoresReference } from "@weft/storage"

/** A run whose leases are renewed. */
export interface RenewedRun {
  readonly run: string
  readonly leaseMs: number
  readonly stores: StoresReference
}

/** What the thread is started with. */
export interface RenewalSettings {
  /** The process that this one was started by, if it is to go on without it, and may need to be ended then. */
  readonly parent: number | undefined
  /** A `BigInt64Array` of one element: when a task must have ended, in ms since the epoch; 0 for never. */
  readonly deadline: SharedArrayBuffer
}

export type ToRenewal =
  | { readonly type: "open"; readonly opening: RenewedRun }
  | { readonly type: "hold" | "release"; readonly run: string; readonly worker: string }
  | { readonly type: "close"; readonly run: string }

/** The store says that the run is over. */
export interface FromRenewal {
  readonly type: "over"
  readonly run: string
}
