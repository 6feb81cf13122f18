/**
 * Worker ids by predicted cost: one pass over the nodes in the order in which they would become ready, each given to the
 * worker that the rules say.
 *
 * - One-to-one: the only child of an only parent stays with its parent's worker.
 * - Fan-out: a child goes where it is predicted to be done first: its parent's worker, the worker that is free first, or a
 *   new one. So short tasks with large outputs stay with the producer, where they neither wait for a start nor have to send
 *   what they make; long tasks are spread, a limit for each worker.
 * - Fan-in: the worker that holds the most bytes; of several the one that is done first.
 *
 * Nodes inside an `each` stay flexible: with a name all instances of a node would go to one worker.
 */
import { Graph } from "@weft/core"
import FlatQueue from "flatqueue"
import { type Assignment, FLEXIBLE, flexible, leastMemory } from "../Assignment.ts"
import type { Model } from "../Model.ts"

export interface PlacementOptions {
  /** Memory of the workers, in MiB. */
  readonly memory: number
  readonly maxWorkers: number
  readonly tasksPerWorker: number
  /** Of nodes that become ready together, the shortest choose first, or those with the longest way to the end. Default: shortest. */
  readonly first?: "longest" | "shortest"
  /** By how much earlier a new worker has to be done than others, in ms. Default: what is worth an invocation to workers. */
  readonly worthMs?: number
  /** Whether a fan-in goes to the worker with the most bytes, or to where it would be done first. Default: bytes. */
  readonly fanIn?: "bytes" | "soonest"
}

/** Places all nodes that are outside of every `each`. O(n log n) in nodes and edges. */
export const place = (model: Model, options: PlacementOptions): Assignment =>
  new Placing(model, options).run()

/** Whether a node may be given to a named worker. */
export const isNameable = ({ columns }: Graph.Graph, node: number): boolean =>
  columns.scopeOf[node] === 0 && columns.codes[node] !== Graph.code.item

/** How long it takes from the begin of each node to the end of the run at least, in ms, without transfers. */
export const upwardRank = ({ executionMs, graph }: Model, memory: number): Float64Array => {
  const execution = executionMs(memory)
  const rank = new Float64Array(graph.size)
  const { list, start } = graph.children
  for (let id = graph.size - 1; id >= 0; id--) {
    let longest = 0
    for (let e = start[id]!; e < start[id + 1]!; e++) longest = Math.max(longest, rank[list[e]!]!)
    rank[id] = longest + execution[id]!
  }
  return rank
}

interface Choice {
  readonly worker: number
  readonly endMs: number
}

class Placing {
  private readonly model: Model
  private readonly options: PlacementOptions
  private readonly assignment: Assignment
  private readonly executionMs: Float64Array
  private readonly endMs: Float64Array
  /** Whose completion makes each node ready, or -1. */
  private readonly lastParent: Int32Array
  /** By worker: when it has done all it was given. */
  private readonly freeMs: Array<number> = []
  /** By worker: for how many nodes of the group that is being placed it was chosen, and which group that is. */
  private readonly taken: Array<number> = []
  private readonly group: Array<number> = []
  /** Workers by when they are free; entries that are no longer true are skipped. */
  private readonly soonest = new FlatQueue<number>()
  /** By node (the client last): how many invocations it has sent. */
  private readonly invoked: Int32Array
  private warm: number

  constructor(model: Model, options: PlacementOptions) {
    const { size } = model.graph
    this.model = model
    this.options = options
    this.assignment = flexible(model.graph, options.memory)
    this.executionMs = model.executionMs(options.memory)
    this.endMs = new Float64Array(size)
    this.lastParent = new Int32Array(size).fill(-1)
    this.invoked = new Int32Array(size + 1)
    this.warm = model.predictions.warm(options.memory)
  }

  run(): Assignment {
    const { graph } = this.model
    const { children, parents, size } = graph
    const rank = upwardRank(this.model, this.options.memory)
    const isLongestFirst = this.options.first === "longest"
    const choosesBefore = (a: number, b: number) =>
      (isLongestFirst ? 0 : this.executionMs[a]! - this.executionMs[b]!) || rank[b]! - rank[a]! || a - b
    const pending = new Int32Array(size)
    const readyMs = new Float64Array(size)
    const ready = new FlatQueue<number>()
    for (let id = 0; id < size; id++) {
      pending[id] = parents.start[id + 1]! - parents.start[id]!
      if (pending[id] === 0 && graph.columns.codes[id] !== Graph.code.item) ready.push(id, 0)
    }
    while (ready.length > 0) {
      // What becomes ready at the same moment chooses in the order of the option.
      const atMs = ready.peekValue()!
      const together: Array<number> = []
      while (ready.length > 0 && ready.peekValue() === atMs) together.push(ready.pop()!)
      together.sort(choosesBefore)
      for (const id of together) {
        const endMs = this.choose(id, atMs)
        this.endMs[id] = endMs
        for (let e = children.start[id]!; e < children.start[id + 1]!; e++) {
          const child = children.list[e]!
          if (endMs >= readyMs[child]!) {
            readyMs[child] = endMs
            this.lastParent[child] = id
          }
          pending[child]!--
          if (pending[child] === 0) ready.push(child, readyMs[child]!)
        }
      }
    }
    return settle(this.model, this.assignment)
  }

  /** Gives a node its worker; returns when it would be done. */
  private choose(id: number, readyMs: number): number {
    const { environment, graph, unrolled } = this.model
    if (!isNameable(graph, id)) {
      // Each instance has a worker of its own, as far as there are so many.
      const turns = Math.ceil(unrolled.count[id]! / environment.concurrency)
      return readyMs + this.startMs(id) + turns * this.executionMs[id]!
    }
    const chosen = this.best(id, readyMs)
    this.take(id, chosen)
    return chosen.endMs
  }

  private best(id: number, readyMs: number): Choice {
    const { parents } = this.model.graph
    const from = parents.start[id]!
    const count = parents.start[id + 1]! - from
    const held = this.held(id)
    if (count === 1) {
      const parent = parents.list[from]!
      const home = this.assignment.worker[parent]!
      if (home !== FLEXIBLE && this.isOnlyChild(parent)) return this.on(home, id, readyMs, held)
      return this.soonestOf(id, readyMs, held, home === FLEXIBLE ? [] : [home])
    }
    const holders = [...held.byWorker.keys()]
    if (holders.length === 0) return this.soonestOf(id, readyMs, held, [])
    if (this.options.fanIn === "soonest") {
      const most = holders.sort((a, b) => held.byWorker.get(b)! - held.byWorker.get(a)! || a - b)
      return this.soonestOf(id, readyMs, held, most.slice(0, HOLDERS))
    }
    const most = Math.max(...held.byWorker.values())
    const largest = holders.filter((worker) => held.byWorker.get(worker) === most)
    return largest.map((worker) => this.on(worker, id, readyMs, held)).reduce(sooner)
  }

  private isOnlyChild(parent: number): boolean {
    const { start } = this.model.graph.children
    return start[parent + 1]! - start[parent]! === 1
  }

  /** The bytes that a node reads, in all and by the worker that holds them. */
  private held(id: number) {
    const { graph, outputBytes } = this.model
    const byWorker = new Map<number, number>()
    let total = 0
    for (let e = graph.inputs.start[id]!; e < graph.inputs.start[id + 1]!; e++) {
      const input = graph.inputs.list[e]!
      const bytes = outputBytes[input]!
      total += bytes
      const worker = this.assignment.worker[input]!
      if (worker !== FLEXIBLE) byWorker.set(worker, (byWorker.get(worker) ?? 0) + bytes)
    }
    return { total, byWorker }
  }

  /** Where the node is done first: one of these workers, the one that is free first, or a new one. */
  private soonestOf(
    id: number,
    readyMs: number,
    held: ReturnType<Placing["held"]>,
    candidates: ReadonlyArray<number>
  ): Choice {
    const group = this.lastParent[id]!
    const hasRoom = (worker: number) =>
      this.group[worker] !== group || this.taken[worker]! < this.options.tasksPerWorker
    // What is made away from the producer probably has to be sent.
    const sentMs = this.writeMs(this.model.outputBytes[id]!)
    let best: { readonly choice: Choice; readonly costMs: number } | undefined
    const consider = (choice: Choice, extraMs: number) => {
      const costMs = choice.endMs + extraMs
      if (best === undefined || costMs < best.costMs) best = { choice, costMs }
    }
    for (const worker of candidates) if (hasRoom(worker)) consider(this.on(worker, id, readyMs, held), 0)
    const awayMs = candidates.length > 0 ? sentMs : 0
    const idle = this.idle()
    if (idle !== undefined && hasRoom(idle) && !candidates.includes(idle))
      consider(this.on(idle, id, readyMs, held), awayMs)
    if (this.freeMs.length < this.options.maxWorkers) {
      const beginMs = readyMs + this.startMs(id)
      const endMs = beginMs + this.readMs(held.total) + this.executionMs[id]!
      const { worthMs = this.model.environment.worthMs } = this.options
      consider({ worker: this.freeMs.length, endMs }, awayMs + worthMs)
    }
    // Nobody has room, and there may be no more workers: the limit gives way.
    return best?.choice ?? this.on(idle!, id, readyMs, held)
  }

  private on(worker: number, id: number, readyMs: number, held: ReturnType<Placing["held"]>): Choice {
    const parent = this.lastParent[id]!
    const isHere = parent !== -1 && this.assignment.worker[parent] === worker
    const beginMs = Math.max(readyMs + (isHere ? 0 : this.model.callMs), this.freeMs[worker]!)
    const remote = held.total - (held.byWorker.get(worker) ?? 0)
    return { worker, endMs: beginMs + this.readMs(remote) + this.executionMs[id]! }
  }

  private take(id: number, { endMs, worker }: Choice) {
    const group = this.lastParent[id]!
    if (worker === this.freeMs.length) {
      this.invoked[this.inviter(id)]!++
      if (this.warm > 0) this.warm--
      this.freeMs.push(0)
      this.taken.push(0)
      this.group.push(group)
    }
    if (this.group[worker] !== group) {
      this.group[worker] = group
      this.taken[worker] = 0
    }
    this.taken[worker]!++
    this.freeMs[worker] = Math.max(this.freeMs[worker]!, endMs)
    this.soonest.push(worker, this.freeMs[worker]!)
    this.assignment.worker[id] = worker
  }

  /** The worker that is free first. */
  private idle(): number | undefined {
    while (this.soonest.length > 0) {
      const worker = this.soonest.peek()!
      if (this.freeMs[worker] === this.soonest.peekValue()) return worker
      this.soonest.pop()
    }
    return undefined
  }

  /** Who invokes a new worker for a node: whoever made it ready. */
  private inviter(id: number): number {
    const parent = this.lastParent[id]!
    return parent === -1 ? this.model.graph.size : parent
  }

  private startMs(id: number): number {
    const { callMs, environment, invokeMs } = this.model
    const before = Math.floor(this.invoked[this.inviter(id)]! / environment.sendsAtOnce)
    const start = this.model.startMs(this.warm > 0 ? "warm" : "cold", this.options.memory)
    return (this.lastParent[id] === -1 ? 0 : callMs) + invokeMs * before + start
  }

  private readMs(bytes: number): number {
    return bytes > this.model.environment.inlineBytes ? this.model.readMs(bytes, this.options.memory) : 0
  }

  private writeMs(bytes: number): number {
    return bytes > this.model.environment.inlineBytes ? this.model.writeMs(bytes, this.options.memory) : 0
  }
}

/** So many of the workers that hold a fan-in's inputs are compared. */
const HOLDERS = 8

const sooner = (a: Choice, b: Choice): Choice => (b.endMs < a.endMs ? b : a)

/** Gives all nodes of each named worker the memory of the one that has most. Changes and returns the assignment. */
export const settle = ({ graph }: Model, assignment: Assignment): Assignment => {
  const { memory, worker } = assignment
  const least = leastMemory(graph)
  const most = new Map<number, number>()
  for (let id = 0; id < worker.length; id++) {
    const own = worker[id]!
    if (own === FLEXIBLE) continue
    const size = Math.max(memory[id]!, least[id]!)
    if (size > (most.get(own) ?? 0)) most.set(own, size)
  }
  for (let id = 0; id < worker.length; id++) memory[id] = most.get(worker[id]!) ?? memory[id]!
  return assignment
}
