/**
 * From nodes to a graph: what is reachable from the targets, in construction order, with equal constants shared.
 */
import * as Codec from "./Codec.ts"
import * as Graph from "./Graph.ts"
import * as Nesting from "./Nesting.ts"
import { InvalidArgument, isNode, type Node, type Scope, type TaskReference } from "./Node.ts"
import type { TaskOptions } from "./Options.ts"

/** A graph, and the code of its tasks as far as this process has it. */
export interface Built {
  readonly graph: Graph.Graph
  /** The tasks' functions by name: for running in this very process. */
  readonly tasks: ReadonlyMap<string, TaskReference>
}

/** Two different tasks with one name in one graph or module. */
export class DuplicateTask extends InvalidArgument {
  constructor(name: string) {
    super({
      task: name,
      path: name,
      reason: `two different tasks are named "${name}"; give each a name of its own`
    })
  }
}

/**
 * Makes the graph of everything that `targets` needs.
 *
 * @param targets any nesting of nodes and values
 * @param name the workflow's name
 * @throws {InvalidArgument} if a target is inside the body of an `each`, or a value in the targets cannot be encoded
 * @throws {DuplicateTask} if two different tasks have one name
 */
export const make = (targets: unknown, name: string): Built => new Builder(name).build(targets)

/** Constants whose bytes are no more than this stay where they are: a reference would be as long. */
const INLINE_BYTES = 8
const INLINE_STRING = 24

class Builder {
  readonly name: string
  readonly ids = new NodeNumbers()
  readonly refs: Array<Graph.Ref> = []
  readonly tasks: Array<Graph.TaskInfo> = []
  readonly taskIndex = new Map<string, { readonly index: number; readonly reference: TaskReference }>()
  readonly scopes: Array<{ parent: number; expand: number | undefined; item: number | undefined }> = [
    { parent: 0, expand: undefined, item: undefined }
  ]
  readonly scopeIndex = new Map<Scope | undefined, number>([[undefined, 0]])
  readonly gates = new Map<string, number>()
  readonly codes: Array<number> = []
  readonly scopeOf: Array<number> = []
  readonly args: Array<ReadonlyArray<unknown>> = []
  readonly options = new Map<number, TaskOptions>()
  readonly constants = new Constants()

  constructor(name: string) {
    this.name = name
  }

  build(targets: unknown): Built {
    const wanted = this.wanted(targets)
    for (const node of reachable(wanted)) this.add(node)
    const graph = new Graph.Graph({
      name: this.name,
      tasks: this.tasks,
      scopes: this.scopes,
      codes: Int32Array.from(this.codes),
      scopeOf: Int32Array.from(this.scopeOf),
      args: this.args,
      options: this.options,
      targets: Nesting.map(targets, { leaf: (leaf) => (isNode(leaf) ? this.reference(leaf) : leaf) }),
      constants: this.constants.list.map((value) => ({ value }))
    })
    return { graph, tasks: new Map([...this.taskIndex].map(([name, { reference }]) => [name, reference])) }
  }

  private wanted(targets: unknown): ReadonlyArray<Node<unknown>> {
    const nodes: Array<Node<unknown>> = []
    const refuse = (path: Nesting.Path, reason: string) =>
      new InvalidArgument({
        task: this.name,
        path: Nesting.formatPath(path),
        reason: `the result: ${reason}`
      })
    const leaf = (value: unknown, path: Nesting.Path) => {
      if (!isNode(value)) Codec.check(value, path)
      else if (value.scope === undefined) nodes.push(value)
      else {
        throw refuse(
          path,
          `${value.label()} is inside the body of an each; return it from the each's callback instead`
        )
      }
      return value
    }
    try {
      Nesting.map(targets, { leaf })
    } catch (error) {
      throw Codec.isRefusal(error) ? refuse(error.path, error.message) : error
    }
    return nodes
  }

  private add(node: Node<unknown>) {
    const scope = this.scope(node.scope)
    // A body of constants has no nodes of its own that would bring its scope in.
    if (node.over !== undefined) this.scope(node.over)
    if (scope !== 0) this.addGate(node, scope)
    const id = this.push(
      this.code(node),
      scope,
      node.kind === "item" ? [] : node.args.map((arg) => this.convert(arg))
    )
    this.ids.set(node, id)
    if (node.kind === "item") this.scopes[scope]!.item = id
    if (node.options !== undefined) this.options.set(id, node.options)
  }

  private push(code: number, scope: number, args: ReadonlyArray<unknown>): number {
    const id = this.codes.length
    this.codes.push(code)
    this.scopeOf.push(scope)
    this.args.push(args)
    return id
  }

  /** A node that uses values from outside its scope waits for a gate beside the scope; equal ones share it. */
  private addGate(node: Node<unknown>, scope: number) {
    if (node.kind === "item") return
    const within = (dependency: Node<unknown>) =>
      dependency.scope === node.scope || (node.kind === "collect" && dependency.scope === node.over)
    const outside = node.dependencies.filter((dependency) => !within(dependency))
    this.gate(
      scope,
      outside.map((dependency) => this.ids.get(dependency))
    )
  }

  private gate(scope: number, unsorted: ReadonlyArray<number>) {
    if (unsorted.length === 0) return
    const outside = [...new Set(unsorted)].sort((a, b) => a - b)
    const { expand, parent } = this.scopes[scope]!
    const key = Graph.gateKey(expand!, outside)
    if (this.gates.has(key)) return
    if (parent !== 0)
      this.gate(
        parent,
        outside.filter((id) => this.scopeOf[id] !== parent)
      )
    const args = [expand!, ...outside].map((id) => (this.refs[id] ??= new Graph.Ref(id)))
    this.gates.set(key, this.push(Graph.code.gate, parent, args))
  }

  private code(node: Node<unknown>): number {
    if (node.kind !== "call") return Graph.code[node.kind as keyof typeof Graph.code]
    const reference = node.task!
    const known = this.taskIndex.get(reference.name)
    if (known !== undefined) {
      if (known.reference !== reference) throw new DuplicateTask(reference.name)
      return known.index
    }
    const index = this.tasks.length
    this.tasks.push({ name: reference.name, options: reference.options })
    this.taskIndex.set(reference.name, { index, reference })
    return index
  }

  private scope(scope: Scope | undefined): number {
    const known = this.scopeIndex.get(scope)
    if (known !== undefined) return known
    const { expand, parent } = scope!
    const index =
      this.scopes.push({ parent: this.scope(parent), expand: this.ids.get(expand), item: undefined }) - 1
    this.scopeIndex.set(scope, index)
    return index
  }

  private reference(node: Node<unknown>): Graph.Ref {
    const id = this.ids.get(node)
    return (this.refs[id] ??= new Graph.Ref(id))
  }

  private convert(arg: unknown): unknown {
    if (isNode(arg)) return this.reference(arg)
    return Nesting.map(arg, {
      leaf: (leaf) =>
        isNode(leaf) ? this.reference(leaf) : typeof leaf === "object" ? this.constants.share(leaf) : leaf,
      kept: (part) =>
        typeof part === "string" && part.length <= INLINE_STRING ? part : this.constants.share(part)
    })
  }
}

/** Equal constants once: the same object is recognised at once, equal ones by their bytes. */
class Constants {
  readonly list: Array<unknown> = []
  private readonly byValue = new Map<unknown, unknown>()
  private readonly byBytes = new Map<string, Graph.Const>()

  share(value: unknown): unknown {
    const seen = this.byValue.get(value)
    if (seen !== undefined) return seen
    const shared = typeof value === "string" ? this.add(value) : this.shareBytes(value)
    this.byValue.set(value, shared)
    return shared
  }

  private shareBytes(value: unknown): unknown {
    const bytes = Codec.encode(value)
    if (bytes.length <= INLINE_BYTES) return value
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")
    const seen = this.byBytes.get(key)
    if (seen !== undefined) return seen
    const added = this.add(value)
    this.byBytes.set(key, added)
    return added
  }

  private add(value: unknown): Graph.Const {
    return new Graph.Const(this.list.push(value) - 1)
  }
}

/** Everything the targets need, in construction order. Iterative: graphs are deep. */
const reachable = (targets: ReadonlyArray<Node<unknown>>): ReadonlyArray<Node<unknown>> => {
  const seen = new NodeNumbers()
  const found: Array<Node<unknown>> = []
  const visit = (node: Node<unknown>) => {
    if (seen.has(node)) return
    seen.set(node, 0)
    found.push(node)
  }
  for (const target of targets) visit(target)
  for (let i = 0; i < found.length; i++) {
    const node = found[i]!
    for (const dependency of node.dependencies) visit(dependency)
    if (node.scope !== undefined) visit(node.scope.expand)
  }
  return sorted(found)
}

/** By sequence. Sequences are mostly without gaps, so that each node can be put straight into its place. */
const sorted = (nodes: Array<Node<unknown>>): ReadonlyArray<Node<unknown>> => {
  if (nodes.length === 0) return nodes
  let first = Number.POSITIVE_INFINITY
  let last = 0
  for (const { sequence } of nodes) {
    if (sequence < first) first = sequence
    if (sequence > last) last = sequence
  }
  if (last - first > 4 * nodes.length) return nodes.sort((a, b) => a.sequence - b.sequence)
  const places = new Array<Node<unknown> | undefined>(last - first + 1).fill(undefined)
  for (const node of nodes) places[node.sequence - first] = node
  return places.filter((node) => node !== undefined)
}

/** A number for each node, by its sequence, in pages: at 1,000,000 nodes a Map takes several times the memory. */
class NodeNumbers {
  private static readonly PAGE = 2 ** 14
  private readonly pages: Array<Int32Array | undefined> = []

  private page(sequence: number): Int32Array | undefined {
    return this.pages[Math.floor(sequence / NodeNumbers.PAGE)]
  }
  has({ sequence }: Node<unknown>): boolean {
    return (this.page(sequence)?.[sequence % NodeNumbers.PAGE] ?? 0) !== 0
  }
  get({ sequence }: Node<unknown>): number {
    return this.page(sequence)![sequence % NodeNumbers.PAGE]! - 1
  }
  set({ sequence }: Node<unknown>, value: number) {
    const page = (this.pages[Math.floor(sequence / NodeNumbers.PAGE)] ??= new Int32Array(NodeNumbers.PAGE))
    page[sequence % NodeNumbers.PAGE] = value + 1
  }
}
