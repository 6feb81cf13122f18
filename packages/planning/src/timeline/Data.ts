/**
 * Where values of the fast model are, and how long it takes to get them and to put them elsewhere.
 */
import { Graph, type Predictions } from "@weft/core"
import { type Assignment, FLEXIBLE } from "../Assignment.ts"
import { LENGTH_BYTES, type Model } from "../Model.ts"
import { startOf } from "../Predicted.ts"
import type { Claims } from "./Claims.ts"
import { Pairs } from "./Pairs.ts"
import { NOBODY, type Place } from "./Places.ts"

/** Small inputs come with the reply that hands an instance over, if it has no more than this many. */
const ASKED_INPUTS = 16

export class Data {
  /** By instance, the place that ran it. */
  readonly place: Int32Array
  bytesRead = 0
  bytesWritten = 0
  private readonly model: Model
  private readonly assignment: Assignment
  private readonly claims: Claims
  /** By instance, when coordination knew that it is complete. */
  private readonly knownMs: Float64Array
  /** 1 for instances whose values lie in a store. */
  private readonly stored: Uint8Array
  /** Values that places have read. */
  private readonly had: Pairs

  constructor(model: Model, assignment: Assignment, claims: Claims) {
    this.model = model
    this.assignment = assignment
    this.claims = claims
    const { size } = model.unrolled
    this.place = new Int32Array(size).fill(NOBODY)
    this.knownMs = new Float64Array(size)
    this.stored = new Uint8Array(size)
    this.had = new Pairs(size)
  }

  known(at: number, now: number): void {
    this.knownMs[at] = now
  }

  /** The worker gets the inputs of an instance together, from `now`; when it has them. */
  inputs(place: Place, at: number, now: number, opener: number): number {
    const { callMs, environment, readMs, unrolled } = this.model
    const { inputs } = unrolled
    this.place[at] = place.index
    const [from, to] = [inputs.start[at]!, inputs.start[at + 1]!]
    let missing = 0
    let large = 0
    let keptMs = 0
    for (let e = from; e < to; e++) {
      const input = inputs.list[e]!
      const maker = this.place[input]
      if (maker === place.index || (place.isCarried && maker === place.from)) continue
      if (this.readersOf(input) > 1 && !this.had.add(place.index, input)) continue
      const bytes = this.bytes(input, at)
      missing += bytes
      if (bytes > environment.inlineBytes) large += bytes
      keptMs = Math.max(keptMs, this.knownMs[input]!)
    }
    this.bytesRead += missing
    if (missing === 0) return now
    const giver = opener === NOBODY ? NOBODY : this.place[opener]!
    if (large === 0 && to - from <= ASKED_INPUTS && (giver === place.index || giver === place.from))
      return now
    // A call answers what is small, and which values are in the object store.
    const takes = large === 0 ? callMs : callMs + readMs(large, place.memory, connect(place))
    if (this.assignment.preload[unrolled.node[at]!] === 0 || place.worker === FLEXIBLE) return now + takes
    // It was told of the last one, and asked for it then.
    return Math.max(now, Math.min(now, Math.max(keptMs, place.beganMs)) + takes)
  }

  /** Puts the value of an instance where others look for it; how long that takes. */
  publish(place: Place, at: number): number {
    return this.isForOthers(place, at) ? this.store(at, place) : 0
  }

  /** Puts what a crash would lose into the store: the value that the worker goes on with. How long that takes. */
  checkpoint(place: Place, at: number): number {
    return this.store(at, place)
  }

  /** Sends the values along that the work reads, as far as there is room; how long it takes to store the rest. */
  carry(place: Place, one: Place): number {
    const { environment, unrolled } = this.model
    const { inputs } = unrolled
    let room = environment.payloadBytes
    let ms = 0
    let last = NOBODY
    for (const at of one.work) {
      for (let e = inputs.start[at]!; e < inputs.start[at + 1]!; e++) {
        const input = inputs.list[e]!
        if (this.place[input] !== place.index || input === last) continue
        // Most read the same.
        last = input
        const bytes = this.bytes(input, at)
        if (bytes <= room) room -= bytes
        else {
          ms += this.store(input, place)
          one.isCarried = false
        }
      }
    }
    return ms
  }

  /** Encoded bytes of an input as a reader gets it. */
  private bytes(input: number, reader: number): number {
    const { graph, outputBytes, unrolled } = this.model
    const { codes } = graph.columns
    const id = unrolled.node[input]!
    if (codes[id] !== Graph.code.expand) return outputBytes[id]!
    const own = unrolled.node[reader]!
    if (codes[own] === Graph.code.gate || codes[own] === Graph.code.collect) return LENGTH_BYTES
    // One element.
    const scope = graph.columns.scopes.findIndex(({ expand }) => expand === id)
    return outputBytes[id]! / Math.max(1, unrolled.widths[scope] ?? 1)
  }

  private readersOf(input: number): number {
    const { graph, unrolled } = this.model
    const { start } = graph.readers
    const id = unrolled.node[input]!
    return start[id + 1]! - start[id]!
  }

  private store(at: number, place: Place): number {
    if (this.stored[at] === 1) return 0
    this.stored[at] = 1
    const { environment, outputBytes, unrolled, writeMs } = this.model
    const bytes = outputBytes[unrolled.node[at]!]!
    this.bytesWritten += bytes
    return bytes > environment.inlineBytes ? writeMs(bytes, place.memory, connect(place)) : 0
  }

  /** Whether somebody may read the value who does not get it from this worker. */
  private isForOthers(place: Place, at: number): boolean {
    const { graph, unrolled } = this.model
    const { codes, scopeOf, scopes } = graph.columns
    const { worker } = this.assignment
    const id = unrolled.node[at]!
    if (graph.targets.has(id) || codes[id] === Graph.code.expand) return true
    const scope = scopeOf[id]!
    for (let e = graph.readers.start[id]!; e < graph.readers.start[id + 1]!; e++) {
      const reader = graph.readers.list[e]!
      const isMine = worker[reader] !== FLEXIBLE && worker[reader] === place.worker
      if (scopeOf[reader] === scope) {
        const isHandedOff =
          worker[reader] === FLEXIBLE && graph.need[reader] === 1 && codes[reader] !== Graph.code.collect
        if (isMine || isHandedOff) continue
        if (!this.claims.isBy(place, unrolled.first[reader]! + at - unrolled.first[id]!)) return true
      } else if (scope === 0 || scopes[scope]!.parent !== scopeOf[reader] || !isMine) return true
    }
    return false
  }
}

/** What a transfer begins in: the first one in a new environment is cold. */
const connect = (place: Place): Predictions.Start => {
  const start = startOf({ isCold: place.isCold && !place.isConnected })
  place.isConnected = true
  return start
}
