/**
 * Plans: what is decided before a run. For each node its memory and, optionally, the worker that runs it; annotations;
 * notes and the predicted timeline for people. What a plan leaves open the workers settle among themselves.
 */
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import * as Annotation from "./Annotation.ts"
import * as Codec from "./Codec.ts"
import type { Graph } from "./Graph.ts"

/** What is planned for one node; in an `each`, for all its instances. */
export interface NodePlan {
  /** Memory of the worker, in MiB. Absent: the plan's, or what the node's options ask for if that is more. */
  readonly memory?: number
  /** The worker that runs the node. Absent: whoever is free. */
  readonly worker?: string
  /** Annotations' values by name. */
  readonly annotations?: Readonly<Record<string, unknown>>
}

/** When a planner expects a node to run, in ms from the start of the run. */
export interface Predicted {
  readonly node: number
  readonly worker?: string
  readonly startMs: number
  readonly endMs: number
}

/** A plan. Nodes that are not in `nodes` have the plan's memory, no worker and no annotations. */
export interface Plan {
  /** The planner's name. */
  readonly planner: string
  /** Memory of nodes that have none of their own, in MiB. A node whose options ask for more gets more. */
  readonly memory: number
  readonly nodes: ReadonlyMap<number, NodePlan>
  /** Annotations on the plan as a whole. */
  readonly annotations: Readonly<Record<string, unknown>>
  /** What the planner wants people to know, e.g. that it had no history. */
  readonly notes: ReadonlyArray<string>
  readonly timeline: ReadonlyArray<Predicted>
}

/** A plan that does not fit its graph or contradicts itself. */
export class InvalidPlan extends Data.TaggedError("InvalidPlan")<{
  readonly planner: string
  readonly problems: ReadonlyArray<string>
}> {
  override get message() {
    return `the plan of planner "${this.planner}" is not valid: ${this.problems.join("; ")}`
  }
}

/** AWS Lambda's 1,769 MB is one full core; half of it is a usual middle size. Used where nobody says anything else. */
export const DEFAULT_MEMORY = 1024

/** A plan that leaves open whatever `parts` does not say. */
export const make = (planner: string, parts: Partial<Omit<Plan, "planner">> = {}): Plan => ({
  planner,
  memory: DEFAULT_MEMORY,
  nodes: new Map(),
  annotations: {},
  notes: [],
  timeline: [],
  ...parts
})

/**
 * The memory that a node's worker has at least, in MiB: what the plan says of the node, else the plan's own, or the node's
 * option `memory` if that is more.
 */
export const memoryOf = (plan: Plan, graph: Graph, node: number): number =>
  plan.nodes.get(node)?.memory ?? Math.max(plan.memory, graph.options(node).memory ?? 0)

/** The memory of each named worker, in MiB: that of the node that needs most. */
export const workerMemory = (plan: Plan, graph: Graph): ReadonlyMap<string, number> => {
  const sizes = new Map<string, number>()
  for (const [node, { worker }] of plan.nodes) {
    if (worker === undefined) continue
    sizes.set(worker, Math.max(sizes.get(worker) ?? 0, memoryOf(plan, graph, node)))
  }
  return sizes
}

/** The worker that a node is assigned to, if any. */
export const workerOf = (plan: Plan, node: number): string | undefined => plan.nodes.get(node)?.worker

/** The annotations in force on a node: the plan's over the call's over the task's. */
export const annotationsOf = (plan: Plan, graph: Graph, node: number): Readonly<Record<string, unknown>> => {
  const own = graph.options(node).annotations
  const planned = plan.nodes.get(node)?.annotations
  if (own === undefined) return planned ?? NOTHING
  return { ...Object.fromEntries(own.map(({ name, value }) => [name, value])), ...planned }
}
const NOTHING: Readonly<Record<string, unknown>> = {}

/**
 * Checks a plan against its graph, all problems at once.
 *
 * @param known the annotations whose values can be checked
 * @throws {InvalidPlan} for an unknown node, a worker that was given two memory sizes, less memory for a node than its
 *   options ask for, or an annotation's value that its schema refuses
 */
export const check = (plan: Plan, graph: Graph, known: ReadonlyArray<Annotation.AnyAnnotation>): void => {
  const problems: Array<string> = []
  const sizes = new Map<string, { memory: number; node: number }>()
  const readable = (
    values: Readonly<Record<string, unknown>>,
    on: string,
    scope: Annotation.AnnotationScope
  ) => {
    for (const definition of known) {
      if (values[definition.annotation] === undefined) continue
      if (definition.scope !== scope) {
        problems.push(
          `the annotation "${definition.annotation}" stands on ${on}, but belongs on ${definition.scope === "plan" ? "the plan" : "nodes"}`
        )
        continue
      }
      try {
        Annotation.read(definition, values, on)
      } catch (error) {
        if (!(error instanceof Annotation.InvalidAnnotation)) throw error
        problems.push(error.message)
      }
    }
  }
  readable(plan.annotations, "the plan", "plan")
  const memory = (value: number, on: string) => {
    if (!Number.isInteger(value) || value <= 0)
      problems.push(`${on} has ${value} MiB of memory; it must be a whole number above 0`)
  }
  memory(plan.memory, "the plan")
  for (const [node, own] of plan.nodes) {
    if (!Number.isInteger(node) || node < 0 || node >= graph.size) {
      problems.push(`node ${node} is not in the graph, which has nodes 0 to ${graph.size - 1}`)
      continue
    }
    const label = graph.label(node)
    if (own.memory !== undefined) {
      memory(own.memory, label)
      const least = graph.options(node).memory
      if (least !== undefined && own.memory < least) {
        problems.push(`${label} gets ${own.memory} MiB of memory, and its options ask for ${least}`)
      }
    }
    if (own.annotations !== undefined) readable(own.annotations, label, "node")
    if (own.worker === undefined) continue
    if (own.worker === "")
      problems.push(`${label} has the empty string as its worker; leave it out for a flexible worker`)
    // What options ask for beyond that the worker has, too.
    const size = own.memory ?? plan.memory
    const other = sizes.get(own.worker)
    if (other === undefined) sizes.set(own.worker, { memory: size, node })
    else if (other.memory !== size) {
      problems.push(
        `worker "${own.worker}" has two memory sizes: ${other.memory} MiB for ${graph.label(other.node)} and ${size} MiB for ${label}`
      )
    }
  }
  if (problems.length > 0) throw new InvalidPlan({ planner: plan.planner, problems })
}

const Values = Schema.Record(Schema.String, Schema.Unknown)
const VERSION = 1

const Document = Schema.Struct({
  version: Schema.Literal(VERSION),
  planner: Schema.String,
  memory: Schema.Finite,
  nodes: Schema.Array(
    Schema.Tuple([
      Schema.Int,
      Schema.Struct({
        memory: Schema.optionalKey(Schema.Finite),
        worker: Schema.optionalKey(Schema.String),
        annotations: Schema.optionalKey(Values)
      })
    ])
  ),
  annotations: Values,
  notes: Schema.Array(Schema.String),
  timeline: Schema.Array(
    Schema.Struct({
      node: Schema.Int,
      worker: Schema.optionalKey(Schema.String),
      startMs: Schema.Finite,
      endMs: Schema.Finite
    })
  )
})
const decodeDocument = Schema.decodeUnknownSync(Document)

/** A plan as bytes. */
export const encode = (plan: Plan): Uint8Array =>
  Codec.encode({ version: VERSION, ...plan, nodes: [...plan.nodes] })

/**
 * Decodes a plan.
 *
 * @throws {Codec.Undecodable} for bytes that are not a plan
 */
export const decode = (bytes: Uint8Array): Plan => {
  const document = Codec.decode(bytes)
  const { version } = Object(document) as { readonly version?: unknown }
  if (typeof version === "number" && version > VERSION) {
    throw new Codec.Undecodable({
      reason: `the plan has format ${version}, and this version reads up to ${VERSION}; update weft`
    })
  }
  try {
    const { version: _, ...plan } = decodeDocument(document)
    return { ...plan, nodes: new Map(plan.nodes) }
  } catch (error) {
    throw new Codec.Undecodable({
      reason: `not a plan: ${error instanceof Error ? error.message : String(error)}`
    })
  }
}
