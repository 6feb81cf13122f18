/**
 * Dask's static ordering: one number for each node, the order in which a single worker would best run them, so that few
 * values are held at a time.
 *
 * Policy: work towards small goals with big steps. Goals are final nodes, which nobody depends on.
 *
 * 1. Begin at a leaf of the largest goal, and go up along dependents to the goal that is finished soonest.
 * 2. What a node on the way still needs is run first, depth first (*descend*).
 * 3. Dependents that lead to something that is finished sooner than what we are at go before it (a *detour*); those that
 *    narrow down towards their goal (a smaller `partition` than the node they come from) are remembered for soon, all
 *    others for later.
 * 4. *Singles* are ready, and may free what they read: they are run as soon as something else has to be descended for. Those
 *    that do not free it yet wait until nothing is on the stacks.
 * 5. Final nodes that are ready are never left dangling: they are finished at once.
 * 6. A single final node that needs everything tells nothing, and is left out until the end.
 *
 * Source: `dask/order.py` of Dask 2022.12.1 (Copyright (c) 2014–2015 Continuum Analytics, Inc. and contributors,
 * BSD 3-clause, see LICENSE-dask.txt), its documentation, comments and tests; this is the same procedure, written anew for
 * typed arrays, and gives the same numbers. Where 100 nodes or more of a kind tie, Dask leaves them in the order of a hash
 * table; here they are in order, too. O(n log n) in nodes and edges.
 */
import * as Dag from "./Dag.ts"
import * as Measures from "./Measures.ts"
import * as Preferences from "./Preferences.ts"

/** The priority of each node: a permutation of 0 to n - 1, the lowest runs first; dependencies come before dependents. */
export const order = (dag: Dag.Dag): Int32Array => new Traversal(dag).run()

/**
 * The same, of a graph as people write it.
 *
 * ```ts
 * priorities({ names: ["a", "b", "c", "d"], dependencies: [[], [0], [0], [2]] })   // [0, 3, 1, 2]
 * ```
 *
 * @throws {InvalidDag} for a name that stands twice, a dependency that does not exist, or a cycle
 */
export const priorities = (graph: Dag.DagInput): ReadonlyArray<number> => [...order(Dag.make(graph))]

const NOT_PLACED = -1

/** Lists of nodes that tie, by their partition. */
type Pools = Map<number, Array<ReadonlyArray<number>>>

/** What follows from a node that was placed. */
interface Followed {
  /** Its dependents that are still to be placed, each of which waits for one node less now. */
  readonly open: ReadonlyArray<number>
  /** Whether dependents were finished at once. */
  readonly finished: boolean
}

class Traversal {
  private readonly dag: Dag.Dag
  private readonly measures: Measures.Measures
  private readonly prefer: Preferences.Preferences
  private readonly priority: Int32Array
  private placed = 0
  /** For each node, how many dependencies are not placed. */
  private readonly waits: Int32Array
  /** For each node, how many dependents are not placed: it is held until there are none. */
  private readonly readers: Int32Array
  /** The only final node, if there is one and other nodes. */
  private readonly only: number | undefined
  /** 1 for nodes that are, or were, on a stack for what comes after them. */
  private readonly seen: Uint8Array
  /** The path that is followed: at the bottom the goal, above it what has to be run before. */
  private stack: Array<number> = []
  /** Paths that were left for better ones, the next one last. */
  private readonly stacks: Array<Array<number>> = []
  /** Ready nodes that may free what they read, with the node they were met at. */
  private singles = new Map<number, number>()
  private laterSingles: Array<number> = []
  private soon: Pools = new Map()
  private later: Pools = new Map()
  /** What was remembered for soon, the next one last. */
  private readonly remembered: Array<ReadonlyArray<number>> = []
  /** The node that was last taken from a path. */
  private at: number

  constructor(dag: Dag.Dag) {
    this.dag = dag
    this.measures = Measures.make(dag)
    this.priority = new Int32Array(dag.size).fill(NOT_PLACED)
    this.waits = Int32Array.from({ length: dag.size }, (_, node) => Dag.degree(dag.dependencies, node))
    this.readers = Int32Array.from({ length: dag.size }, (_, node) => Dag.degree(dag.dependents, node))
    this.seen = new Uint8Array(dag.size)
    this.prefer = Preferences.make(dag, this.measures, this.waits)
    this.only = this.onlyGoal()
    this.at = 0
    if (this.only !== undefined) this.seen[this.only] = 1
  }

  private onlyGoal(): number | undefined {
    const goals = this.measures.maxHeight.reduce((count, height) => count + (height === 0 ? 1 : 0), 0)
    return goals === 1 && this.dag.size > 1 ? this.measures.maxHeight.indexOf(0) : undefined
  }

  run(): Int32Array {
    const { dependencies, size } = this.dag
    const leaves = Int32Array.from({ length: size }, (_, node) => node)
      .filter((node) => Dag.degree(dependencies, node) === 0)
      .sort(this.prefer.begin)
    let next = 0
    while (this.placed < size) {
      if (this.step() || this.recall()) continue
      while (this.isPlaced(leaves[next]!)) next++
      this.stack.push(leaves[next]!)
    }
    return this.priority
  }

  /** Goes on with the best that is at hand; `false` if nothing is. */
  private step(): boolean {
    const node = this.stack.pop()
    if (node !== undefined) this.visit(node)
    else if (this.stacks.length > 0) this.stack = this.stacks.pop()!
    else if (this.singles.size > 0) this.runSingles()
    else if (this.laterSingles.length > 0) this.runLaterSingles()
    else return false
    return true
  }

  private visit(node: number): void {
    this.at = node
    if (this.isPlaced(node)) return
    if (this.waits[node]! > 0) {
      this.descend(node)
      if (this.singles.size > 0) this.runSingles()
      return
    }
    const { finished, open } = this.place(node)
    this.follow(open, { mayGoOn: !finished, afterSingles: false })
  }

  private descend(node: number): void {
    const { list, start } = this.dag.dependencies
    const needed: Array<number> = []
    for (let i = start[node]!; i < start[node + 1]!; i++) if (!this.isPlaced(list[i]!)) needed.push(list[i]!)
    this.stack.push(node)
    for (const dependency of needed.sort(this.prefer.down).reverse()) {
      this.seen[dependency] = 1
      this.stack.push(dependency)
    }
  }

  private isPlaced(node: number): boolean {
    return this.priority[node] !== NOT_PLACED
  }

  private number(node: number): void {
    this.priority[node] = this.placed++
    const { list, start } = this.dag.dependencies
    for (let i = start[node]!; i < start[node + 1]!; i++) this.readers[list[i]!]!--
  }

  /** Gives a node the next number, and those final nodes that are ready with it. */
  private place(node: number): Followed {
    this.number(node)
    const { dependents } = this.dag
    const open: Array<number> = []
    const final: Array<number> = []
    const isNearGoal = this.measures.minHeight[node] === 1
    for (let i = dependents.start[node]!; i < dependents.start[node + 1]!; i++) {
      const dependent = dependents.list[i]!
      const isFinal = isNearGoal && Dag.degree(dependents, dependent) === 0
      if (isFinal && this.waits[dependent] === 1) final.push(dependent)
      else {
        this.waits[dependent]!--
        if (dependent !== this.only) open.push(dependent)
        // It does not count as one that holds what has run.
        else this.readers[node]!--
      }
    }
    for (const dependent of final.sort(this.prefer.finish)) this.number(dependent)
    return { open, finished: final.length > 0 }
  }

  /** Runs singles, as long as each frees what it was met at, and what becomes ready by them alone. */
  private runSingles(): void {
    const onDetour = this.stack.length > 0 || this.stacks.length > 0
    const met = new Set<number>()
    for (const [single, parent] of this.singles) {
      if (this.isPlaced(single)) continue
      if (onDetour && this.readers[parent]! > 1) this.laterSingles.push(single)
      else this.runOn(single, onDetour, met)
    }
    this.singles = new Map()
    this.followAll(met)
  }

  /** Nothing is on the stacks that would hold what they read. */
  private runLaterSingles(): void {
    const met = new Set<number>()
    for (const single of this.laterSingles) if (!this.isPlaced(single)) this.runOn(single, false, met)
    this.laterSingles = []
    this.followAll(met)
  }

  private followAll(met: ReadonlySet<number>): void {
    const open = [...met].filter((node) => !this.isPlaced(node))
    this.follow(open, { mayGoOn: false, afterSingles: true })
  }

  /**
   * Places a ready node, and after it the one dependent that is ready, and so on.
   *
   * @param avoidSeen leaves what is on a stack to that, unless it is all there is
   * @param met gets what is met at the end
   */
  private runOn(first: number, avoidSeen: boolean, met: Set<number>): void {
    for (let node = first; ; ) {
      const { open } = this.place(node)
      const fresh = avoidSeen ? open.filter((dependent) => this.seen[dependent] === 0) : open
      const isAllSeen = fresh.length === 0
      const one = isAllSeen ? open : fresh
      if (one.length === 1 && this.waits[one[0]!] === 0) {
        if (isAllSeen || fresh.length === open.length) {
          node = one[0]!
          continue
        }
        this.laterSingles.push(one[0]!)
        return
      }
      for (const dependent of fresh) met.add(dependent)
      return
    }
  }

  /**
   * Decides about dependents: go on with one, leave the path for some, or remember them.
   *
   * @param mayGoOn whether one may become the next goal if there is none
   */
  private follow(
    dependents: ReadonlyArray<number>,
    { afterSingles, mayGoOn }: { readonly afterSingles: boolean; readonly mayGoOn: boolean }
  ): void {
    const fresh = dependents.filter((node) => this.seen[node] === 0)
    const isFresh = fresh.length === dependents.length
    if (fresh.length === 0) {
      const [one] = dependents
      if (dependents.length === 1 && this.waits[one!] === 0) this.singles.set(one!, this.at)
      return
    }
    const goesOn = mayGoOn && isFresh
    if (fresh.length === 1) this.followOne(fresh[0]!, goesOn)
    else if (fresh.length === 2) this.followTwo(fresh, goesOn, afterSingles)
    else this.followMany(fresh, goesOn)
  }

  private followOne(node: number, goesOn: boolean): void {
    const goal = this.stack[0]
    if (goal === undefined ? goesOn : this.isSooner(node, goal)) this.detour([[node]])
    else if (this.waits[node] === 0) this.singles.set(node, this.at)
    else this.remember([node])
  }

  private followTwo(nodes: ReadonlyArray<number>, goesOn: boolean, afterSingles: boolean): void {
    const [first, second] = [...nodes].sort(
      (a, b) => this.partition(a) - this.partition(b) || this.prefer.up(a, b)
    ) as [number, number]
    const goal = this.stack[0]
    const isReady = this.waits[second] === 0
    if (goal === undefined ? !goesOn : !this.isSooner(first, goal)) {
      this.remember([first])
      this.remember([second])
      return
    }
    // The second may free what both read, once the first has run.
    const addSingle = () => {
      if (afterSingles) this.laterSingles.push(second)
      else this.singles.set(second, this.at)
    }
    const isBoth =
      goal === undefined
        ? !isReady &&
          this.partition(first) === this.partition(second) &&
          this.measures.exceeds(this.at, 5, first, 22)
        : this.isSooner(second, goal)
    if (isBoth) {
      this.detour([[second], [first]])
      // Where there was no goal it was not ready.
      if (isReady) addSingle()
      return
    }
    this.detour([[first]])
    if (isReady) addSingle()
    else this.remember([second])
  }

  private followMany(nodes: ReadonlyArray<number>, goesOn: boolean): void {
    const pools = new Map<number, Array<number>>()
    for (const node of nodes) {
      const pool = pools.get(this.partition(node))
      if (pool === undefined) pools.set(this.partition(node), [node])
      else pool.push(node)
    }
    const goal = this.stack[0]
    if (goal !== undefined) {
      const sooner = [...pools.keys()].filter((key) => key < this.partition(goal)).sort((a, b) => b - a)
      this.detour(sooner.flatMap((key) => this.bestLast(pools.get(key)!)))
      for (const key of sooner) pools.delete(key)
    } else if (goesOn) {
      const key = [...pools.keys()].reduce((a, b) => Math.min(a, b))
      const pool = pools.get(key)!
      pools.delete(key)
      const paths = this.bestLast(pool)
      // How eagerly to take all at once was found by trial, in Dask.
      if (this.measures.exceeds(this.at, 10, pool[0]!, 11 * pool.length ** 2)) this.detour(paths)
      else {
        this.detour(paths.slice(-1))
        if (pool.length > 1) add(this.soon, key, pool)
      }
    }
    for (const pool of pools.values()) this.remember(pool)
  }

  private bestLast(pool: ReadonlyArray<number>): ReadonlyArray<Array<number>> {
    return [...pool].sort((a, b) => this.prefer.up(b, a)).map((node) => [node])
  }

  /** Leaves the path that is followed, if any, for others: the last one is followed first. */
  private detour(paths: ReadonlyArray<Array<number>>): void {
    if (paths.length === 0) return
    if (this.stack.length > 0) this.stacks.push(this.stack)
    for (const path of paths) {
      for (const node of path) this.seen[node] = 1
      this.stacks.push(path)
    }
    this.stack = this.stacks.pop()!
  }

  private partition(node: number): number {
    return this.measures.partition[node]!
  }

  private isSooner(node: number, than: number): boolean {
    return this.partition(node) < this.partition(than)
  }

  /** Remembers nodes with the same partition for soon, if they narrow down, or for later. */
  private remember(pool: ReadonlyArray<number>): void {
    add(this.isSooner(pool[0]!, this.at) ? this.soon : this.later, this.partition(pool[0]!), pool)
  }

  /** Takes up what was remembered; `false` if there is nothing. */
  private recall(): boolean {
    for (;;) {
      for (const key of [...this.soon.keys()].sort((a, b) => b - a))
        this.remembered.push(...this.soon.get(key)!.toReversed())
      this.soon = new Map()
      for (let pool = this.remembered.pop(); pool !== undefined; pool = this.remembered.pop()) {
        const open = pool.filter((node) => !this.isPlaced(node))
        if (open.length === 0) continue
        for (const node of open) this.seen[node] = 1
        this.stacks.push(...this.bestLast(open))
        return true
      }
      if (this.later.size === 0) return false
      ;[this.soon, this.later] = [this.later, this.soon]
    }
  }
}

const add = (pools: Pools, key: number, pool: ReadonlyArray<number>) => {
  const known = pools.get(key)
  if (known === undefined) pools.set(key, [pool])
  else known.push(pool)
}
