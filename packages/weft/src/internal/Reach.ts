/** Which parties of a run cannot reach a store: the client itself, and workers that say so. */
import { CLIENT, type Coordination, type Message } from "@weft/storage"
import { Reach, type ReachNotice } from "@weft/worker"

/** The same calls, as far as a client makes them; `tell` hears when they fail for long, and when they work again. */
export const observed = (
  coordination: Coordination["Service"],
  tell: (notice: ReachNotice) => void
): Coordination["Service"] => {
  const reach = new Reach(tell)
  return {
    ...coordination,
    begin: (spec, worker) => reach.observe(coordination.begin(spec, worker)),
    renew: (run, workers, taker) => reach.observe(coordination.renew(run, workers, taker)),
    read: (run, instances) => reach.observe(coordination.read(run, instances)),
    state: (run) => reach.observe(coordination.state(run)),
    cancel: (run, reason) => reach.observe(coordination.cancel(run, reason))
  }
}

/** Tells people once, however many cannot reach a store, and again when all can. */
export class Away {
  private readonly parties = new Set<string>()
  private readonly tell: (notice: ReachNotice) => void

  constructor(tell: (notice: ReachNotice) => void) {
    this.tell = tell
  }

  /** What the client finds itself. */
  readonly client = (notice: ReachNotice): void => this.party(CLIENT, notice)

  /** What a message says of it. A worker that has completed something reaches its stores; one that is lost tries no more. */
  heard(message: Message): void {
    switch (message.type) {
      case "unreachable":
      case "reachable":
        this.party(message.worker, message)
        break
      case "completed":
      case "lost":
        this.party(message.worker, { type: "reachable" })
    }
  }

  private party(party: string, notice: ReachNotice) {
    if (notice.type === "reachable") {
      if (this.parties.delete(party) && this.parties.size === 0) this.tell({ type: "reachable" })
    } else if (!this.parties.has(party)) {
      this.parties.add(party)
      if (this.parties.size === 1) this.tell({ type: "unreachable", detail: notice.detail })
    }
  }
}
