/**
 * What workers of one process know of a run: its graph and plan, the code, and what is derived from them once.
 */
import type { StreamOptions } from "@weft/annotations"
import {
  Annotation,
  type Behaviour,
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
  private readonly constants: Array<{ readonly value: unknown } | undefined> = []
  /** Whether any constant has to be fetched. */
  readonly hasStoredConstants: boolean
  private readonly readers: Int32Array
  private readonly bodies: ReadonlyMap<number, number>
  private readonly annotated: boolean
  private assignments: ReadonlyMap<string, ReadonlyArray<number>> | undefined
  private announcements: ReadonlyMap<number, ReadonlyArray<string>> | undefined
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
    this.behaviours = parts.behaviours
    this.codec = parts.codec ?? valueCodec
    this.streamed = streamedNodes(parts.graph, parts.plan)
    this.readers = new Int32Array(parts.graph.size).fill(UNKNOWN)
    this.annotated = parts.behaviours.length > 0
    this.announces = parts.behaviours.some(({ announces }) => announces !== undefined)
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

  /** Whether a behaviour of any annotation wraps the instance's stages. */
  hasBehaviours(instance: InstanceId): boolean {
    return this.annotated && this.behavioursOf(Instance.nodeOf(instance)).length > 0
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

const UNKNOWN = -1
const NONE: ReadonlyArray<never> = []

/** Under which key a large constant lies in the object store. */
export const constantKey = (index: number): string => `const/${index}`

/** Under which key a large value lies in the object store. */
export const valueKey = (instance: InstanceId): string => `value/${instance}`
