/** Who listens on which channel of which run, in this process. */
export class Channels<M> {
  private readonly listeners = new Map<string, Set<(message: M) => void>>()

  publish(run: string, channel: string, message: M): void {
    for (const listener of this.listeners.get(`${run} ${channel}`) ?? []) listener(message)
  }

  /** @returns what ends the subscription */
  subscribe(run: string, channel: string, listener: (message: M) => void): () => void {
    const key = `${run} ${channel}`
    const listeners = this.listeners.get(key) ?? new Set()
    this.listeners.set(key, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.listeners.delete(key)
    }
  }
}
