import { it as effect } from "@effect/vitest"
import { GraphBuilder, GraphCodec, Predictions, task } from "@weft/core"
import { History } from "@weft/storage"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { Learning, Predictor, Summaries } from "../src/index.ts"
import { facts, lognormal, node, random, worker } from "./facts.ts"
import { calls, predictorOf, summariesOf } from "./predictor.ts"

const MIB = 2 ** 20
const close = (actual: number | undefined, expected: number, share = 0.03) =>
  expect(Math.abs((actual ?? Number.NaN) / expected - 1), `${actual} for ${expected}`).toBeLessThan(share)

describe("execution time", () => {
  it("of one measurement is that", () => {
    const found = predictorOf([calls({ memory: 1024, ms: 80 })]).executionMs("blur", { memory: 1024 })!
    expect(found).toMatchObject({ samples: 1, basis: "measured", extrapolation: 1 })
    for (const sla of ["average", 0.01, 0.5, 0.99] as const) close(Predictions.at(found, sla), 80)
  })

  it("of a task that was never run is not known", () => {
    const predictions = predictorOf([calls({ ms: 1 })])
    expect(predictions.executionMs("sharpen", { memory: 1024 })).toBeUndefined()
    expect(predictions.outputBytes("sharpen", {})).toBeUndefined()
    expect(predictions.processorMs("blur", {})).toBeUndefined()
  })

  it("follows the bytes of the inputs, also beyond what was measured", () => {
    const ms = (bytes: number) => 20 + bytes / 50_000
    const sizes = [0.5, 1, 2, 4, 8].map((size) => size * MIB)
    const runs = [1, 2, 3].map(() => calls(...sizes.map((bytes) => ({ memory: 1769, bytes, ms: ms(bytes) }))))
    const { executionMs } = predictorOf(runs)
    for (const bytes of [...sizes, 3 * MIB, 6 * MIB]) {
      const found = executionMs("blur", { memory: 1769, inputBytes: bytes })!
      close(found.mean, ms(bytes), 0.05)
      expect(found.extrapolation).toBe(1)
    }
    const far = executionMs("blur", { memory: 1769, inputBytes: 32 * MIB })!
    close(far.mean, ms(32 * MIB), 0.05)
    expect(far.extrapolation).toBeCloseTo(4, 3)
    expect(executionMs("blur", { memory: 1769, inputBytes: MIB / 8 })!.extrapolation).toBeCloseTo(4, 3)
  })

  it("follows what is not linear where it was measured", () => {
    const ms = (bytes: number) => (bytes / MIB) ** 2
    const sizes = [1, 2, 4, 8, 16].map((size) => size * MIB)
    const run = calls(...sizes.flatMap((bytes) => new Array(40).fill({ memory: 1769, bytes, ms: ms(bytes) })))
    const { executionMs } = predictorOf([run])
    for (const bytes of [...sizes, 6 * MIB])
      close(executionMs("blur", { memory: 1769, inputBytes: bytes })!.mean, ms(bytes), 0.15)
  })

  it("does not depend on bytes where these explain nothing", () => {
    const next = random(1)
    const run = calls(
      ...Array.from({ length: 200 }, () => ({
        memory: 1769,
        bytes: Math.round(next() * MIB),
        ms: lognormal(next, 100, 0.2)
      }))
    )
    const { executionMs } = predictorOf([run])
    for (const inputBytes of [MIB / 8, MIB / 2, 4 * MIB])
      close(executionMs("blur", { memory: 1769, inputBytes })!.mean, 102, 0.1)
  })

  it("is not misled by inputs that did not come from elsewhere", () => {
    const ms = (bytes: number) => bytes / 10_000
    const run = calls(
      ...[1, 2, 4].flatMap((size) => [
        { memory: 1769, bytes: size * MIB, ms: ms(size * MIB) },
        { memory: 1769, bytes: 0, ms: ms(size * MIB) }
      ])
    )
    const { executionMs } = predictorOf([run, run, run])
    close(executionMs("blur", { memory: 1769, inputBytes: 3 * MIB })!.percentile(0.5), ms(3 * MIB), 0.1)
    close(executionMs("blur", { memory: 1769, inputBytes: 0 })!.percentile(0.5), ms(2 * MIB), 0.1)
  })

  it("asked without bytes is that of all sizes together", () => {
    const run = calls(...[100, 200, 400].map((ms) => ({ memory: 1024, bytes: ms * 1000, ms })))
    const { mean, percentile } = predictorOf([run]).executionMs("blur", { memory: 1024 })!
    close(mean, 700 / 3)
    close(percentile(0.25), 100)
    close(percentile(0.75), 400)
  })

  it("of a memory size in between or beyond is scaled by what was measured at others", () => {
    const ms = (memory: number) => 30 + (100 * 1769) / Math.min(memory, 1769)
    const run = calls(...[442, 1769, 3538].map((memory) => ({ memory, bytes: 1000, ms: ms(memory) })))
    const { executionMs } = predictorOf([run])
    const at = (memory: number) => executionMs("blur", { memory, inputBytes: 1000 })!
    for (const memory of [442, 1769, 3538]) {
      close(at(memory).mean, ms(memory))
      expect(at(memory)).toMatchObject({ basis: "measured", samples: 1, extrapolation: 1 })
    }
    for (const memory of [884, 1200, 2048, 10_240]) close(at(memory).mean, ms(memory), 0.06)
    close(at(221).mean, ms(221), 0.06)
    expect(at(884)).toMatchObject({ basis: "scaled", samples: 3, extrapolation: 1 })
    expect(at(221)).toMatchObject({ basis: "scaled", extrapolation: 2 })
    expect(at(7076)).toMatchObject({ basis: "scaled", extrapolation: 2 })
  })

  it("at one memory size only is scaled by its processor time", () => {
    // At 884.5 MiB half a core: 60 ms of processor time take 120 ms.
    const run = calls({ memory: 884.5 * 2, bytes: 10, ms: 160, processor: 60 })
    const { executionMs } = predictorOf([run, run])
    const at = (memory: number) => executionMs("blur", { memory, inputBytes: 10 })!.mean
    close(at(1769), 160)
    close(at(884.5), 220)
    close(at(442.25), 340)
    close(at(4096), 160)
  })

  it("at one memory size only, with no share kept to, stays as it is", () => {
    const run = calls({ memory: 512, ms: 100, processor: 95 })
    const found = predictorOf([run]).executionMs("blur", { memory: 128, inputBytes: 0 })!
    close(found.mean, 100)
    expect(found).toMatchObject({ basis: "scaled", extrapolation: 4 })
  })

  it("at one memory size only, with nothing known, is the worst that it can be", () => {
    const of = (memory: number) =>
      predictorOf([calls({ memory: 512, ms: 100 })]).executionMs("blur", { memory, inputBytes: 0 })!
    close(of(128).mean, 400)
    close(of(1024).mean, 100)
  })

  it("does not get longer with more memory, whatever was measured", () => {
    const { executionMs } = predictorOf([
      calls({ memory: 512, ms: 100 }, { memory: 1024, ms: 150 }, { memory: 2048, ms: 140 })
    ])
    const at = [256, 512, 700, 1024, 2048, 4096].map((memory) => executionMs("blur", { memory })!.mean)
    for (let i = 1; i < at.length; i++) expect(at[i]).toBeLessThanOrEqual(at[i - 1]!)
  })

  it("where workers have no sizes, is the same for all", () => {
    const plain = facts({ engine: "inline", workers: [worker({ memory: undefined })], nodes: [node()] })
    const sized = calls({ memory: 512, ms: 400 })
    const { executionMs } = predictorOf([plain, sized], { engine: "inline" })
    expect(executionMs("blur", { memory: 512 })).toMatchObject({ basis: "measured", samples: 1 })
    for (const memory of [128, 512, 4096]) close(executionMs("blur", { memory })!.mean, 100)
    // And of what has run on sized workers only, that of a whole core.
    const elsewhere = predictorOf(
      [facts({ engine: "inline", workers: [worker({ memory: undefined })] }), sized],
      { engine: "inline" }
    )
    close(elsewhere.executionMs("blur", { memory: 128 })!.mean, 400)
  })

  it("measured where workers have no sizes, is taken for that of a whole core", () => {
    const plain = facts({
      engine: "inline",
      workers: [worker({ memory: undefined })],
      nodes: [node({ processorMs: 100 })]
    })
    const { executionMs } = predictorOf([plain])
    close(executionMs("blur", { memory: 884, inputBytes: 0 })!.mean, 200)
    expect(executionMs("blur", { memory: 884 })!.basis).toBe("scaled")
  })
})

describe("what changes", () => {
  const run = (ms: number) => calls(...[0.95, 1, 1.05].map((f) => ({ memory: 1024, bytes: 100, ms: f * ms })))
  const after = (...ms: ReadonlyArray<number>) =>
    predictorOf(ms.map(run)).executionMs("blur", { memory: 1024, inputBytes: 100 })!
  const usual = new Array<number>(15).fill(100)

  it.each([10, 30, 300, 1000])("is followed after two runs: %d ms", (ms) => {
    close(after(...usual, ms, ms).percentile(0.5), ms, 0.1)
    close(after(...usual, ms, ms, ms).mean, ms, 0.2)
  })

  it.each([10, 1000])("is not followed after a single odd run: %d ms", (ms) => {
    close(after(...usual, ms).percentile(0.5), 100, 0.05)
    close(after(...usual, ms, 100, 100).mean, 100, 0.1)
  })

  it("slowly is followed as well", () => {
    const ms = Array.from({ length: 30 }, (_, i) => 100 * 1.02 ** i)
    close(after(...ms).percentile(0.5), ms.at(-1)!, 0.2)
  })

  it("drops absurd measurements", () => {
    const absurd = [Number.NaN, -5, Number.POSITIVE_INFINITY, 1e18].map((ms) => ({
      memory: 1024,
      bytes: 100,
      ms
    }))
    const found = predictorOf([run(100), calls(...absurd)]).executionMs("blur", { memory: 1024 })!
    close(found.mean, 100)
    expect(found.samples).toBe(3)
  })
})

describe("output bytes", () => {
  it("follow input bytes; what was never encoded says nothing", () => {
    const sizes = [1, 2, 4, 8].map((size) => size * MIB)
    const run = calls(
      ...sizes.flatMap((bytes) => [
        { bytes, ms: 1, output: bytes / 2 },
        { bytes, ms: 1 }
      ])
    )
    const { outputBytes } = predictorOf([run, run])
    for (const inputBytes of sizes)
      close(outputBytes("blur", { inputBytes, memory: 512 })!.mean, inputBytes / 2, 0.05)
    expect(outputBytes("blur", { inputBytes: MIB })).toMatchObject({ samples: 8, basis: "measured" })
  })
})

describe("the environment", () => {
  it("tells cold starts from warm ones, by memory, loading included", () => {
    const { startMs } = predictorOf([
      facts({
        workers: [
          worker({ memory: 512, cold: true, beganMs: 400, loadMs: 100 }),
          worker({ memory: 1024, cold: true, beganMs: 200, loadMs: 50 }),
          worker({ memory: 512, cold: false, beganMs: 15, loadMs: 5 }),
          worker({ memory: 512, cold: false, invokedMs: undefined, beganMs: 900 }),
          worker({ memory: 512, cold: false, beganMs: -1000 })
        ]
      })
    ])
    close(startMs("cold", 512)!.mean, 500)
    close(startMs("cold", 1024)!.mean, 250)
    close(startMs("warm", 512)!.mean, 20)
    expect(startMs("cold", 4096)).toMatchObject({ basis: "scaled", extrapolation: 4 })
    expect(startMs("cold", 4096)!.mean).toBeLessThanOrEqual(startMs("cold", 1024)!.mean)
  })

  it("knows transfers by bytes and direction", () => {
    const read = (bytes: number) => 4 + bytes / 60_000
    const write = (bytes: number) => 8 + bytes / 30_000
    const nodes = [1, 2, 4, 16].flatMap((size) => {
      const bytes = size * MIB
      return [
        node({ readBytes: bytes, inputsMs: read(bytes) }),
        node({ writtenBytes: bytes, publishMs: write(bytes) }),
        // Here the stage waited for what was being fetched.
        node({ readBytes: bytes, inputsMs: 9999, preloadedBytes: bytes, preloadedMs: read(bytes) })
      ]
    })
    const { transferMs } = predictorOf([facts({ nodes })])
    close(transferMs("read", 3 * MIB)!.mean, read(3 * MIB), 0.06)
    close(transferMs("write", 8 * MIB)!.mean, write(8 * MIB), 0.06)
    expect(transferMs("write", 64 * MIB)!.extrapolation).toBeCloseTo(4, 3)
    const sizes = [0, 1, 1e3, 1e5, 1e6, 2e6, 1e7, 1e8]
    const times = sizes.map((bytes) => transferMs("read", bytes)!.percentile(0.9))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })

  it("takes large transfers to vary as large ones do, and not as small ones", () => {
    const next = random(3)
    const small = Array.from({ length: 60 }, () =>
      node({ readBytes: 1000, inputsMs: lognormal(next, 2, 1.5) })
    )
    const large = [90, 100, 100, 110].map((inputsMs) => node({ readBytes: MIB, inputsMs }))
    const { transferMs } = predictorOf([facts({ nodes: [...small, ...large] })])
    close(transferMs("read", MIB)!.mean, 100, 0.2)
    expect(transferMs("read", MIB)!.percentile(0.9)).toBeLessThan(200)
    expect(transferMs("read", 1000)!.percentile(0.9)).toBeGreaterThan(6)
  })

  it("has each worker's first transfer in a new environment apart, and those that go on beside tasks count little", () => {
    const at = (worker: number, parts: Parameters<typeof node>[0]) =>
      node({ worker, readBytes: MIB, ...parts })
    const nodes = [
      at(0, { inputsMs: 600 }),
      at(1, { inputsMs: 20 }),
      at(0, { inputsMs: 20 }),
      at(0, { preloadedBytes: MIB, preloadedMs: 500 }),
      at(0, { inputsMs: 20, writtenBytes: MIB, publishMs: 40 })
    ]
    const { transferMs } = predictorOf([facts({ nodes, workers: [worker({ cold: true }), worker()] })])
    close(transferMs("read", MIB, { start: "cold" })!.mean, 600)
    close(transferMs("read", MIB)!.percentile(0.5), 20)
    close(transferMs("write", MIB, { start: "cold" })!.mean, 40)
    // However large it is, and whatever few first ones say.
    close(
      transferMs("read", 100 * MIB, { start: "cold" })!.mean,
      Math.max(600, transferMs("read", 100 * MIB)!.mean)
    )
  })

  it("knows calls and invocations", () => {
    const { coordinationMs, invokeMs } = predictorOf([
      facts({ workers: [worker({ callsMs: [1, 2, 3], invokesMs: [10] }), worker({ callsMs: [2, 2] })] })
    ])
    close(coordinationMs()!.mean, 2, 0.05)
    expect(coordinationMs()!.samples).toBe(5)
    close(invokeMs()!.percentile(0.9), 10)
  })

  it("has no cold starts where environments are not told apart", () => {
    const plain = facts({
      engine: "inline",
      workers: [worker({ memory: undefined, cold: undefined, beganMs: 3 })]
    })
    const { startMs, warm } = predictorOf([plain], { engine: "inline" })
    close(startMs("cold", 512)!.mean, startMs("warm", 512)!.mean)
    expect(warm(512)).toBeGreaterThan(1e6)
  })
})

describe("environments left warm", () => {
  const MINUTE = 60_000
  const at = (minutes: number, cold: boolean, workers = 2) =>
    facts({
      begunAt: minutes * MINUTE,
      workers: Array.from({ length: workers }, () =>
        worker({ memory: 512, cold, beganMs: 0, endedMs: 0.5 * MINUTE })
      )
    })
  const warmAt = (minutes: number, ...runs: ReadonlyArray<ReturnType<typeof at>>) =>
    predictorOf(runs, { now: minutes * MINUTE }).warm(512)

  it("are those that ran at the same moment, for five minutes", () => {
    expect(warmAt(104, at(100, true))).toBe(2)
    expect(warmAt(106, at(100, true))).toBe(0)
    expect(predictorOf([at(100, true)], { now: 101 * MINUTE }).warm(1024)).toBe(0)
  })

  it("are as many as were started, if these ran one after another", () => {
    const run = facts({
      begunAt: 100 * MINUTE,
      workers: [0, 1000, 2000].map((beganMs) =>
        worker({ memory: 512, cold: beganMs < 2000, beganMs, endedMs: beganMs + 500 })
      )
    })
    expect(predictorOf([run], { now: 101 * MINUTE }).warm(512)).toBe(2)
  })

  it("include what the run before had left", () => {
    expect(warmAt(103, at(100, true, 5), at(102, false, 1))).toBe(5)
    expect(warmAt(113, at(100, true, 5), at(112, true, 1))).toBe(1)
  })

  it("stay as long as has been seen", () => {
    expect(warmAt(129, at(100, true), at(110, false), at(120, false))).toBe(2)
    expect(warmAt(123.4, at(100, true), at(103, true), at(120, true))).toBe(0)
  })
})

describe("the workflow", () => {
  it("counts what succeeded, and knows lengths of lists", () => {
    const run = facts({
      widths: [
        [3, 10],
        [3, 30],
        [7, 5]
      ]
    })
    const { runs, width } = predictorOf([run, { ...run, status: "failed" }])
    expect(runs).toBe(1)
    close(width(3)!.mean, 20)
    close(width(7)!.percentile(0.9), 5)
    expect(width(4)).toBeUndefined()
  })

  it("knows how far earlier predictions were off, by engine, planner and start", () => {
    const ratios = [1.1, 1.2, 1.3, 1.2, 1.2]
    const runs = ratios.map((ratio) => facts({ makespanMs: ratio * 500 }))
    const summaries = summariesOf(runs, () => 500)
    const calibrationOn = (engine: string) =>
      Predictor.make(summaries, { engine, signature: "signature", now: 0 }).calibration
    const { makespanMs, ratio } = calibrationOn("lambda")("simple", "warm")!
    close(ratio.percentile(0.5), 1.2)
    expect(ratio.percentile(0.9)).toBeGreaterThan(1.28)
    close(makespanMs!.mean, 600)
    expect(calibrationOn("lambda")("simple", "cold")).toBeUndefined()
    expect(calibrationOn("threads")("simple", "warm")).toBeUndefined()
  })

  it("goes by how predictions with any planner turned out, while there is none of its own", () => {
    const off = { simple: 1.5, dask: 1.2 }
    const runs = Object.entries(off).map(([planner, ratio]) => facts({ planner, makespanMs: ratio * 500 }))
    const { calibration } = Predictor.make(
      summariesOf(runs, () => 500),
      { engine: "lambda", signature: "signature", now: 0 }
    )
    const { makespanMs, ratio } = calibration("uniform", "warm")!
    // As far as two of three planners are to be believed.
    close(ratio.mean, 1.35 ** (2 / 3))
    expect(makespanMs).toBeUndefined()
    close(calibration("dask", "warm")!.ratio.mean, 1.2)
  })
})

describe("load", () => {
  const blur = task("blur", (n: number) => n)
  const { graph } = GraphBuilder.make(blur(blur(1)), "flow")
  const signature = GraphCodec.signature(graph)

  effect.effect("predicts from what was learned", () =>
    Effect.gen(function* () {
      expect((yield* Predictor.load(graph, "lambda")).runs).toBe(0)
      yield* Learning.learn({ ...calls({ memory: 1024, ms: 50 }), signature })
      const predictions = yield* Predictor.load(graph, "lambda")
      expect(predictions.runs).toBe(1)
      close(predictions.executionMs("blur", { memory: 1024 })!.mean, 50)
    }).pipe(Effect.provide(History.layerMemory))
  )

  effect.effect("passes over garbage", () =>
    Effect.gen(function* () {
      const history = yield* History
      const wrongKind = Summaries.encode([...Summaries.summarise(facts())][0]![1])
      yield* history.replace(Summaries.taskKey("blur"), Uint8Array.of(1, 2, 3), undefined)
      yield* history.replace(Summaries.environmentKey("lambda"), new Uint8Array(), undefined)
      yield* history.replace(Summaries.workflowKey(signature), wrongKind, undefined)
      const { executionMs, runs, startMs, warm } = yield* Predictor.load(graph, "lambda")
      expect([runs, executionMs("blur", {}), startMs("cold", 512), warm(512)]).toEqual([
        0,
        undefined,
        undefined,
        0
      ])
      yield* Learning.learn({ ...calls({ memory: 1024, ms: 50 }), signature })
      close((yield* Predictor.load(graph, "lambda")).executionMs("blur", {})!.mean, 50)
    }).pipe(Effect.provide(History.layerMemory))
  )
})
