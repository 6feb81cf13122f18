/**
 * What workers of one process know of a run: its graph and plan, the code, and what is derived from them once.
 */
import { Priority, type StreamOptions } from "@weft/annotations"
import {
  Annotation,
  Behaviour,
  Codec,
  Flow,
  Graph,
  Instance,
  type InstanceId,
  Plan,
  type TaskReference
} from "@weft/core"
import { Recording } from "@weft/metrics/recording"
import type { UploadStrategy } from "@weft/storage"
import { annotated } from "./Annotated.ts"
import { Durations } from "./Durations.ts"
import { streamedNodes } from "./StreamHandle.ts"
import { SharedValues, type ValueCodec, valueCodec } from "./Values.ts"

/** A run as workers see it. */
export class RunContext {
  readonly run: string
  readonly graph: Graph.Graph
  readonly plan: Plan.Plan
  readonly tasks: ReadonlyMap<string, TaskReference>
  readonly behaviours: ReadonlyArray<Behaviour.Behaviour>
  readonly codec: ValueCodec
  /** Large values that workers of this process have. */
  readonly shared = new SharedValues()
  readonly durations: Durations
  /** What this process measures of the run, if anything. */
  readonly recording: Recording | undefined
  /** The nodes whose items are streamed. */
  readonly streamed: ReadonlyMap<number, StreamOptions>
  private readonly priorities: ReadonlyMap<number, number>
  private readonly constants: Array<{ readonly value: unknown } | undefined> = []
  /** Whether any constant has to be fetched. */
  readonly hasStoredConstants: boolean
  private readonly readers: Int32Array
  private readonly bodies: ReadonlyMap<number, number>
  private readonly annotated: boolean
  private assignments: ReadonlyMap<string, ReadonlyArray<number>> | undefined
  private announcements: ReadonlyMap<number, ReadonlyArray<string>> | undefined
  private ordered: Graph.Adjacency | undefined
  private readonly precedences = new Map<number, number>()
  /** Whether the worker may have to hold on to values, and whether nodes have an order of their own. */
  readonly holds: boolean
  readonly hasOrder: boolean
  /** Whether anybody is told when values are kept. */
  readonly announces: boolean

  constructor(parts: {
    readonly run: string
    readonly graph: Graph.Graph
    readonly plan: Plan.Plan
    readonly tasks: ReadonlyMap<string, TaskReference>
    readonly behaviours: ReadonlyArray<Behaviour.Behaviour>
    readonly metrics?: UploadStrategy | undefined
    readonly codec?: ValueCodec
  }) {
    this.run = parts.run
    this.graph = parts.graph
    this.durations = new Durations(parts.graph)
    this.recording = parts.metrics === undefined ? undefined : new Recording(parts.run, parts.metrics)
    this.plan = parts.plan
    this.tasks = parts.tasks
    // Those that are for the types only cost nothing.
    this.behaviours = parts.behaviours.filter(Behaviour.acts)
    this.codec = parts.codec ?? valueCodec
    this.streamed = streamedNodes(parts.graph, parts.plan)
    this.readers = new Int32Array(parts.graph.size).fill(UNKNOWN)
    this.priorities = annotated(Priority, parts.graph, parts.plan)
    this.annotated = this.behaviours.length > 0
    this.announces = this.behaviours.some(({ announces }) => announces !== undefined)
    this.holds = this.behaviours.some(({ holds }) => holds !== undefined)
    this.hasOrder = this.behaviours.some(({ precedence }) => precedence !== undefined)
    this.hasStoredConstants = parts.graph.columns.constants.some((constant) => "stored" in constant)
    this.bodies = bodySizes(parts.graph)
  }

  /** Shown to people: `blur#17[3]`. */
  label(instance: InstanceId): string {
    return Instance.label(this.graph.name(Instance.nodeOf(instance)), instance)
  }

  /** `Flow.readersOf`, remembered. */
  readersOf(node: number): number {
    if (this.readers[node] === UNKNOWN) this.readers[node] = Flow.readersOf(this.graph, node)
    return this.readers[node]!
  }

  /** How many more instances there are when `node` is complete: an expand adds its body, once for each element. */
  addedBy(node: number, width: number): number {
    return width === 0 ? 0 : (this.bodies.get(node) ?? 0) * width
  }

  /** The behaviours whose annotation the node carries, with the value; the first is outermost. */
  behavioursOf(
    node: number
  ): ReadonlyArray<{ readonly behaviour: Behaviour.Behaviour; readonly value: unknown }> {
    if (!this.annotated) return NONE
    const values = Plan.annotationsOf(this.plan, this.graph, node)
    return this.behaviours.flatMap((behaviour) => {
      const value = Annotation.read(behaviour.annotation, values, this.graph.label(node))
      return value === undefined ? [] : [{ behaviour, value }]
    })
  }

  /** Whether any node has a priority. */
  get hasPriorities(): boolean {
    return this.priorities.size > 0
  }

  /** The node's place in the order in which a worker runs what it could run: the lowest goes first. */
  priorityOf(node: number): number {
    return this.priorities.get(node) ?? Number.POSITIVE_INFINITY
  }

  /** Whether a behaviour of any annotation wraps the instance's stages. */
  hasBehaviours(instance: InstanceId): boolean {
    return this.annotated && this.behavioursOf(Instance.nodeOf(instance)).length > 0
  }

  /** What follows from each node, first what a worker prefers to go on with. */
  get children(): Graph.Adjacency {
    if (!this.hasOrder) return this.graph.children
    this.ordered ??= orderedRows(this.graph.children, (one, other) => this.precedes(one, other))
    return this.ordered
  }

  /** The same items, first what a worker prefers to go on with. */
  inOrder<T extends { readonly instance: InstanceId }>(items: ReadonlyArray<T>): ReadonlyArray<T> {
    if (!this.hasOrder || items.length < 2) return items
    return items.toSorted((one, other) =>
      this.precedes(Instance.nodeOf(one.instance), Instance.nodeOf(other.instance))
    )
  }

  private precedes(one: number, other: number): number {
    const [before, after] = [this.precedence(one), this.precedence(other)]
    return before === after ? 0 : before < after ? -1 : 1
  }

  private precedence(node: number): number {
    const known = this.precedences.get(node)
    if (known !== undefined) return known
    const ordering = this.behavioursOf(node).find(({ behaviour }) => behaviour.precedence !== undefined)
    const precedence = ordering?.behaviour.precedence?.(ordering.value) ?? Number.POSITIVE_INFINITY
    this.precedences.set(node, precedence)
    return precedence
  }

  /** The nodes that the plan gave to a worker. */
  assignedTo(worker: string): ReadonlyArray<number> {
    this.assignments ??= assignmentsOf(this.plan)
    return this.assignments.get(worker) ?? NONE
  }

  /** The named workers that are told when the node's value is kept. */
  toldOf(node: number): ReadonlyArray<string> {
    this.announcements ??= this.announcementsOf()
    return this.announcements.get(node) ?? NONE
  }

  private announcementsOf(): ReadonlyMap<number, ReadonlyArray<string>> {
    const told = new Map<number, Array<string>>()
    for (const [node, { worker }] of this.plan.nodes) {
      if (worker === undefined) continue
      if (!this.behavioursOf(node).some(({ behaviour, value }) => behaviour.announces?.(value))) continue
      for (const input of Graph.neighbours(this.graph.inputs, node)) {
        // A worker knows of its own, and streams are read as they come.
        if (Plan.workerOf(this.plan, input) === worker || this.streamed.has(input)) continue
        const workers = told.get(input)
        if (workers === undefined) told.set(input, [worker])
        else if (!workers.includes(worker)) workers.push(worker)
      }
    }
    return told
  }

  /** A constant, if it is here. */
  constant(index: number): { readonly value: unknown } | undefined {
    const constant = this.graph.columns.constants[index]
    return constant !== undefined && "value" in constant ? constant : this.constants[index]
  }

  /** Remembers a constant that was kept in the object store. */
  setConstant(index: number, bytes: Uint8Array): void {
    this.constants[index] = { value: Codec.decode(bytes) }
  }
}

/** For each expand, how many nodes are run for each element of its list. */
const bodySizes = (graph: Graph.Graph): ReadonlyMap<number, number> => {
  const sizes = new Map<number, number>()
  const { codes, scopeOf, scopes } = graph.columns
  for (let id = 0; id < graph.size; id++) {
    const { expand } = scopes[scopeOf[id]!]!
    if (expand !== undefined && codes[id] !== Graph.code.item) sizes.set(expand, (sizes.get(expand) ?? 0) + 1)
  }
  return sizes
}

const assignmentsOf = ({ nodes }: Plan.Plan): ReadonlyMap<string, ReadonlyArray<number>> => {
  const assigned = new Map<string, Array<number>>()
  for (const [node, { worker }] of nodes) {
    if (worker === undefined) continue
    const own = assigned.get(worker)
    if (own === undefined) assigned.set(worker, [node])
    else own.push(node)
  }
  return assigned
}

const orderedRows = (
  { list, start }: Graph.Adjacency,
  precedes: (one: number, other: number) => number
): Graph.Adjacency => {
  const ordered = list.slice()
  for (let id = 0; id + 1 < start.length; id++)
    if (start[id + 1]! - start[id]! > 1) ordered.subarray(start[id]!, start[id + 1]!).sort(precedes)
  return { start, list: ordered }
}

const UNKNOWN = -1
const NONE: ReadonlyArray<never> = []

/** Under which key a large constant lies in the object store. */
export const constantKey = (index: number): string => `const/${index}`

/** Under which key a large value lies in the object store. */
export const valueKey = (instance: InstanceId): string => `value/${instance}`
