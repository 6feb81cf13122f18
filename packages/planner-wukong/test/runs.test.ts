// Real runs: the same results, with fewer bytes through stores, where outputs are large.
import { type Behaviour, type Graph, Planner, Predictions } from "@weft/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import fc from "fast-check"
import { afterAll, describe, expect, expectTypeOf, it, vi } from "vitest"
import { arbitraryWorkflow, moduleUrl as randomModule } from "../../core/test/randomGraph.ts"
import { redis } from "../../storage-redis/src/index.ts"
import { startRedis } from "../../testing/src/index.ts"
import { type Engine, inline, processes, threads } from "../../worker/src/index.ts"
import { end, type Settings, value } from "../../worker/test/harness.ts"
import {
  behaviours,
  type Large,
  locality,
  type Schedule,
  scheduling,
  type WukongOptions,
  wukong
} from "../src/index.ts"
import { join, make, moduleUrl, part, sum } from "./fixtures/tasks.ts"

// Processes take their time to start, on a machine with other things to do.
vi.setConfig({ testTimeout: 60_000 })

const LARGE = 300_000
const PAIRS = 4

/**
 * Four small values and four large ones, which other workers than those of the small ones make; of each large one two parts are
 * read, and it is joined with a small one.
 */
const pairs = () => {
  const small = Array.from({ length: PAIRS }, (_, i) => make(10, i))
  const large = Array.from({ length: PAIRS }, (_, i) => make(LARGE, i))
  return sum(...large.flatMap((one, i) => [part(one, 1), part(one, 2), join(one, small[i]!)]))
}
/** Each pair: 1000 i + 1, 1000 i + 2, and 2 i. */
const EXPECTED = [0, 1, 2, 3].reduce((total, i) => total + 2002 * i + 3, 0)

const planned = (options: WukongOptions) => (graph: Graph.Graph) =>
  Effect.runSync(Planner.run(wukong(options), graph, Predictions.none))

const on: WukongOptions = { largeOutputBytes: 100_000 }
const off: WukongOptions = { clustering: false, delayedIo: false }

/** How many bytes of values went into stores. */
const bytesOf = async (engine: Engine, options: WukongOptions): Promise<number> => {
  let bytes = 0
  const settings: Settings = {
    engine,
    module: moduleUrl,
    behaviours,
    plan: planned(options),
    coordination: (real) => ({
      ...real,
      complete: (run, worker, completions) => {
        for (const { keep } of completions)
          for (const { value } of keep) if (value !== "object") bytes += value.length
        return real.complete(run, worker, completions)
      }
    }),
    objects: (real) => ({
      ...real,
      put: (run, key, value) => {
        bytes += value.length
        return real.put(run, key, value)
      }
    })
  }
  expect(await value(pairs(), settings)).toBe(EXPECTED)
  return bytes
}

const pool = threads({ threads: 1, concurrency: 1, idleMs: 2 })
afterAll(() => pool.close())

describe.each([
  { name: "inline", engine: inline({ concurrency: 1, idleMs: 2 }) },
  { name: "threads", engine: pool }
])("on $name", ({ engine }) => {
  it("large outputs stay where they were made", async () => {
    const [without, with_] = [await bytesOf(engine, off), await bytesOf(engine, on)]
    expect(without).toBeGreaterThan(PAIRS * LARGE)
    expect(with_).toBeLessThan(LARGE)
  })

  it("outputs that are not large are stored as ever", async () => {
    expect(await bytesOf(engine, { largeOutputBytes: 2 * LARGE })).toBeGreaterThan(PAIRS * LARGE)
  })
})

describe("on processes with Redis", async () => {
  const server = await startRedis()
  const engine = processes({ processes: 1, concurrency: 1, idleMs: 5 })
  const scope = Scope.makeUnsafe()
  const stores = redis(server.url)
  const services = await Effect.runPromise(Layer.buildWithScope(stores.layer, scope))
  afterAll(async () => {
    await engine.close()
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await server.stop()
  })

  it("large outputs stay where they were made", async () => {
    const received = async () => {
      const info = String(await server.command("info", "stats"))
      return Number(/total_net_input_bytes:(\d+)/.exec(info)![1])
    }
    const bytes: Array<number> = []
    for (const options of [off, on]) {
      const before = await received()
      const settings: Settings = {
        engine,
        module: moduleUrl,
        behaviours,
        plan: planned(options),
        shared: {
          services: services as NonNullable<Settings["shared"]>["services"],
          reference: stores.reference!
        },
        leaseMs: 10_000
      }
      expect(await value(pairs(), settings)).toBe(EXPECTED)
      bytes.push((await received()) - before)
    }
    expect(bytes[0]).toBeGreaterThan(PAIRS * LARGE)
    expect(bytes[1]).toBeLessThan(2 * LARGE)
  })
})

it("a fan-out of 1,000 small outputs is shared", async () => {
  const workers = new Set<string>()
  const { status, value } = await end(
    (() => {
      const root = make(10, 1)
      return sum(...Array.from({ length: 1000 }, (_, i) => part(root, i)))
    })(),
    {
      engine: inline({ idleMs: 2 }),
      behaviours,
      plan: planned(on),
      onMessage: (message) => {
        if (message.type === "completed") workers.add(message.worker)
      }
    }
  )
  expect([status, value]).toEqual(["succeeded", 1_000_000 + 499_500])
  expect(workers.size).toBeGreaterThan(2)
})

it("random workflows give what plain function calls give, whatever is large", async () => {
  const engine = inline({ concurrency: 4, idleMs: 2 })
  await fc.assert(
    fc.asyncProperty(
      arbitraryWorkflow,
      fc.record({
        largeOutputBytes: fc.constantFrom(1, 6, 30),
        clustering: fc.boolean(),
        delayedIo: fc.boolean()
      }),
      async ({ build, expected }, options) => {
        const settings = { engine, module: randomModule, behaviours, plan: planned(options) }
        expect(await value(build(), settings)).toEqual(expected)
      }
    ),
    { numRuns: 60, interruptAfterTimeLimit: 50_000 }
  )
})

it("runs need behaviours for both annotations", () => {
  type Emitted = typeof Schedule | typeof Large
  expectTypeOf(wukong()).toExtend<Planner.Planner<Emitted>>()
  expectTypeOf<typeof behaviours>().toExtend<Behaviour.Covering<Emitted, typeof behaviours>>()
  type Half = [typeof scheduling]
  expectTypeOf<Half>().not.toExtend<Behaviour.Covering<Emitted, Half>>()
  expect(behaviours).toEqual([scheduling, locality])
  // Workers find them in a module that needs nothing of the planner.
  expect(behaviours.map(({ module }) => module.split("/").at(-1))).toEqual(["behaviours.ts", "behaviours.ts"])
})
