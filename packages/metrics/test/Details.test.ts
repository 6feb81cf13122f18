import { Codec } from "@weft/core"
import * as fc from "fast-check"
import { expect, it } from "vitest"
import { Details, type Facts, type NodeFact, type WorkerFact } from "../src/index.ts"

const ms = fc.float({ min: 0, max: 1e6, noNaN: true }).map((value) => Math.abs(value))
const bytes = fc.nat({ max: 2 ** 40 })

const node: fc.Arbitrary<NodeFact> = fc.record({
  instance: fc.oneof(
    fc.nat(20),
    fc.tuple(fc.nat(20), fc.nat(1000)).map(([id, i]) => `${id}[${i}]`)
  ),
  worker: fc.nat(3),
  attempt: fc.integer({ min: 1, max: 9 }),
  startedMs: fc.double({ min: -1e3, max: 1e6, noNaN: true }),
  inputsMs: ms,
  executionMs: ms,
  processorMs: fc.option(ms, { nil: undefined }),
  publishMs: ms,
  inputBytes: bytes,
  readBytes: bytes,
  preloadedBytes: bytes,
  preloadedMs: ms,
  outputBytes: bytes,
  writtenBytes: bytes,
  tries: fc.integer({ min: 1, max: 9 })
})
const weighted = fc
  .tuple(node, fc.integer({ min: 1, max: 9 }))
  .map(([fact, weight]): NodeFact => (weight === 1 ? fact : { ...fact, weight }))

const worker: fc.Arbitrary<WorkerFact> = fc.record({
  worker: fc.string(),
  named: fc.boolean(),
  memory: fc.option(fc.nat(), { nil: undefined }),
  invokedMs: fc.option(ms, { nil: undefined }),
  freeMs: fc.option(ms, { nil: undefined }),
  beganMs: ms,
  endedMs: ms,
  cold: fc.option(fc.boolean(), { nil: undefined }),
  loadMs: ms,
  roundTrips: fc.nat(),
  callsMs: fc.array(ms),
  invokesMs: fc.array(ms),
  prewarmed: fc.nat(),
  bytesRead: bytes,
  bytesWritten: bytes
})

const taskOf = (id: number) => (id % 3 === 0 ? undefined : `task ${id % 5}`)

const facts: fc.Arbitrary<Facts> = fc.record({
  run: fc.string(),
  workflow: fc.string(),
  signature: fc.string(),
  planner: fc.string(),
  engine: fc.string(),
  status: fc.constantFrom("succeeded", "failed", "cancelled"),
  begunAt: fc.nat(),
  makespanMs: ms,
  nodes: fc.array(fc.oneof(node, weighted)),
  workers: fc.array(worker),
  widths: fc.array(fc.tuple(fc.nat(20), fc.nat(1000))),
  taskOf: fc.constant(taskOf)
})

const nodeOf = ({ instance }: NodeFact) =>
  typeof instance === "number" ? instance : Number(instance.slice(0, instance.indexOf("[")))

it("details come back as they were", () => {
  const graphs = fc.option(fc.uint8Array(), { nil: undefined })
  fc.assert(
    fc.property(facts, fc.uint8Array(), graphs, (given, plan, graph) => {
      const decoded = Details.decode(Details.encode({ plan, graph, facts: given }))
      expect(decoded.plan).toEqual(plan)
      expect(decoded.graph).toEqual(graph)
      const { taskOf: known, ...rest } = decoded.facts
      const { taskOf: _, ...before } = given
      expect(rest).toEqual(before)
      const names = (of: Facts["taskOf"]) => given.nodes.map((fact) => of(nodeOf(fact)))
      expect(names(known)).toEqual(names(taskOf))
    }),
    { numRuns: 30 }
  )
})

it("what is not details is refused, and says so", () => {
  const plan = new Uint8Array()
  const empty: Facts = {
    run: "r",
    workflow: "w",
    signature: "s",
    planner: "p",
    engine: "inline",
    status: "succeeded",
    begunAt: 1,
    makespanMs: 1,
    nodes: [],
    workers: [],
    widths: [],
    taskOf
  }
  const good = Codec.decode(Details.encode({ plan, graph: undefined, facts: empty })) as object
  const refused = (change: object) => () => Details.decode(Codec.encode({ ...good, ...change }))
  expect(refused({ version: 2 })).toThrow("format 2")
  expect(refused({ makespanMs: Number.NaN })).toThrow(Codec.Undecodable)
  expect(refused({ workers: [{ worker: "w" }] })).toThrow(Codec.Undecodable)
  expect(refused({ task: new Int32Array(1) })).toThrow("do not fit")
  expect(() => Details.decode(new Uint8Array([1, 2, 3]))).toThrow(Codec.Undecodable)
  fc.assert(
    fc.property(fc.uint8Array(), (garbage) => {
      expect(() => Details.decode(garbage)).toThrow(Codec.Undecodable)
    })
  )
})
