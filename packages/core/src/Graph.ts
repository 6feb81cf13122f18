/**
 * The graph: the immutable DAG as plain data.
 *
 * Made from the nodes one wants (`GraphBuilder.make`); what they do not need is not part of it. Nodes are numbered in
 * construction order, which is topological: a node's dependencies have smaller ids. Task names stand once, references
 * are integers, equal constants stand once; code is never in it. It is built to hold 1,000,000 nodes, hence the typed
 * arrays.
 *
 * Nodes inside an `each` belong to a *scope* and run once for each element. Besides the nodes that were made by calls
 * there are *gates*: a scope's node that uses a value from outside its scope waits for a gate, which waits for that
 * value and for the list. So elements that do not need the value start without it.
 *
 * What happens when one instance of a node completes is said in `Flow.ts`.
 */
import * as Nesting from "./Nesting.ts"
import * as Options from "./Options.ts"

/** A reference to another node's value, in arguments. */
export class Ref {
  readonly node: number
  constructor(node: number) {
    this.node = node
  }
}

/** A reference to a constant of the graph, in arguments. */
export class Const {
  readonly index: number
  constructor(index: number) {
    this.index = index
  }
}

/** What a node is: `gate` as said above, the others as in `Node.ts`. */
export type Kind = "call" | "item" | "expand" | "collect" | "gate"

/** A task as the graph knows it: its name and options, no code. */
export interface TaskInfo {
  readonly name: string
  readonly options: Options.TaskOptions
}

/** A scope: the body of an `each`. Scope 0 is the graph outside of every `each`. */
export interface ScopeInfo {
  /** The scope around it; 0 for scope 0 itself. */
  readonly parent: number
  /** The node that opens it; `undefined` for scope 0. */
  readonly expand: number | undefined
  /** The node that stands for an element; `undefined` for scope 0 and where nothing uses the element. */
  readonly item: number | undefined
}

/** The columns a graph is made of and encoded as; the index is the node's id. */
export interface Columns {
  readonly name: string
  readonly tasks: ReadonlyArray<TaskInfo>
  readonly scopes: ReadonlyArray<ScopeInfo>
  /** For calls the index of the task; otherwise one of {@link code}'s negative numbers. */
  readonly codes: Int32Array
  readonly scopeOf: Int32Array
  /**
   * The arguments, nestings of values, {@link Ref} and {@link Const}. `expand`: the list. `collect`: the reference to
   * its expand, then an element's nesting. `gate`: the reference to its expand, then the values it waits for.
   */
  readonly args: ReadonlyArray<ReadonlyArray<unknown>>
  /** Options of single calls; most nodes have none. */
  readonly options: ReadonlyMap<number, Options.TaskOptions>
  readonly constants: ReadonlyArray<Constant>
  /** The nesting that was asked for. */
  readonly targets: unknown
}

/** A constant: here, or (large ones, in a decoded graph) in the object store. */
export type Constant = { readonly value: unknown } | { readonly stored: true }

/** How kinds other than `call` are written in {@link Columns.codes}. */
export const code = { expand: -1, item: -2, collect: -3, gate: -4 } as const

/** Adjacency in compressed rows: the neighbours of `i` are `list[start[i]] … list[start[i + 1] - 1]`. */
export interface Adjacency {
  readonly start: Int32Array
  readonly list: Int32Array
}

/** The graph. Its adjacencies are distinct edges in ascending order. */
export class Graph {
  readonly columns: Columns
  /** How many nodes there are, those of scopes counted once. */
  readonly size: number
  /** Data: whose values each node reads. */
  readonly inputs: Adjacency
  /** Data: who reads each node's value. */
  readonly readers: Adjacency
  /** Order: what must be complete before each node. Items are left out: they come with their expand. */
  readonly parents: Adjacency
  /** Order: what each node's completion brings nearer. */
  readonly children: Adjacency
  /** The ids of the nodes that were asked for. */
  readonly targets: ReadonlySet<number>
  /** For each node, how many parents it waits for before any list is known: see `Flow.ts`. */
  readonly need: Int32Array
  private readonly opened: ReadonlyMap<number | undefined, number>

  constructor(columns: Columns) {
    this.columns = columns
    this.size = columns.codes.length
    this.opened = new Map(columns.scopes.map((scope, index) => [scope.expand, index]))
    this.inputs = edges(this.size, (id, add) => {
      for (const arg of columns.args[id]!) references(arg, add)
    })
    const gates = new Map<string, number>()
    this.parents = edges(this.size, (id, add) => this.addParents(id, gates, add))
    this.readers = transpose(this.inputs, this.size)
    this.children = transpose(this.parents, this.size)
    const targets = new Set<number>()
    references(columns.targets, (node) => targets.add(node))
    this.targets = targets
    this.need = new Int32Array(this.size)
    for (let id = 0; id < this.size; id++) {
      const start = this.parents.start[id]!
      let need = this.parents.start[id + 1]! - start
      if (columns.codes[id] === code.collect) need -= this.gathered(id)
      this.need[id] = need
    }
  }

  kind(id: number): Kind {
    switch (this.columns.codes[id]) {
      case code.expand:
        return "expand"
      case code.item:
        return "item"
      case code.collect:
        return "collect"
      case code.gate:
        return "gate"
      default:
        return "call"
    }
  }

  /** The task of a call; `undefined` for other nodes. */
  task(id: number): TaskInfo | undefined {
    return this.columns.tasks[this.columns.codes[id]!]
  }

  /** The task's name, or the node's kind. */
  name(id: number): string {
    return this.task(id)?.name ?? (this.columns.codes[id] === code.expand ? "each" : this.kind(id))
  }

  /** How people know the node: `blur#17`. */
  label(id: number): string {
    return `${this.name(id)}#${id}`
  }

  /** The task's options with those of the call over them. */
  options(id: number): Options.TaskOptions {
    const task = this.task(id)?.options ?? {}
    const own = this.columns.options.get(id)
    return own === undefined ? task : Options.merge(task, own)
  }

  /** For a collect, the scope that it gathers from. */
  over(id: number): number {
    return this.opened.get((this.columns.args[id]![0] as Ref).node)!
  }

  /** For a collect, how many nodes' completions it waits for in each run through its scope. */
  gathered(id: number): number {
    const over = this.over(id)
    return neighbours(this.parents, id).filter((parent) => this.columns.scopeOf[parent] === over).length
  }

  /** A node waits for inputs of its own scope, for a gate if it has inputs from outside, else for its scope's opening. */
  private addParents(id: number, gates: Map<string, number>, add: (parent: number) => void) {
    const { codes, scopeOf, scopes } = this.columns
    if (codes[id] === code.item) return
    const scope = scopeOf[id]!
    const over = codes[id] === code.collect ? this.over(id) : undefined
    const outside: Array<number> = []
    let own = 0
    for (let i = this.inputs.start[id]!; i < this.inputs.start[id + 1]!; i++) {
      const input = this.inputs.list[i]!
      if (scopeOf[input] !== scope && scopeOf[input] !== over) outside.push(input)
      else if (codes[input] !== code.item) {
        own++
        add(input)
      }
    }
    if (codes[id] === code.gate) {
      const [opens, ...values] = this.columns.args[id] as ReadonlyArray<Ref>
      gates.set(
        gateKey(
          opens!.node,
          values.map((value) => value.node)
        ),
        id
      )
    }
    if (scope === 0) return
    const expand = scopes[scope]!.expand!
    if (outside.length > 0) add(gates.get(gateKey(expand, outside))!)
    else if (own === 0) add(expand)
  }
}

/** What tells gates apart: the scope that they open, by its expand, and the values from outside, ascending. */
export const gateKey = (expand: number, outside: ReadonlyArray<number>): string =>
  `${expand}:${outside.join()}`

/** The neighbours of `id` as an array of its own. */
export const neighbours = (adjacency: Adjacency, id: number): ReadonlyArray<number> =>
  Array.from(adjacency.list.subarray(adjacency.start[id]!, adjacency.start[id + 1]!))

/** Calls `found` with the node of each reference in a nesting. */
export const references = (nesting: unknown, found: (node: number) => void): void => {
  if (nesting instanceof Ref) found(nesting.node)
  if (!Nesting.isContainer(nesting)) return
  Nesting.map(nesting, {
    leaf: (leaf) => {
      if (leaf instanceof Ref) found(leaf.node)
      return leaf
    }
  })
}

/** Collects distinct edges, row by row, in ascending order. */
const edges = (size: number, row: (id: number, add: (to: number) => void) => void): Adjacency => {
  const start = new Int32Array(size + 1)
  const lastRow = new Int32Array(size)
  let list = new Int32Array(Math.max(16, size * 2))
  let length = 0
  for (let id = 0; id < size; id++) {
    const from = length
    row(id, (to) => {
      if (lastRow[to] === id + 1) return
      lastRow[to] = id + 1
      if (length === list.length) {
        const larger = new Int32Array(length * 2)
        larger.set(list)
        list = larger
      }
      list[length++] = to
    })
    if (length - from > 1) list.subarray(from, length).sort()
    start[id + 1] = length
  }
  return { start, list: list.slice(0, length) }
}

/** The same edges the other way round. */
export const transpose = ({ list, start }: Adjacency, size: number): Adjacency => {
  const turnedStart = new Int32Array(size + 1)
  for (const to of list) turnedStart[to + 1]!++
  for (let i = 0; i < size; i++) turnedStart[i + 1]! += turnedStart[i]!
  const next = turnedStart.slice()
  const turned = new Int32Array(list.length)
  for (let id = 0; id < size; id++) {
    for (let i = start[id]!; i < start[id + 1]!; i++) turned[next[list[i]!]!++] = id
  }
  return { start: turnedStart, list: turned }
}
