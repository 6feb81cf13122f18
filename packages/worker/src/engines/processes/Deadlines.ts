/** The next moment at which a task that must end in time must have ended, from what the pool is told of guards. */
import type { FromVessel } from "../pool/Protocol.ts"

export class Deadlines {
  private readonly due = new Map<number, number>()
  private readonly set: (at: number | undefined) => void

  /** @param set told the next one, in ms since the epoch, when it changes */
  constructor(set: (at: number | undefined) => void) {
    this.set = set
  }

  hear(message: FromVessel): void {
    if (message.type === "guard") this.due.set(message.guard, Date.now() + message.ms)
    else if (message.type !== "release" || !this.due.delete(message.guard)) return
    this.set(this.due.size === 0 ? undefined : Math.min(...this.due.values()))
  }
}
