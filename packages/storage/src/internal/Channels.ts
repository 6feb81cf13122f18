/** Who listens on which channel of which run, in this process. */
export class Channels<M> {
  private readonly runs = new Map<string, Map<string, Set<Subscription<M>>>>()

  private readonly failed: (error: unknown) => void

  /** @param failed is told what a listener throws: it is not the publisher's */
  constructor(failed: (error: unknown) => void) {
    this.failed = failed
  }

  publish(run: string, channel: string, message: M): void {
    for (const { listener } of this.runs.get(run)?.get(channel) ?? NONE) {
      try {
        listener(message)
      } catch (error) {
        this.failed(error)
      }
    }
  }

  /** @returns what ends the subscription */
  subscribe(run: string, channel: string, listener: (message: M) => void): () => void {
    const subscription = { listener }
    const channels = this.runs.get(run) ?? new Map<string, Set<Subscription<M>>>()
    const subscriptions = channels.get(channel) ?? new Set()
    this.runs.set(run, channels.set(channel, subscriptions.add(subscription)))
    return () => {
      subscriptions.delete(subscription)
      if (subscriptions.size === 0 && channels.get(channel) === subscriptions) channels.delete(channel)
      if (channels.size === 0 && this.runs.get(run) === channels) this.runs.delete(run)
    }
  }
}

interface Subscription<M> {
  readonly listener: (message: M) => void
}

const NONE: ReadonlyArray<never> = []
