/** How long instances execute, in ms, and which share of a core they use meanwhile. */
import { coreShare } from "../Environment.ts"
import type { Model } from "../Model.ts"
import { startOf } from "../Predicted.ts"
import type { Place } from "./Places.ts"

export class Durations {
  private readonly model: Model
  /** What was asked for last: mostly it is asked for again. */
  private memory = Number.NaN
  private isCold = false
  private known: Float64Array = new Float64Array(0)

  constructor(model: Model) {
    this.model = model
  }

  wholeMs(place: Place, node: number): number {
    const { isCold, memory } = place
    if (memory !== this.memory || isCold !== this.isCold) {
      this.memory = memory
      this.isCold = isCold
      this.known = this.model.executionMs(memory, startOf(place))
    }
    return this.known[node]!
  }

  /** How much of that is computing; it comes last. */
  computingMs(place: Place, node: number): number {
    return this.model.computingMs(place.memory, startOf(place))[node]!
  }

  share(memory: number): number {
    return coreShare(this.model.environment, memory)
  }
}
