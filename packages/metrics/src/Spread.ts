/** Samples of what is measured often: at most 64, evenly spread over all that there were. */

const MOST = 64

export class Spread {
  private kept: Array<number> = []
  private every = 1
  private seen = 0

  add(value: number): void {
    if (this.seen++ % this.every !== 0) return
    if (this.kept.length === MOST) {
      this.kept = this.kept.filter((_, i) => i % 2 === 0)
      this.every *= 2
      if ((this.seen - 1) % this.every !== 0) return
    }
    this.kept.push(value)
  }

  get samples(): ReadonlyArray<number> {
    return this.kept
  }
}
