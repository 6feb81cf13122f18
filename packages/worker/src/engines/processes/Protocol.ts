/** What a process of the engine is told, and tells, beside what all vessels do. */
import type { StoresReference } from "@weft/storage"
import type { VesselSettings } from "../pool/Vessel.ts"

/** What a process is started with, as JSON in its first argument. */
export interface ProcessSettings extends VesselSettings {
  /** The parent's id. When the process looks itself, it may be gone already. */
  readonly parent: number
}

/** Comes before the first worker of a run. */
export interface Opening {
  readonly type: "open"
  readonly run: string
  readonly leaseMs: number
  readonly stores: StoresReference
}

export const isOpening = (message: unknown): message is Opening => {
  if (typeof message !== "object" || message === null) return false
  const { leaseMs, run, stores, type } = message as { readonly [K in keyof Opening]: unknown }
  return (
    type === "open" &&
    typeof run === "string" &&
    typeof leaseMs === "number" &&
    typeof stores === "object" &&
    stores !== null &&
    "module" in stores &&
    typeof stores.module === "string"
  )
}

/** Something that nobody caught is about to end the process. */
export interface Crashed {
  readonly type: "crashed"
  readonly error: string
}

export const isCrashed = (message: unknown): message is Crashed =>
  typeof message === "object" &&
  message !== null &&
  (message as Crashed).type === "crashed" &&
  typeof (message as Crashed).error === "string"
