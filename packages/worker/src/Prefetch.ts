/**
 * What a worker fetches before a node of its own asks for it: see `preload` in `Behaviour.ts`.
 *
 * Nothing depends on it. The store is asked for what is kept already when the worker begins; what is kept later it is told
 * of. What is being fetched the stage `inputs` waits for; what was not fetched, for whatever reason, it fetches itself.
 */
import { Flow, Graph, Instance, type InstanceId } from "@weft/core"
import type { Coordination, ObjectStore } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { type RunContext, valueKey } from "./RunContext.ts"
import type { Timing } from "./Timing.ts"
import type { Values } from "./Values.ts"

/** Bytes that may be here ahead of their time; beyond that nothing more is fetched. */
const ROOM_BYTES = 64 * 2 ** 20
/** So many large values are fetched at once: between two calls there is a look at the room that is left. */
const LARGE_AT_ONCE = 8

/** What it needs of its worker. */
interface Owner {
  readonly run: string
  readonly context: RunContext
  readonly values: Values
  readonly coordination: Pick<Coordination["Service"], "read">
  readonly objects: Pick<ObjectStore["Service"], "get">
  readonly timing: Pick<Timing, "now">
  /** Runs something beside the worker, until the worker ends. */
  readonly inBackground: (effect: Effect.Effect<void>) => void
}

export class Prefetch {
  private readonly owner: Owner
  /** The nodes whose values are wanted. */
  private readonly wanted = new Set<number>()
  private readonly coming = new Map<InstanceId, Latch.Latch>()
  /** What a node has asked for: it need not be fetched ahead any more. */
  private readonly asked = new Set<InstanceId>()
  /** What to ask for when the worker listens: what completes from then on it is told of. */
  private first: Array<InstanceId> | undefined = []

  constructor(owner: Owner) {
    this.owner = owner
  }

  /** From now on values that the nodes read are wanted. */
  want(nodes: ReadonlyArray<number>): void {
    const { graph, streamed } = this.owner.context
    const fresh: Array<InstanceId> = []
    for (const node of nodes) {
      for (const input of Graph.neighbours(graph.inputs, node)) {
        if (this.wanted.has(input) || streamed.has(input)) continue
        this.wanted.add(input)
        // Which others there are is not known before their lists are.
        if (Flow.depth(graph, input) === 0) fresh.push(input)
      }
    }
    if (this.first === undefined) this.fetch(fresh)
    else this.first.push(...fresh)
  }

  /** The worker is told of what is kept from now on. */
  listens(): void {
    const { first } = this
    this.first = undefined
    if (first !== undefined) this.fetch(first)
  }

  /** Values are kept, of which some may be wanted. */
  kept(values: ReadonlyArray<InstanceId>): void {
    this.fetch(values.filter((value) => this.wanted.has(Instance.nodeOf(value))))
  }

  /** A node asks for a value now, which is not here. Whether that is being fetched; else the node does it. */
  isComing(value: InstanceId): boolean {
    this.asked.add(value)
    return this.coming.has(value)
  }

  /** Returns when what is being fetched of `values` has come, or will not come. */
  arrived(values: ReadonlyArray<InstanceId>): Effect.Effect<void> {
    const latches = new Set(values.flatMap((value) => this.coming.get(value) ?? []))
    return Effect.forEach(latches, (latch) => latch.await, { discard: true })
  }

  private fetch(values: ReadonlyArray<InstanceId>): void {
    const missing = values.filter(
      (value) => !this.owner.values.has(value) && !this.coming.has(value) && !this.asked.has(value)
    )
    if (missing.length === 0) return
    const latch = Latch.makeUnsafe(false)
    for (const value of missing) this.coming.set(value, latch)
    const over = Effect.sync(() => {
      for (const value of missing) this.coming.delete(value)
      latch.openUnsafe()
    })
    this.owner.inBackground(Effect.ensuring(Effect.ignore(this.get(missing)), over))
  }

  private readonly get = Effect.fnUntraced(function* (this: Prefetch, missing: ReadonlyArray<InstanceId>) {
    const { coordination, objects, run, timing, values } = this.owner
    if (values.aheadBytes > ROOM_BYTES) return
    const beganAt = timing.now()
    const found = yield* coordination.read(run, missing)
    const large: Array<InstanceId> = []
    const readMs = (timing.now() - beganAt) / missing.length
    for (const [i, value] of missing.entries()) {
      const bytes = found[i]
      if (bytes === "object") large.push(value)
      else if (bytes !== undefined) values.cameAhead(value, bytes, readMs)
    }
    for (let at = 0; at < large.length && values.aheadBytes <= ROOM_BYTES; at += LARGE_AT_ONCE) {
      const some = large.slice(at, at + LARGE_AT_ONCE)
      const askedAt = timing.now()
      const got = yield* objects.get(run, some.map(valueKey))
      const ms = (timing.now() - askedAt) / some.length
      for (const [i, bytes] of got.entries()) if (bytes !== undefined) values.cameAhead(some[i]!, bytes, ms)
    }
  })
}
