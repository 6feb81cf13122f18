/** The kept values of a run, each with how many instances still read it: I9 of `Coordination.ts`. */
import type { Flow, InstanceId } from "@weft/core"
import type { Kept, StoredValue } from "../Coordination.ts"

export class KeptValues {
  private readonly values = new Map<InstanceId, { readonly value: StoredValue; readers: number }>()
  private readonly dropped: (instance: InstanceId) => void

  /** @param dropped is told of values in the object store that are not needed (any more) */
  constructor(dropped: (instance: InstanceId) => void) {
    this.dropped = dropped
  }

  get size(): number {
    return this.values.size
  }

  get(instance: InstanceId): StoredValue | undefined {
    return this.values.get(instance)?.value
  }

  /** Of `instances`, those that are kept inline. */
  inline(instances: ReadonlyArray<InstanceId>): ReadonlyArray<readonly [InstanceId, Uint8Array]> {
    const found: Array<readonly [InstanceId, Uint8Array]> = []
    for (const instance of instances) {
      const value = this.get(instance)
      if (value !== undefined && value !== "object") found.push([instance, value])
    }
    return found
  }

  /** Keeps a value, unless it is kept already or has no readers. */
  put({ instance, readers, value }: Kept): void {
    if (this.values.has(instance)) return
    if (readers > 0) this.values.set(instance, { value, readers })
    else if (value === "object") this.dropped(instance)
  }

  /** What comes too late to be kept. */
  turnAway({ instance, value }: Kept): void {
    if (value === "object" && !this.values.has(instance)) this.dropped(instance)
  }

  release({ delta, value: instance }: Flow.Release): void {
    const kept = this.values.get(instance)
    if (kept === undefined) return
    kept.readers += delta
    if (kept.readers > 0) return
    this.values.delete(instance)
    if (kept.value === "object") this.dropped(instance)
  }

  /** Drops all but `wanted`. */
  retain(wanted: ReadonlySet<InstanceId>): void {
    for (const [instance, { value }] of this.values) {
      if (wanted.has(instance)) continue
      this.values.delete(instance)
      if (value === "object") this.dropped(instance)
    }
  }

  clear(): void {
    this.values.clear()
  }
}
