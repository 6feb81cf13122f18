/**
 * Details: what is kept with the record of one run, so that its plan and what became of it can be laid side by side: the
 * plan (with the timeline that it predicted), the graph if it is small, and the facts.
 *
 * Format 1: CBOR with the fields of {@link Document}. The graph is without its constants: no value of a user is in it.
 */
import { Codec, Instance } from "@weft/core"
import * as Schema from "effect/Schema"
import { Columns, Data } from "./Columns.ts"
import type { Facts, NodeFact, WorkerFact } from "./Facts.ts"

const VERSION = 1

/** A graph of more bytes is not kept. */
export const GRAPH_BYTES = 262_144

/** What is kept with a run. */
export interface Details {
  /** `Plan.encode`'s bytes. */
  readonly plan: Uint8Array
  /** `GraphCodec.encode`'s bytes; `undefined` if there are more than {@link GRAPH_BYTES}. */
  readonly graph: Uint8Array | undefined
  readonly facts: Facts
}

const Amount = Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))
const Count = Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))

const Worker = Schema.Struct({
  worker: Schema.String,
  named: Schema.Boolean,
  memory: Schema.optional(Amount),
  invokedMs: Schema.optional(Schema.Finite),
  freeMs: Schema.optional(Schema.Finite),
  beganMs: Schema.Finite,
  endedMs: Schema.Finite,
  cold: Schema.optional(Schema.Boolean),
  loadMs: Amount,
  roundTrips: Count,
  callsMs: Schema.Array(Amount),
  invokesMs: Schema.Array(Amount),
  prewarmed: Count,
  bytesRead: Amount,
  bytesWritten: Amount
})

const Document = Schema.Struct({
  version: Schema.Literal(VERSION),
  plan: Schema.Uint8Array,
  graph: Schema.optional(Schema.Uint8Array),
  run: Schema.String,
  workflow: Schema.String,
  signature: Schema.String,
  planner: Schema.String,
  engine: Schema.String,
  status: Schema.Literals(["succeeded", "failed", "cancelled"]),
  begunAt: Amount,
  makespanMs: Amount,
  nodes: Data,
  /** How many instances each row stands for. */
  weights: Schema.Union([Schema.Number, Schema.instanceOf(Float32Array)]),
  /** For each row, the index of its task; -1 for nodes that are no calls. */
  task: Schema.instanceOf(Int32Array),
  tasks: Schema.Array(Schema.String),
  workers: Schema.Array(Worker),
  widths: Schema.Array(Schema.Tuple([Count, Amount]))
})
const decodeDocument = Schema.decodeUnknownSync(Document)

/** Details as bytes. */
export const encode = ({ facts, graph, plan }: Details): Uint8Array => {
  const { nodes, taskOf, ...rest } = facts
  const columns = new Columns(Math.max(1, nodes.length))
  const tasks = new Map<string, number>()
  const task = new Int32Array(nodes.length)
  for (const [row, fact] of nodes.entries()) {
    columns.add(fact)
    const name = taskOf(Instance.nodeOf(fact.instance))
    if (name !== undefined && !tasks.has(name)) tasks.set(name, tasks.size)
    task[row] = name === undefined ? -1 : tasks.get(name)!
  }
  const isWhole = nodes.every(({ weight = 1 }) => weight === 1)
  return Codec.encode({
    version: VERSION,
    plan,
    graph,
    ...rest,
    nodes: columns.data(),
    weights: isWhole ? 1 : Float32Array.from(nodes, ({ weight = 1 }) => weight),
    task,
    tasks: [...tasks.keys()]
  })
}

/**
 * Decodes details.
 *
 * @throws {Codec.Undecodable} for bytes that are no details, or of another version
 */
export const decode = (bytes: Uint8Array): Details => {
  const data = Codec.decode(bytes)
  const { version } = Object(data) as { readonly version?: unknown }
  if (version !== VERSION) {
    throw new Codec.Undecodable({
      reason: `details of a run have format ${String(version)}, and this version of weft reads ${VERSION}`
    })
  }
  const { graph, nodes, plan, task, tasks, version: _, weights, ...rest } = checked(data)
  const columns = Columns.from(nodes)
  if (columns.length !== nodes.instance.length || task.length !== columns.length)
    throw new Codec.Undecodable({ reason: "details of a run with columns that do not fit each other" })
  const weightOf = (row: number) => (typeof weights === "number" ? weights : (weights[row] ?? 1))
  const taskOf = new Map<number, string>()
  const facts: Array<NodeFact> = []
  for (let row = 0; row < columns.length; row++) {
    const fact = columns.row(row)
    const weight = weightOf(row)
    facts.push(weight === 1 ? fact : { ...fact, weight })
    const name = tasks[task[row]!]
    if (name !== undefined) taskOf.set(Instance.nodeOf(fact.instance), name)
  }
  return {
    plan,
    graph,
    facts: {
      ...rest,
      nodes: facts,
      workers: rest.workers as ReadonlyArray<WorkerFact>,
      taskOf: (node) => taskOf.get(node)
    }
  }
}

const checked = (data: unknown): typeof Document.Type => {
  try {
    return decodeDocument(data)
  } catch (error) {
    throw new Codec.Undecodable({
      reason: `no details of a run: ${error instanceof Error ? error.message : String(error)}`
    })
  }
}
