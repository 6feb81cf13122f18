/** How memory and CPU of environments are limited on this machine. */
import type { Effect } from "effect"

export interface Limits {
  readonly type: "cgroup-v1" | "cgroup-v2" | "none"
  /** What is limited and how, and what is not, in a sentence for people. */
  readonly description: string
}

/** Finds out what this machine allows. */
export declare const detect: Effect.Effect<Limits>
