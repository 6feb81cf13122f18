/** How long instances execute, in ms, and which share of a core they use meanwhile. */
import { coreShare } from "../Environment.ts"
import type { Model } from "../Model.ts"

export class Durations {
  private readonly model: Model
  /** What was asked for last: mostly it is asked for again. */
  private memory = Number.NaN
  private known: Float64Array = new Float64Array(0)

  constructor(model: Model) {
    this.model = model
  }

  wholeMs(memory: number, node: number): number {
    if (memory !== this.memory) {
      this.memory = memory
      this.known = this.model.executionMs(memory)
    }
    return this.known[node]!
  }

  /** How much of that is computing; it comes last. */
  computingMs(memory: number, node: number): number {
    return this.model.computingMs(memory)[node]!
  }

  share(memory: number): number {
    return coreShare(this.model.environment, memory)
  }
}
