/**
 * The fast model: when everything would run under an assignment, in one pass over the instances in order of time. For
 * planners' inner loops; the simulator, which runs the worker's own stages, is what it is held against.
 *
 * Counted are: starts of workers (cold, or warm in an environment that another has left), invocations one after the other,
 * reads and writes of values that do not fit into messages, preloading, calls of coordination that somebody waits for, and
 * the limit of concurrency. O(n log n) in instances and edges.
 */
import FlatQueue from "flatqueue"
import { type Assignment, FLEXIBLE } from "./Assignment.ts"
import type { Model } from "./Model.ts"

/** An environment that workers ran in, one after another. */
export interface EnvironmentUse {
  readonly memory: number
  readonly cold: boolean
  /** From the invocation on, in ms. */
  readonly fromMs: number
  readonly toMs: number
}

export interface Timeline {
  /** By instance: when inputs begin, when they are there, when the value is published; in ms from the begin. */
  readonly startMs: Float64Array
  readonly executeMs: Float64Array
  readonly endMs: Float64Array
  /** By instance: the index of its place: named workers first, then those that flexible workers ran in. */
  readonly place: Int32Array
  /** By instance: the instance that it waited for last (an input, or what its worker ran before), or -1. */
  readonly after: Int32Array
  readonly makespanMs: number
  readonly environments: ReadonlyArray<EnvironmentUse>
  /** Memory times time over all workers, in GB-seconds. */
  readonly gbSeconds: number
  readonly bytesRead: number
  readonly bytesWritten: number
}

const NOBODY = -1

export const evaluate = (model: Model, assignment: Assignment): Timeline =>
  new Evaluation(model, assignment).run()

interface Place {
  readonly memory: number
  cold: boolean
  fromMs: number
  freeMs: number
  /** What it ran last. */
  last: number
  isOpen: boolean
}

class Evaluation {
  private readonly model: Model
  private readonly assignment: Assignment
  private readonly startMs: Float64Array
  private readonly executeMs: Float64Array
  private readonly endMs: Float64Array
  private readonly place: Int32Array
  private readonly after: Int32Array
  private readonly readyMs: Float64Array
  private readonly lastParent: Int32Array
  private readonly pending: Int32Array
  /** 1 once one child goes on in the same place. */
  private readonly kept: Uint8Array
  private readonly named: number
  private readonly places: Array<Place | undefined>
  /** Environments that nobody uses any more, by memory: when they became free. */
  private readonly idle = new Map<number, Array<number>>()
  /** What workers that are open now will be over, the earliest first. */
  private readonly ends = new FlatQueue<number>()
  private readonly ready = new FlatQueue<number>()
  private readonly uses: Array<EnvironmentUse> = []
  private readonly warm = new Map<number, number>()
  private prewarmed: Array<{ memory: number; atMs: number; count: number }> = []
  private bytesRead = 0
  private bytesWritten = 0

  constructor(model: Model, assignment: Assignment) {
    this.model = model
    this.assignment = assignment
    const { parents, size } = model.unrolled
    this.startMs = new Float64Array(size)
    this.executeMs = new Float64Array(size)
    this.endMs = new Float64Array(size)
    this.place = new Int32Array(size).fill(NOBODY)
    this.after = new Int32Array(size).fill(NOBODY)
    this.readyMs = new Float64Array(size)
    this.lastParent = new Int32Array(size).fill(NOBODY)
    this.kept = new Uint8Array(size)
    this.pending = new Int32Array(size)
    for (let i = 0; i < size; i++) this.pending[i] = parents.start[i + 1]! - parents.start[i]!
    this.named = assignment.worker.reduce((most, one) => Math.max(most, one + 1), 0)
    this.places = new Array<Place | undefined>(this.named)
  }

  run(): Timeline {
    const { children, size } = this.model.unrolled
    let invoked = 0
    for (let i = 0; i < size; i++) {
      // The client invokes one worker after the other.
      if (this.pending[i] === 0) this.ready.push(i, this.model.invokeMs * invoked++)
    }
    for (let i = this.ready.peekValue(), at = this.ready.pop(); at !== undefined; at = this.ready.pop()) {
      this.readyMs[at] = i!
      this.begin(at)
      for (let e = children.start[at]!; e < children.start[at + 1]!; e++)
        this.completed(at, children.list[e]!)
      i = this.ready.peekValue()
    }
    for (const place of this.places) if (place?.isOpen) this.close(place)
    let makespanMs = 0
    for (let i = 0; i < size; i++) makespanMs = Math.max(makespanMs, this.endMs[i]!)
    const { bytesRead, bytesWritten, endMs, executeMs, startMs, uses } = this
    const gbSeconds = uses.reduce(
      (sum, { fromMs, memory, toMs }) => sum + ((toMs - fromMs) * memory) / 1_024_000,
      0
    )
    return {
      startMs,
      executeMs,
      endMs,
      place: this.place,
      after: this.after,
      makespanMs: makespanMs + this.model.callMs,
      environments: uses,
      gbSeconds,
      bytesRead,
      bytesWritten
    }
  }

  private begin(at: number) {
    const { graph, inputBytes, outputBytes, unrolled } = this.model
    const node = unrolled.node[at]!
    const memory = this.assignment.memory[node]!
    const index = this.placeFor(at, node, memory)
    const place = this.places[index]!
    this.place[at] = index
    const ready = this.readyMs[at]!
    const start = Math.max(ready, place.freeMs)
    this.after[at] = place.freeMs > ready && place.last !== NOBODY ? place.last : this.lastParent[at]!
    const { arrivedMs, bytes } = this.remote(at, index)
    this.bytesRead += bytes
    const isPreloaded = this.assignment.preload[node] === 1 && index < this.named
    const isLarge = bytes > this.model.environment.inlineBytes
    const execute = isPreloaded
      ? Math.max(start, arrivedMs)
      : start + (isLarge ? this.model.readMs(bytes) : 0)
    const ran = execute + (graph.kind(node) === "call" ? this.model.executionMs(memory)[node]! : 0)
    const written = this.writes(node, at) ? outputBytes[node]! : 0
    this.bytesWritten += written
    const end = ran + (written > this.model.environment.inlineBytes ? this.model.writeMs(written) : 0)
    this.startMs[at] = start
    this.executeMs[at] = execute
    this.endMs[at] = end
    place.freeMs = end
    place.last = at
    const prewarm = this.assignment.prewarm.get(node)
    if (prewarm !== undefined)
      for (const { afterMs, memory, workers } of prewarm)
        this.prewarmed.push({
          memory,
          atMs: execute + afterMs + this.model.startMs("cold", memory),
          count: workers
        })
    void inputBytes
  }

  /** What the instance reads from other places, and when it could have been there. */
  private remote(at: number, place: number) {
    const { outputBytes, unrolled } = this.model
    let bytes = 0
    let arrivedMs = 0
    for (let e = unrolled.inputs.start[at]!; e < unrolled.inputs.start[at + 1]!; e++) {
      const input = unrolled.inputs.list[e]!
      if (this.place[input] === place) continue
      const size = outputBytes[unrolled.node[input]!]!
      bytes += size
      const transfer = size > this.model.environment.inlineBytes ? this.model.readMs(size) : 0
      arrivedMs = Math.max(arrivedMs, this.endMs[input]! + this.model.callMs + transfer)
    }
    return { bytes, arrivedMs }
  }

  /** Whether others may read the value: all readers are this worker's, or go on with it, or not. */
  private writes(node: number, _at: number): boolean {
    const { graph } = this.model
    const { worker } = this.assignment
    if (graph.targets.has(node)) return true
    const { list, start } = graph.readers
    let readers = 0
    for (let e = start[node]!; e < start[node + 1]!; e++) {
      const reader = list[e]!
      readers++
      if (worker[reader] !== worker[node] || graph.columns.scopeOf[reader] !== graph.columns.scopeOf[node])
        return true
      if (worker[reader] === FLEXIBLE && graph.need[reader] !== 1) return true
    }
    return worker[node] === FLEXIBLE && readers > 1
  }

  private placeFor(at: number, node: number, memory: number): number {
    const planned = this.assignment.worker[node]!
    if (planned !== FLEXIBLE) {
      const known = this.places[planned]
      const { idleMs } = this.model.environment
      if (known?.isOpen && this.readyMs[at]! - known.freeMs <= idleMs) return planned
      if (known?.isOpen) this.close(known)
      this.places[planned] = this.open(memory, this.readyMs[at]!)
      return planned
    }
    const parent = this.lastParent[at]!
    if (parent !== NOBODY && this.kept[parent] === 0) {
      const index = this.place[parent]!
      const place = this.places[index]!
      // A flexible worker goes on with one child; one that has ended, or is a named one, does not.
      if (index >= this.named && place.isOpen && place.last === parent && place.memory >= memory) {
        this.kept[parent] = 1
        return index
      }
    }
    this.releaseFlexible()
    this.places.push(this.open(memory, this.readyMs[at]!))
    this.flexibleOpen.push(this.places.length - 1)
    return this.places.length - 1
  }

  private flexibleOpen: Array<number> = []

  /** Flexible workers with nothing left to go on with have ended. */
  private releaseFlexible() {
    const { children } = this.model.unrolled
    this.flexibleOpen = this.flexibleOpen.filter((index) => {
      const place = this.places[index]!
      const { last } = place
      let waits = false
      for (let e = children.start[last]!; e < children.start[last + 1]!; e++)
        if (
          this.place[children.list[e]!] === NOBODY &&
          this.lastParent[children.list[e]!] === last &&
          this.kept[last] === 0
        )
          waits = true
      if (!waits) this.close(place)
      return waits
    })
  }

  private open(memory: number, atMs: number): Place {
    const sentMs = atMs + this.model.invokeMs
    const limit = this.model.environment.concurrency
    let fromMs = sentMs
    // Who has ended by then makes room; else somebody has to be waited for.
    let open = 0
    let soonest = Number.POSITIVE_INFINITY
    for (const place of this.places) {
      if (!place?.isOpen) continue
      open++
      soonest = Math.min(soonest, place.freeMs)
    }
    if (open >= limit && soonest < Number.POSITIVE_INFINITY) fromMs = Math.max(fromMs, soonest)
    const isWarm = this.takeWarm(memory, fromMs)
    return {
      memory,
      cold: !isWarm,
      fromMs,
      freeMs: fromMs + this.model.startMs(isWarm ? "warm" : "cold", memory),
      last: NOBODY,
      isOpen: true
    }
  }

  private takeWarm(memory: number, atMs: number): boolean {
    const idle = this.idle.get(memory)
    const found = idle?.findIndex((freeMs) => freeMs <= atMs) ?? -1
    if (found >= 0) {
      idle!.splice(found, 1)
      return true
    }
    const ahead = this.prewarmed.find((one) => one.memory === memory && one.atMs <= atMs && one.count > 0)
    if (ahead !== undefined) {
      ahead.count--
      return true
    }
    const left = this.warm.get(memory) ?? this.model.predictions.warm(memory)
    if (left <= 0) return false
    this.warm.set(memory, left - 1)
    return true
  }

  private close(place: Place) {
    place.isOpen = false
    const { cold, freeMs, fromMs, memory } = place
    this.uses.push({ memory, cold, fromMs, toMs: freeMs })
    const idle = this.idle.get(memory)
    if (idle === undefined) this.idle.set(memory, [freeMs])
    else idle.push(freeMs)
  }

  private completed(parent: number, child: number) {
    const { node } = this.model.unrolled
    const worker = this.assignment.worker[node[child]!]!
    const isLocal = worker !== FLEXIBLE && worker === this.place[parent]
    const known = this.endMs[parent]! + (isLocal ? 0 : this.model.callMs)
    if (known >= this.readyMs[child]!) {
      this.readyMs[child] = known
      this.lastParent[child] = parent
    }
    this.pending[child]!--
    if (this.pending[child] === 0) this.ready.push(child, this.readyMs[child]!)
  }
}

/** The critical path, from its first instance to its last: what each waited for last, back from what ends last. */
export const criticalPath = ({ after, endMs }: Timeline): ReadonlyArray<number> => {
  let last = 0
  for (let i = 1; i < endMs.length; i++) if (endMs[i]! > endMs[last]!) last = i
  const path: Array<number> = []
  for (let at = endMs.length === 0 ? NOBODY : last; at !== NOBODY; at = after[at]!) path.push(at)
  return path.reverse()
}
