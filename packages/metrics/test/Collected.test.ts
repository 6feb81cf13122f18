import { Codec, GraphBuilder, task } from "@weft/core"
import * as fc from "fast-check"
import { expect, it } from "vitest"
import { fromBatches, type Known, startingMs, totals } from "../src/index.ts"
import { Recorder } from "../src/Recorder.ts"
import { begin, measure, ran } from "./batches.ts"

const one = task("one", (value: number) => value)
const known = (nodes = 3): Known => ({
  run: "r",
  workflow: "w",
  signature: "s",
  planner: "p",
  engine: "lambda",
  status: "succeeded",
  begunAt: 500,
  makespanMs: 1000,
  graph: GraphBuilder.make(
    Array.from({ length: nodes }, (_, i) => one(i)),
    "w"
  ).graph
})
const NOW = 2000

/** Each in a process of its own, whose clock is right. */
const batchOf = (record: (recorder: Recorder) => void): Uint8Array => {
  const recorder = new Recorder()
  record(recorder)
  return recorder.take(NOW)!
}

it("moments are since the run's begin, by the store's clock", () => {
  const batch = batchOf((recorder) => {
    const life = begin(recorder, "w1")
    ran(life, 0, 1101)
    // Answered after 10 ms: it was 1305 there when it was 1205 here.
    recorder.clock.heard(1200, 1210, 1305)
    recorder.clock.heard(1200, 1300, 9999)
    life.end(1150)
  })
  const { nodes, workers } = fromBatches([batch], known())
  expect(nodes).toMatchObject([{ instance: 0, startedMs: 700, inputsMs: 1, executionMs: 10, publishMs: 2 }])
  expect(workers).toMatchObject([
    { worker: "w1", invokedMs: 450, beganMs: 600, endedMs: 750, cold: true, loadMs: 5, memory: 2048 }
  ])
  // From when it was being started, if its environment was started for it.
  expect(totals(workers)).toMatchObject({ gbSeconds: 0.6, workers: [{ memory: 2048, workers: 1, cold: 1 }] })
  expect(totals(workers.map((one) => ({ ...one, cold: false }))).gbSeconds).toBeCloseTo(0.3)
})

it("a worker that waited until fewer than may were running was started from then on", () => {
  const batch = (began: number, ended: number) =>
    batchOf((recorder) => begin(recorder, "w", began, 950).end(ended))
  // Each in a process of its own.
  const batches = [batch(1000, 1300), batch(1010, 1200), batch(1230, 1500), batch(1390, 1600)]
  const freeMs = (concurrency?: number) =>
    fromBatches(batches, { ...known(), concurrency }).workers.map((one) => one.freeMs)
  expect(freeMs()).toEqual([undefined, undefined, undefined, undefined])
  expect(freeMs(4)).toEqual([undefined, undefined, undefined, undefined])
  expect(freeMs(2)).toEqual([undefined, undefined, 700, 800])
  // As these clocks have it more ran than can: nothing is known of when there was a place again.
  expect(freeMs(1)).toEqual([undefined, undefined, undefined, undefined])
})

it("a worker that waited until its environment was done with another was started from then on", () => {
  const batch = batchOf((recorder) => {
    const first = begin(recorder, "w1")
    first.end(1300)
    begin(recorder, "w2", 1310, 950).end(1400)
    begin(recorder, "w3", 1410, 1405).end(1500)
  })
  const { workers } = fromBatches([batch], known())
  expect(workers.map(({ freeMs, invokedMs }) => [invokedMs, freeMs])).toEqual([
    [450, undefined],
    [450, 800],
    [905, undefined]
  ])
  expect(workers.map(startingMs)).toEqual([450, 800, 905])
})

it("a batch that came twice counts once, and the latest says what a life took", () => {
  const recorder = new Recorder()
  const life = begin(recorder, "w1")
  ran(life, 0, 1100)
  const first = recorder.take(1200)!
  ran(life, 1, 1300)
  life.roundTrips++
  life.callTook(7)
  life.end(1400)
  const second = recorder.take(NOW)!
  for (const batches of [
    [first, second, first],
    [second, first, second]
  ]) {
    const { nodes, workers } = fromBatches(batches, known())
    expect(nodes.map(({ instance }) => instance)).toEqual([0, 1])
    expect(workers).toMatchObject([{ endedMs: 900, roundTrips: 1, callsMs: [7] }])
  }
})

it("of several who ran a node, the one counts whose completion was accepted", () => {
  const slow = batchOf((recorder) => {
    const life = begin(recorder, "slow")
    ran(life, 0, 1100)
    life.refused([0])
  })
  const first = batchOf((recorder) => ran(begin(recorder, "first"), 0, 1200))
  const second = batchOf((recorder) => ran(begin(recorder, "second"), 0, 1300, 2))
  const twice = batchOf((recorder) => ran(begin(recorder, "twice"), 0, 1150))
  const winner = (...batches: ReadonlyArray<Uint8Array>) => {
    const { nodes, workers } = fromBatches(batches, known())
    expect(nodes).toHaveLength(1)
    return workers[nodes[0]!.worker]?.worker
  }
  expect(winner(slow, first)).toBe("first")
  expect(winner(first, slow)).toBe("first")
  // The first was lost before it told anybody.
  expect(winner(second, first)).toBe("second")
  // Its invocation came twice.
  expect(winner(first, twice)).toBe("twice")
  // It told it again, since the answer was lost.
  expect(winner(slow)).toBe("slow")
})

it("a value's size is known also if it was encoded later", () => {
  const batch = batchOf((recorder) => {
    const life = begin(recorder, "w1")
    life.node(0, 1, measure(1100, { outputBytes: 0 }), undefined, 3, 0)
    life.encoded(0, 77)
  })
  expect(fromBatches([batch], known()).nodes).toMatchObject([{ outputBytes: 77, processorMs: 3 }])
})

it("of many nodes a sample is kept, which stands for all of each task", () => {
  const count = 12_000
  const rare = task("rare", (value: number) => value)
  const graph = GraphBuilder.make(
    [...Array.from({ length: count - 1 }, (_, i) => one(i)), rare(0)],
    "w"
  ).graph
  const batch = batchOf((recorder) => {
    const life = begin(recorder, "w1")
    for (let node = 0; node < count; node++) ran(life, node, 1100 + node)
  })
  const { nodes, taskOf } = fromBatches([batch], { ...known(), graph })
  expect(nodes.length).toBeLessThanOrEqual(10_001)
  const weights = Map.groupBy(nodes, ({ instance }) => taskOf(instance as number))
  const sum = (name: string) => weights.get(name)!.reduce((all, { weight = 1 }) => all + weight, 0)
  expect(sum("rare")).toBe(1)
  expect(sum("one")).toBeCloseTo(count - 1, 3)
})

it("garbage changes nothing", () => {
  const good = batchOf((recorder) => ran(begin(recorder, "w1"), 0, 1100))
  const facts = (batches: ReadonlyArray<Uint8Array>) => {
    const { taskOf: _, ...rest } = fromBatches(batches, known())
    return rest
  }
  const expected = facts([good])
  const data = Codec.decode(good) as { readonly nodes: object }
  const absurd = [
    { ...data, version: 2 },
    { ...data, process: "other", nodes: { ...data.nodes, executionMs: Number.NaN } },
    { ...data, process: "another", nodes: { ...data.nodes, inputsMs: -1 }, lives: [] },
    { ...data, nodes: undefined }
  ].map((value) => Codec.encode(value))
  expect(facts([good, ...absurd]).nodes).toEqual(expected.nodes)
  fc.assert(
    fc.property(fc.uint8Array(), (garbage) => {
      expect(facts([garbage, good])).toEqual(expected)
    }),
    { numRuns: 30 }
  )
})
