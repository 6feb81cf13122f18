/**
 * Graphs as bytes, and the signature of a graph.
 *
 * Format 1, in CBOR: `[1, name, tasks, scopes, rows, scopeRuns, options, constants, targets]`. A row is a node's code
 * and arguments; scopes of nodes are run-length encoded; large constants are left out, to be kept as stored objects.
 */
import { createHash } from "node:crypto"
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import * as Codec from "./Codec.ts"
import * as Graph from "./Graph.ts"
import * as GraphCheck from "./GraphCheck.ts"
import * as Nesting from "./Nesting.ts"
import type { TaskOptions } from "./Options.ts"

const VERSION = 1
const TAG_REF = 39520
const TAG_CONST = 39521

Codec.onTag(TAG_REF, (node: number) => new Graph.Ref(node))
Codec.onTag(TAG_CONST, (index: number) => new Graph.Const(index))

/** Bytes that are not a graph, or one of a version that this code does not know. */
export class InvalidGraph extends Data.TaggedError("InvalidGraph")<{ readonly reason: string }> {
  override get message() {
    return `not a graph that this version of weft can read: ${this.reason}`
  }
}

/** A graph as bytes, and its large constants apart. */
export interface Encoded {
  readonly bytes: Uint8Array
  /** The constants that are not in `bytes`: index and encoded value. */
  readonly stored: ReadonlyArray<{ readonly index: number; readonly bytes: Uint8Array }>
}

/**
 * Encodes a graph.
 *
 * @param limit constants of more encoded bytes than this are kept apart. Default 64 KiB.
 */
export const encode = (graph: Graph.Graph, limit = 65_536): Encoded => {
  const { args, codes, constants, name, options, scopeOf, scopes, targets, tasks } = graph.columns
  const stored: Array<{ index: number; bytes: Uint8Array }> = []
  const inline = constants.map((constant, index) => {
    if ("stored" in constant) return []
    const bytes = Codec.encode(constant.value)
    if (bytes.length <= limit) return [constant.value]
    stored.push({ index, bytes })
    return []
  })
  const rows = args.map((row, id) => [codes[id]!, ...(row.map(write) as Array<unknown>)])
  const document = [
    VERSION,
    name,
    tasks.map((task) => (Object.keys(task.options).length === 0 ? [task.name] : [task.name, task.options])),
    scopes
      .slice(1)
      .map((scope) => [scope.parent, scope.expand, ...(scope.item === undefined ? [] : [scope.item])]),
    rows,
    runs(scopeOf),
    [...options],
    inline,
    write(targets)
  ]
  return { bytes: Codec.encode(document), stored }
}

const write = (nesting: unknown): unknown => {
  if (nesting instanceof Graph.Ref) return Codec.tagged(nesting.node, TAG_REF)
  if (nesting instanceof Graph.Const) return Codec.tagged(nesting.index, TAG_CONST)
  return Nesting.map(nesting, {
    leaf: (leaf) => (leaf instanceof Graph.Ref || leaf instanceof Graph.Const ? write(leaf) : leaf)
  })
}

const runs = (values: Int32Array): Array<[count: number, value: number]> => {
  const result: Array<[number, number]> = []
  for (const value of values) {
    const last = result.at(-1)
    if (last !== undefined && last[1] === value) last[0]++
    else result.push([1, value])
  }
  return result
}

const Index = Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))
const Document = Schema.Tuple([
  Schema.Literal(VERSION),
  Schema.String,
  Schema.Array(Schema.TupleWithRest(Schema.Tuple([Schema.String]), [Schema.Unknown])),
  Schema.Array(Schema.TupleWithRest(Schema.Tuple([Index, Index]), [Index])),
  Schema.Array(Schema.Unknown),
  Schema.Array(Schema.Tuple([Index, Index])),
  Schema.Array(Schema.Tuple([Index, Schema.Unknown])),
  Schema.Array(Schema.Array(Schema.Unknown)),
  Schema.Unknown
])
const decodeDocument = Schema.decodeUnknownResult(Document)

/**
 * Decodes a graph. Constants that were kept apart are marked `stored`.
 *
 * @throws {InvalidGraph} for anything that {@link encode} does not write
 */
export const decode = (bytes: Uint8Array): Graph.Graph => {
  const document = read(bytes)
  const [, name, tasks, scopes, unknownRows, scopeRuns, options, constants, targets] = document
  const rows = unknownRows.map(row)
  const columns = {
    name,
    tasks: tasks.map(([task, taskOptions]) => ({ name: task, options: (taskOptions ?? {}) as TaskOptions })),
    scopes: [
      { parent: 0, expand: undefined, item: undefined },
      ...scopes.map(([parent, expand, item]) => ({ parent, expand, item }))
    ],
    codes: Int32Array.from(rows, ([code]) => code),
    scopeOf: unrun(scopeRuns, rows.length),
    args: rows.map(([, ...args]) => args),
    options: new Map(options) as ReadonlyMap<number, TaskOptions>,
    constants: constants.map(
      (constant): Graph.Constant => (constant.length === 0 ? { stored: true } : { value: constant[0] })
    ),
    targets
  }
  const reason = GraphCheck.problem(columns)
  if (reason !== undefined) throw new InvalidGraph({ reason })
  return new Graph.Graph(columns)
}

/** Not by a schema: there are as many as nodes. */
const row = (value: unknown, id: number): readonly [code: number, ...args: ReadonlyArray<unknown>] => {
  if (Array.isArray(value) && Number.isInteger(value[0])) return value as [number, ...Array<unknown>]
  throw new InvalidGraph({ reason: `node ${id} is malformed` })
}

/** The inverse of {@link runs}. */
const unrun = (runs: ReadonlyArray<readonly [count: number, value: number]>, length: number): Int32Array => {
  if (runs.reduce((sum, [count]) => sum + count, 0) !== length) {
    throw new InvalidGraph({ reason: "its scopes do not fit its nodes" })
  }
  const values = new Int32Array(length)
  let at = 0
  for (const [count, value] of runs) {
    values.fill(value, at, at + count)
    at += count
  }
  return values
}

const read = (bytes: Uint8Array): typeof Document.Type => {
  let document: unknown
  try {
    document = Codec.decode(bytes)
  } catch (error) {
    throw new InvalidGraph({ reason: error instanceof Error ? error.message : String(error) })
  }
  if (Array.isArray(document) && Number.isInteger(document[0]) && document[0] > VERSION) {
    throw new InvalidGraph({
      reason: `it has format ${document[0]}, and this version reads up to ${VERSION}; update weft`
    })
  }
  const decoded = decodeDocument(document)
  if (decoded._tag === "Failure") throw new InvalidGraph({ reason: decoded.failure.message })
  return decoded.success
}

/**
 * A hash of the graph's structure: tasks by name, wiring, targets, but not constants or options. Runs of one
 * workflow on other inputs of the same shape have the same signature.
 *
 * @returns 32 hexadecimal digits
 */
export const signature = (graph: Graph.Graph): string => {
  const hash = createHash("sha256")
  const words: Array<number> = []
  const flush = () => {
    hash.update(Int32Array.from(words))
    words.length = 0
  }
  const END_OF_ARGUMENT = -5
  const END_OF_NODE = -6
  for (const task of graph.columns.tasks) hash.update(`${task.name}\n`)
  for (let id = 0; id < graph.size; id++) {
    words.push(graph.columns.codes[id]!, graph.columns.scopeOf[id]!)
    for (const arg of graph.columns.args[id]!) {
      Graph.references(arg, (node) => words.push(node))
      words.push(END_OF_ARGUMENT)
    }
    words.push(END_OF_NODE)
    if (words.length > 10_000) flush()
  }
  Graph.references(graph.columns.targets, (node) => words.push(node))
  flush()
  return hash.digest("hex").slice(0, 32)
}
