// What is measured of a run, and how it gets into the history, on each engine.
import { Collected, Details } from "@weft/metrics"
import { Coordination, History, Stores } from "@weft/storage"
import { type RedisServer, startRedis } from "@weft/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  type Engine,
  InvalidMetrics,
  inline,
  processes,
  type RunEvent,
  run,
  submit,
  threads,
  type UploadStrategy
} from "weft"
import * as Connections from "../src/internal/Connections.ts"
import { burn, size, sum } from "./fixtures/measured.ts"

const module = new URL("./fixtures/measured.ts", import.meta.url).href
const WIDTH = 6
const nodes = () => {
  const source = burn(20)
  return sum(Array.from({ length: WIDTH }, (_, i) => size(source, i)))
}

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

/** What the history has of a run, or of all. */
const recorded = async (store: string | Stores.Stores, id: string) => {
  const connection = await Connections.use(store, undefined)
  const found = await connection.runtime.runPromise(
    Effect.gen(function* () {
      const history = yield* History
      const [runs, details, batches] = yield* Effect.all([
        history.runs({}),
        history.details(id),
        history.batches(id)
      ])
      return { records: runs.filter(({ run }) => run === id), details, batches }
    })
  )
  await connection.end()
  return found
}

/** Runs the nodes to their end, and looks at all who say how that was. */
const measured = async (engine: Engine, store: string | Stores.Stores, upload?: UploadStrategy) => {
  const metrics = upload === undefined ? {} : { metrics: { upload } }
  const handle = await submit(nodes(), { engine, store, history: "store", module, ...metrics })
  const events: Array<RunEvent> = []
  const following = (async () => {
    for await (const event of handle.events) events.push(event)
  })()
  expect(await handle.result()).toBe(100_000 * WIDTH + 15)
  await handle[Symbol.asyncDispose]()
  await following
  const { batches, details, records } = await recorded(store, handle.run)
  return {
    summary: await handle.summary(),
    ended: events.find((event) => event.type === "ended"),
    record: records[0]!,
    facts: Details.decode(details!).facts,
    batches
  }
}

const engines = [
  { name: "inline", open: () => ({ engine: inline(), close: async () => {}, store: Stores.memory() }) },
  {
    name: "threads",
    open: () => {
      const engine = threads({ threads: 2 })
      return { engine, close: () => engine.close(), store: Stores.memory() }
    }
  },
  {
    name: "processes on Redis",
    open: () => {
      const engine = processes({ processes: 2 })
      return { engine, close: () => engine.close(), store: redis.url }
    }
  }
]

describe.each(engines)("on $name", { timeout: 120_000 }, ({ name, open }) => {
  it("client, history and events have the same makespan, and the history has each node once", async () => {
    const { close, engine, store } = open()
    try {
      for (const upload of [undefined, "task" as const]) {
        const { batches, ended, facts, record, summary } = await measured(engine, store, upload)
        expect(ended).toMatchObject({ status: "succeeded" })
        const { makespanMs } = ended as { readonly makespanMs: number }
        expect(Math.abs(makespanMs - summary.makespanMs)).toBeLessThanOrEqual(1)
        expect(Math.abs(record.makespanMs - summary.makespanMs)).toBeLessThanOrEqual(1)
        expect(facts.makespanMs).toBe(record.makespanMs)
        expect(facts.nodes.map(({ instance }) => instance).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
        expect(record).toMatchObject({ instances: 8, status: "succeeded", planner: "simple" })
        expect(record.tasks.find(({ task }) => task === "size")).toMatchObject({ calls: WIDTH })
        // Nothing happens after the end, nor before the beginning; clocks are read to the millisecond.
        const [source] = facts.nodes
        expect(source!.startedMs).toBeGreaterThan(-5)
        expect(source!.executionMs).toBeGreaterThan(19)
        expect(source!.outputBytes).toBeGreaterThan(100_000)
        const readers = facts.nodes.filter(({ instance }) => facts.taskOf(instance as number) === "size")
        expect(readers).toHaveLength(WIDTH)
        for (const { startedMs } of readers) expect(startedMs).toBeGreaterThan(source!.startedMs + 19)
        expect(record.roundTrips).toBeGreaterThan(0)
        expect(batches).toEqual([])
        const cold = facts.workers.filter((worker) => worker.cold)
        // Vessels stay for the next run.
        expect(cold.length > 0).toBe(name !== "inline" && upload === undefined)
      }
    } finally {
      await close()
    }
  })
})

/** Stores in memory that can be watched, or broken. */
const storesWith = (
  coordination: (real: Coordination["Service"]) => Coordination["Service"],
  history: (real: History["Service"]) => History["Service"]
): Stores.Stores => {
  const changed = Layer.mergeAll(
    Layer.effect(Coordination, Effect.map(Coordination, coordination)),
    Layer.effect(History, Effect.map(History, history))
  )
  const { layer, ...rest } = Stores.memory()
  return { ...rest, layer: changed.pipe(Layer.provideMerge(layer)) }
}

it('with "task" nothing is complete for anybody that is not in the history', async () => {
  const there = new Collected()
  const told = new Set<unknown>()
  const store = storesWith(
    (real) => ({
      ...real,
      complete: (run, worker, completions) => {
        for (const { instance } of completions) told.add(instance)
        expect(there.completed).toBeGreaterThanOrEqual(told.size)
        return real.complete(run, worker, completions)
      }
    }),
    (real) => ({
      ...real,
      upload: (run, batch) => Effect.tap(real.upload(run, batch), () => Effect.sync(() => there.add(batch)))
    })
  )
  await run(nodes(), { store, module, metrics: { upload: "task" } })
  expect(told.size).toBe(8)
})

it("a history that breaks fails no run", async () => {
  const broken = Effect.die(new Error("the disk is full"))
  const store = storesWith(
    (real) => real,
    (real) => ({ ...real, upload: () => broken, batches: () => broken, record: () => broken })
  )
  expect(await run(nodes(), { store, module })).toBe(100_000 * WIDTH + 15)
})

it("`metrics: false` measures nothing, and the run is recorded all the same", async () => {
  const store = Stores.memory()
  const handle = await submit(nodes(), { store, module, metrics: false })
  await handle.result()
  await handle[Symbol.asyncDispose]()
  const { details, records } = await recorded(store, handle.run)
  expect(details).toBeUndefined()
  expect(records).toMatchObject([{ instances: 8, roundTrips: 0 }])
})

it("refuses strategies that make no sense, and says which do", async () => {
  for (const upload of ["never", { everyMs: 0 }, { queued: 1.5 }, { everyMs: Number.NaN }, 7, undefined]) {
    const given = { metrics: { upload: upload as UploadStrategy } }
    await expect(submit(nodes(), { module, ...given })).rejects.toThrow(InvalidMetrics)
  }
})
