/**
 * Where simulated workers run: environments, cold or warm by memory and by the time since they were used; the limit of
 * concurrency; and cores, which may be shared.
 */
import type { World } from "@weft/worker/virtual"
import type { Resolved } from "../Environment.ts"
import { Cores } from "../timeline/Cores.ts"

/** Where nothing is ever cold there are any number of warm environments: as many as a simulated run could use. */
const MOST = 16_384

export class Sites {
  coldStarts = 0
  private readonly world: World
  private readonly environment: Resolved
  /** By memory, since when environments are idle. The last one used is used first. */
  private readonly idle = new Map<number, Array<number>>()
  private readonly waiting: Array<() => void> = []
  private running = 0
  private readonly cores: Cores | undefined
  private readonly shares = new Map<number, { readonly share: number; readonly done: () => void }>()
  private executions = 0
  private cancel: () => void = () => {}

  constructor(
    world: World,
    environment: Resolved,
    warm: (memory: number) => number,
    sizes: Iterable<number>
  ) {
    this.world = world
    this.environment = environment
    this.cores = Number.isFinite(environment.cores) ? new Cores(environment.cores) : undefined
    for (const size of sizes)
      this.idle.set(size, new Array(Math.min(MOST, Math.max(0, Math.floor(warm(size))))).fill(0))
  }

  /** Calls `go` when fewer run than may. */
  enter(go: () => void): void {
    if (this.running < this.environment.concurrency) {
      this.running++
      go()
    } else this.waiting.push(go)
  }

  leave(): void {
    const next = this.waiting.shift()
    if (next === undefined) this.running--
    else next()
  }

  /** Takes an environment; whether it is warm. */
  take(memory: number): boolean {
    const isWarm = this.ofSize(memory).pop() !== undefined
    if (!isWarm) this.coldStarts++
    return isWarm
  }

  /** An environment is free. */
  free(memory: number): void {
    this.ofSize(memory).push(this.world.now)
  }

  /** How many environments have to be started so that `count` are there. */
  missing(memory: number, count: number): number {
    return Math.max(0, count - this.ofSize(memory).length)
  }

  private ofSize(memory: number): Array<number> {
    const idle = this.idle.get(memory) ?? []
    this.idle.set(memory, idle)
    const since = this.world.now - this.environment.keepAliveMs
    while (idle.length > 0 && idle[0]! < since) idle.shift()
    return idle
  }

  /** Computes for `ms`, with `share` of a core; calls `done` at the end, which is later if cores are short. */
  compute(share: number, ms: number, done: () => void): void {
    if (this.cores === undefined) {
      this.world.after(ms, done)
      return
    }
    const id = this.executions++
    this.shares.set(id, { share, done })
    this.cores.begin(id, share, ms, this.world.now)
    this.schedule()
  }

  private schedule() {
    this.cancel()
    const cores = this.cores!
    const at = cores.nextMs
    if (!Number.isFinite(at)) return
    this.cancel = this.world.after(Math.max(0, at - this.world.now), () => {
      const id = cores.end(this.world.now, (one) => this.shares.get(one)!.share)
      const { done } = this.shares.get(id)!
      this.shares.delete(id)
      this.schedule()
      done()
    })
  }
}
