/**
 * What workers of the fast model will run without asking: the rules of `Claims.ts` in `@weft/worker`, on numbers.
 */
import { Graph } from "@weft/core"
import { type Assignment, FLEXIBLE } from "../Assignment.ts"
import type { Model } from "../Model.ts"
import { NOBODY, type Place } from "./Places.ts"

export class Claims {
  private readonly model: Model
  private readonly assignment: Assignment
  /** How many completions each instance still waits for. */
  private readonly waits: Int32Array
  /** By instance, the place that claims it. */
  private readonly claimed: Int32Array
  /** By instance, how many of its parents a round of claims has met, and which round that was. */
  private readonly met: Int32Array
  private readonly metIn: Int32Array
  /** By instance, the round in which a child of it was claimed. */
  private readonly keptIn: Int32Array
  private readonly open: Array<number> = []
  private round = 0

  constructor(model: Model, assignment: Assignment) {
    this.model = model
    this.assignment = assignment
    const { parents, size } = model.unrolled
    this.waits = new Int32Array(size)
    for (let at = 0; at < size; at++) this.waits[at] = parents.start[at + 1]! - parents.start[at]!
    this.claimed = new Int32Array(size).fill(NOBODY)
    this.met = new Int32Array(size)
    this.metIn = new Int32Array(size)
    this.keptIn = new Int32Array(size)
  }

  isBy(place: Place, at: number): boolean {
    return this.claimed[at] === place.index
  }

  /** A parent is complete; whether the instance is ready now. */
  advance(at: number): boolean {
    return --this.waits[at]! === 0
  }

  /** Claims what follows from `work`, which the worker is going to run. */
  adopt(place: Place, work: ReadonlyArray<number>): void {
    const { graph, unrolled } = this.model
    const { codes, scopeOf } = graph.columns
    const { children, node } = unrolled
    const { claimed, open } = this
    const round = ++this.round
    open.length = 0
    for (const at of work) open.push(at)
    for (let i = 0; i < open.length; i++) {
      const at = open[i]!
      const scope = scopeOf[node[at]!]
      for (let e = children.start[at]!; e < children.start[at + 1]!; e++) {
        const child = children.list[e]!
        const id = node[child]!
        if (scopeOf[id] !== scope || codes[id] === Graph.code.collect) continue
        if (!this.hasMet(child, graph.need[id]!, round)) continue
        if (claimed[child] !== NOBODY || !this.mayClaim(place, id, at, round)) continue
        claimed[child] = place.index
        open.push(child)
      }
    }
  }

  private hasMet(child: number, need: number, round: number): boolean {
    if (need === 1) return true
    if (this.metIn[child] !== round) {
      this.metIn[child] = round
      this.met[child] = 0
    }
    return ++this.met[child]! >= need
  }

  private mayClaim(place: Place, id: number, parent: number, round: number): boolean {
    const { memory, worker } = this.assignment
    if (worker[id] !== FLEXIBLE) return worker[id] === place.worker
    if (place.worker !== FLEXIBLE || this.keptIn[parent] === round || memory[id]! > place.memory) return false
    this.keptIn[parent] = round
    return true
  }
}
