// The front door: results, events, summaries and cancellation, on both engines.
import { Annotation, type Planner, planner, RunCancelled, RunFailed } from "@weft/core"
import { afterAll, describe, expect, it } from "vitest"
import {
  BuildFailed,
  each,
  InvalidInput,
  inline,
  type RunEvent,
  run,
  submit,
  threads,
  workflow
} from "../src/index.ts"
import flow, * as tasks from "./fixtures/front/flow.ts"

const { add, double, fail, list, never, say, untilAborted } = tasks
const module = new URL("./fixtures/front/flow.ts", import.meta.url).href

const pool = threads({ threads: 2, idleMs: 5 })
afterAll(() => pool.close())

const collect = async (events: AsyncIterable<RunEvent>) => {
  const all: Array<RunEvent> = []
  for await (const event of events) all.push(event)
  return all
}

/** Resolves when a run has begun a node. */
const begun = async (events: AsyncIterable<RunEvent>, task: string) => {
  for await (const event of events) if (event.type === "started" && event.task === task) return
}

const error = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error
  )

describe.each([
  { name: "inline", engine: inline({ idleMs: 5 }) },
  { name: "threads", engine: pool }
])("on $name", ({ engine, name }) => {
  const options = { engine, module, output: "ignore" } as const

  it("runs a workflow with its input", async () => {
    expect(await run(flow, { engine, input: { count: 5 } })).toBe(20)
    expect(await run(flow, { engine, input: { count: 0 } })).toBe(0)
  })

  it("runs any nesting of nodes", async () => {
    const two = double(1)
    expect(await run({ a: [two, add(two, two)], b: 1, c: each(list(2), (n) => [n, two]) }, options)).toEqual({
      a: [2, 4],
      b: 1,
      c: [
        [0, 2],
        [1, 2]
      ]
    })
    expect(await run("nothing to do", options)).toBe("nothing to do")
  })

  it("runs many at once, with equal names of workers", async () => {
    const named = planner({
      name: "named",
      annotations: [],
      plan: ({ draft, graph }) => {
        for (let id = 0; id < graph.size; id++) draft.assign(id, { worker: `w${id % 2}` })
      }
    })
    const sums = await Promise.all(
      Array.from({ length: 20 }, (_, i) => run(add(double(i), double(i + 1)), { ...options, planner: named }))
    )
    expect(sums).toEqual(Array.from({ length: 20 }, (_, i) => 4 * i + 2))
  })

  it("gives the same result however often it is asked for, also after the handle is disposed of", async () => {
    const handle = await submit(double(4), options)
    expect(await handle.result()).toBe(8)
    await handle[Symbol.asyncDispose]()
    expect(await handle.result()).toBe(8)
    expect((await handle.summary()).status).toBe("succeeded")
  })

  it("says which node failed, of which task, why and where", async () => {
    const failed = await error(run(add(1, fail("too much")), options))
    expect(failed).toBeInstanceOf(RunFailed)
    const { failures, message } = failed as RunFailed
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatchObject({ task: "fail", instance: 0, kind: "error", name: "RangeError" })
    expect(message).toContain("fail#0 failed on worker w-")
    expect(message).toContain("RangeError: too much")
    expect(message).toMatch(/at .*flow\.ts:\d+:\d+/)
  })

  it("says how often a node was tried", async () => {
    const handle = await submit(tasks.failTwice(), options)
    expect(await handle.result()).toBe(3)
    expect((await handle.summary()).retries).toBe(2)
    const retries = (await collect(handle.events)).filter(({ type }) => type === "retry")
    expect(retries).toMatchObject([
      { node: "failTwice#0", tries: 1, error: "attempt 1" },
      { node: "failTwice#0", tries: 2, error: "attempt 2" }
    ])
  })

  it("refuses an input that the workflow's schema refuses", async () => {
    const refused = await error(run(flow, { engine, input: { count: "many" as unknown as number } }))
    expect(refused).toBeInstanceOf(InvalidInput)
    expect((refused as Error).message).toMatch(/the input of flow is not valid: count: /)
  })

  it("refuses arguments that cannot travel, with their place", async () => {
    class Unknown {
      readonly field = 1
    }
    const build = (value: unknown) => () => run(tasks.say([value] as never), options)
    await expect(async () => build(() => 1)()).rejects.toThrow(/say.*args\[0\]\[0\] is a function/s)
    await expect(async () => build(Symbol("sign"))()).rejects.toThrow(/args\[0\]\[0\] is a symbol/)
    await expect(async () => build(new Unknown())()).rejects.toThrow(
      /args\[0\]\[0\] is an instance of Unknown/
    )
  })

  it.each<[string, Planner.Planner["plan"], RegExp]>([
    ["an unknown node", ({ draft }) => draft.assign(7, { memory: 128 }), /node 7 is not in the graph/],
    [
      "a worker with two sizes",
      ({ draft }) => {
        draft.assign(0, { worker: "a", memory: 128 })
        draft.assign(1, { worker: "a", memory: 256 })
      },
      /worker "a" has two memory sizes: 128 MiB for double#0 and 256 MiB for double#1/
    ],
    ["no memory", ({ draft }) => draft.setMemory(0), /the plan has 0 MiB of memory/],
    [
      "a planner that throws",
      () => {
        throw new Error("no plan today")
      },
      /no plan today/
    ]
  ])("refuses a plan with %s", async (_, plan, message) => {
    const wrong = planner({ name: "wrong", annotations: [], plan })
    await expect(run(double(double(1)), { ...options, planner: wrong })).rejects.toThrow(message)
  })

  it("refuses a plan with an annotation's value that its schema refuses", async () => {
    const wrong = planner({
      name: "wrong",
      annotations: [tasks.Shift],
      plan: ({ draft }) => draft.annotate(0, { name: "shift", value: "far" as unknown as number })
    })
    const promise = run(double(1), { ...options, planner: wrong, behaviours: [tasks.shift] })
    await expect(promise).rejects.toThrow(/the plan of planner "wrong" is not valid: .*"shift" on double#0/)
    const throwing = planner({
      name: "throwing",
      annotations: [tasks.Shift],
      plan: ({ draft }) => draft.annotate(0, tasks.Shift("far" as unknown as number))
    })
    await expect(
      run(double(1), { ...options, planner: throwing, behaviours: [tasks.shift] })
    ).rejects.toBeInstanceOf(Annotation.InvalidAnnotation)
  })

  describe("events", () => {
    it("tell what happens from the beginning to the end", async () => {
      const handle = await submit([say("hello"), double(1)], options)
      const events = await collect(handle.events)
      expect(events.at(-1)).toEqual({ type: "ended", status: "succeeded", makespanMs: expect.any(Number) })
      const completed = events.flatMap((event) => (event.type === "completed" ? event.nodes : []))
      expect(completed.map(({ node, task }) => [node, task]).toSorted()).toEqual([
        ["double#1", "double"],
        ["say#0", "say"]
      ])
      expect(events).toContainEqual(
        expect.objectContaining({ type: "output", node: "say#0", stream: "stdout", text: "hello\n" })
      )
    })

    it("are told again to those who come late, and to each of several", async () => {
      const handle = await submit([say("hello"), double(1)], options)
      await handle.result()
      const [one, other] = await Promise.all([collect(handle.events), collect(handle.events)])
      expect(one).toEqual(other)
      expect(one.at(-1)).toEqual({ type: "ended", status: "succeeded", makespanMs: expect.any(Number) })
      expect(await collect(handle.events)).toEqual(one)
    })

    it("can be left before the end", async () => {
      const handle = await submit(double(double(1)), options)
      for await (const _ of handle.events) break
      expect(await handle.result()).toBe(4)
    })

    it("end for a run that fails, too", async () => {
      const handle = await submit(fail("no"), options)
      expect((await collect(handle.events)).at(-1)).toEqual({
        type: "ended",
        status: "failed",
        makespanMs: expect.any(Number)
      })
      await expect(handle.result()).rejects.toBeInstanceOf(RunFailed)
    })
  })

  describe("summary", () => {
    it("adds up", async () => {
      const handle = await submit(
        each(list(5), (n) => double(double(n))),
        options
      )
      const events = await collect(handle.events)
      const summary = await handle.summary()
      expect(summary).toMatchObject({
        workflow: "nodes",
        status: "succeeded",
        engine: name,
        planner: "simple"
      })
      expect(summary.completed).toBe(summary.total)
      const nodes = events.flatMap((event) => (event.type === "completed" ? event.nodes : []))
      expect(nodes).toHaveLength(summary.completed)
      const calls = nodes.filter(({ task }) => task === "list" || task === "double")
      expect(calls).toHaveLength(11)
      const byTask = new Map(summary.tasks.map(({ calls, task }) => [task, calls]))
      expect(byTask).toEqual(
        new Map([
          ["double", 10],
          ["list", 1]
        ])
      )
      const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((a, b) => a + b, 0)
      expect(summary.executionMs).toBeCloseTo(sum(calls.map(({ measure }) => measure.executionMs)), 6)
      expect(sum(summary.tasks.map(({ executionMs }) => executionMs))).toBeCloseTo(summary.executionMs, 6)
      expect(summary.bytesWritten).toBe(sum(nodes.map(({ measure }) => measure.outputBytes)))
      expect(summary.bytesRead).toBe(sum(nodes.map(({ measure }) => measure.inputBytes)))
      expect(summary.slowest).toHaveLength(5)
      const slowest = summary.slowest.map(({ executionMs }) => executionMs)
      expect(slowest).toEqual(slowest.toSorted((a, b) => b - a))
      expect(slowest[0]).toBe(Math.max(...calls.map(({ measure }) => measure.executionMs)))
      expect(summary.workers).toBeGreaterThan(0)
      expect(summary.makespanMs).toBeGreaterThanOrEqual(0)
    })

    it("is there for a run that failed or was cancelled", async () => {
      const failed = await submit([double(1), fail("no")], options)
      await error(failed.result())
      expect((await failed.summary()).status).toBe("failed")
      const cancelled = await submit(never(), options)
      await cancelled.cancel()
      await error(cancelled.result())
      expect(await cancelled.summary()).toMatchObject({ status: "cancelled", completed: 0, total: 1 })
    })
  })

  describe("cancelling", () => {
    it("by hand ends the run, for the reason given", async () => {
      const handle = await submit(untilAborted(), options)
      await begun(handle.events, "untilAborted")
      await handle.cancel("enough")
      const cancelled = await error(handle.result())
      expect(cancelled).toBeInstanceOf(RunCancelled)
      expect((cancelled as Error).message).toMatch(/was cancelled: enough$/)
      expect((await collect(handle.events)).at(-1)).toEqual({
        type: "ended",
        status: "cancelled",
        makespanMs: expect.any(Number)
      })
    })

    it("by a signal ends the run", async () => {
      const controller = new AbortController()
      const promise = error(run(untilAborted(), { ...options, signal: controller.signal }))
      await new Promise((resume) => setTimeout(resume, 5))
      controller.abort(new Error("no longer"))
      expect((await promise) as Error).toBeInstanceOf(RunCancelled)
      expect(((await promise) as Error).message).toContain("no longer")
    })

    it("by a signal that is aborted while the run is being planned ends it, too", async () => {
      const controller = new AbortController()
      const slow = planner({
        name: "slow",
        annotations: [],
        plan: async () => {
          await undefined
          controller.abort(new Error("too late"))
        }
      })
      const promise = run(never(), { ...options, planner: slow, signal: controller.signal })
      await expect(promise).rejects.toThrow("too late")
    })

    it("by a signal that was aborted before begins nothing", async () => {
      await expect(
        run(never(), { ...options, signal: AbortSignal.abort(new Error("before")) })
      ).rejects.toThrow("before")
    })

    it("by disposing of the handle ends the run", async () => {
      let result: Promise<unknown>
      {
        await using handle = await submit(never(), options)
        result = error(handle.result())
      }
      expect(await result).toBeInstanceOf(RunCancelled)
    })

    it("ends tasks that do not listen to their signal", async () => {
      const handle = await submit([never(), each(list(3), () => never())], options)
      await begun(handle.events, "never")
      await handle.cancel()
      await expect(handle.result()).rejects.toBeInstanceOf(RunCancelled)
    })

    it("does nothing to a run that has ended", async () => {
      const handle = await submit(double(1), options)
      expect(await handle.result()).toBe(2)
      await handle.cancel()
      expect(await handle.result()).toBe(2)
    })

    it("comes through while many short tasks run one after another", async () => {
      const controller = new AbortController()
      let node = double(1)
      for (let i = 0; i < 20_000; i++) node = double(node)
      const promise = error(run(node, { ...options, signal: controller.signal }))
      setTimeout(() => controller.abort(), 5)
      const ended = await promise
      // A fast machine may be through already.
      if (ended !== undefined) expect(ended).toBeInstanceOf(RunCancelled)
    })
  })

  it("stops what runs beside a node that fails", async () => {
    const handle = await submit([untilAborted(), fail("no")], options)
    await expect(handle.result()).rejects.toBeInstanceOf(RunFailed)
  })
})

describe("on threads", () => {
  it("ends a thread that is blocked when the run is cancelled", async () => {
    const engine = threads({ threads: 1 })
    const handle = await submit(tasks.block(), { engine, module })
    await begun(handle.events, "block")
    await handle.cancel()
    await expect(handle.result()).rejects.toBeInstanceOf(RunCancelled)
    expect(await run(double(2), { engine, module })).toBe(4)
    await engine.close()
  })

  it("says so if it does not know where the tasks are", async () => {
    await expect(run(double(1), { engine: "threads" })).rejects.toThrow(/pass `module: import.meta.url`/)
  })
})

it("says what a builder threw", async () => {
  const broken = workflow(import.meta, () => fail.with({ retry: -1 })("no"), { name: "flow" })
  const failed = await error(run(broken))
  expect(failed).toBeInstanceOf(BuildFailed)
  expect((failed as Error).message).toMatch(/the graph of flow could not be built: .*retry/)
})

it("planners know how large a value may be that the store keeps itself, unless they are told otherwise", async () => {
  const found: Array<number | undefined> = []
  const asking = planner({
    name: "asking",
    annotations: [],
    plan: ({ environment }) => void found.push(environment.inlineBytes)
  })
  const options = { engine: inline(), planner: asking, history: "none" } as const
  await run(double(1), options)
  await run(double(1), { ...options, environment: { inlineBytes: 7 } })
  expect(found).toEqual([65_536, 7])
})
