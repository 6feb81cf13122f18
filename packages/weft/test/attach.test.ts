// Runs whose client is gone: another goes on with them, or watches. On one memory that clients share.
import { RunCancelled, RunFailed } from "@weft/core"
import { type Coordination, StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import {
  attach,
  each,
  ModuleError,
  NoModule,
  type RunEvent,
  RunLeft,
  submit,
  threads,
  UnknownRun,
  UnreadableRun,
  watch
} from "../src/index.ts"
import * as tasks from "./fixtures/front/flow.ts"
import { damaged, module, orphan, sharedMemory } from "./stores.ts"

const { add, double, fail, list, say, sum, text, untilAborted } = tasks
const quick = { pollMs: 5, output: "ignore" } as const

type Store = Coordination["Service"]

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
    (value) => value,
    (error: unknown) => error
  )

describe("attach", () => {
  it("goes on with a run whose client is gone, gives its result and leaves nothing", async () => {
    const memory = await sharedMemory()
    const run = await orphan(memory, [sum(each(list(5), (n) => double(n))), double(double(1))])
    await using handle = await attach(run, { ...quick, store: memory.stores })
    expect(handle.run).toBe(run)
    expect(await handle.result()).toEqual([20, 4])
    expect(await handle.summary()).toMatchObject({ status: "succeeded", planner: "simple", engine: "inline" })
    expect(await memory.left()).toEqual([0, 0])
  })

  it("does so on other engines, too", async () => {
    const memory = await sharedMemory()
    const engine = threads({ threads: 1 })
    // Long enough for a thread to start.
    const run = await orphan(memory, double(double(1)), { leaseMs: 2000 })
    await using handle = await attach(run, { ...quick, engine, store: memory.stores })
    expect(await handle.result()).toBe(4)
    await engine.close()
  })

  it("finds the behaviours that the run names", async () => {
    const memory = await sharedMemory()
    const run = await orphan(memory, double(1), { behaviours: [tasks.shift] })
    await using handle = await attach(run, { ...quick, store: memory.stores })
    expect(await handle.result()).toBe(2)
    const elsewhere = { ...tasks.shift, module: new URL("./stores.ts", import.meta.url).href }
    const other = await orphan(memory, double(1), { behaviours: [elsewhere], run: "other" })
    await expect(attach(other, { store: memory.stores })).rejects.toThrow(
      /no behaviour for the annotation "shift"/
    )
  })

  it("finds large constants, also among what was asked for", async () => {
    const memory = await sharedMemory()
    const large = "x".repeat(100_000)
    const run = await orphan(memory, [say(large), { large }])
    await using handle = await attach(run, { ...quick, store: memory.stores })
    expect(await handle.result()).toEqual([large, { large }])
    expect(await memory.left()).toEqual([0, 0])
  })

  it("finds large constants of a run that was begun inline", async () => {
    const memory = await sharedMemory()
    const large = "x".repeat(100_000)
    const options = { ...quick, module, store: memory.stores, leaseMs: 60_000 }
    await using first = await submit([tasks.length(large), untilAborted()], options)
    await begun(first.events, "untilAborted")
    const document = await Effect.runPromise(memory.coordination.load(first.run))
    expect(document?.graph.length).toBeLessThan(10_000)
    expect((await memory.left())[1]).toBe(1)
  })

  it("fetches large results", async () => {
    const memory = await sharedMemory()
    const run = await orphan(memory, text(200_000))
    await using handle = await attach(run, { ...quick, store: memory.stores })
    expect(await handle.result()).toBe("x".repeat(200_000))
    expect(await memory.left()).toEqual([0, 0])
  })

  it("begins to tell of the progress with what was done before", async () => {
    const memory = await sharedMemory()
    const run = await orphan(memory, [double(1), double(2), double(3)])
    const measure = { startedAt: 0, inputsMs: 0, executionMs: 0, inputBytes: 0, outputBytes: 0, tries: 1 }
    const value = { value: new Uint8Array([4]), readers: 1 }
    const completion = { steps: [], releases: [], added: 0, measure }
    const [one, two] = [1, 2].map((instance) => ({ ...completion, instance, keep: [{ instance, ...value }] }))
    await Effect.runPromise(memory.coordination.complete(run, "before", [one!, two!]))
    await using handle = await attach(run, { ...quick, store: memory.stores })
    expect((await collect(handle.events))[0]).toEqual({ type: "progress", completed: 2, total: 3 })
    expect(await handle.summary()).toMatchObject({ completed: 3, total: 3, efficiency: undefined })
  })

  it("gives the result of a run that has ended meanwhile, without an engine", async () => {
    const memory = await sharedMemory()
    const run = await orphan(memory, "nothing to do", { module: undefined })
    const engine = { name: "none", parallelism: 1, open: () => Effect.die("it was opened") }
    await using handle = await attach(run, { ...quick, engine, store: memory.stores })
    expect(await handle.result()).toBe("nothing to do")
    expect(await memory.left()).toEqual([0, 0])
  })

  it("says why a run failed before, and removes it", async () => {
    const memory = await sharedMemory()
    const run = await orphan(memory, [fail("no"), double(1)])
    const failure = { instance: 0, kind: "error", worker: "w", attempts: 2, message: "no" } as const
    const other = { ...failure, instance: 1, kind: "timeout" } as const
    await Effect.runPromise(memory.coordination.fail(run, failure))
    await Effect.runPromise(memory.coordination.fail(run, other))
    await using handle = await attach(run, { ...quick, store: memory.stores })
    const failed = await error(handle.result())
    expect(failed).toBeInstanceOf(RunFailed)
    expect((failed as RunFailed).failures).toEqual([
      { ...failure, task: "fail" },
      { ...other, task: "double" }
    ])
    expect(await memory.left()).toEqual([0, 0])
  })

  it("ends the run when its handle is cancelled", async () => {
    const memory = await sharedMemory()
    const run = await orphan(memory, untilAborted())
    const handle = await attach(run, { ...quick, store: memory.stores })
    await begun(handle.events, "untilAborted")
    await handle.cancel("enough")
    expect(await error(handle.result())).toEqual(new RunCancelled({ run, reason: "enough" }))
    expect(await memory.left()).toEqual([0, 0])
  })

  it("refuses a run that is not there", async () => {
    const { stores } = await sharedMemory()
    const refused = await error(attach("nobody", { store: stores }))
    expect(refused).toEqual(new UnknownRun({ run: "nobody" }))
    expect((refused as Error).message).toContain("`weft runs` lists those that there are")
    await expect(watch("nobody", { store: stores })).rejects.toBeInstanceOf(UnknownRun)
  })

  it.each(Object.entries(damaged))("refuses %s, and leaves the run as it is", async (_, document) => {
    const memory = await sharedMemory()
    const run = await orphan(memory, double(1), { document })
    const before = await memory.left()
    for (const refused of [attach(run, { store: memory.stores }), watch(run, { store: memory.stores })]) {
      expect(await error(refused)).toBeInstanceOf(UnreadableRun)
    }
    expect(await memory.left()).toEqual(before)
  })

  it("says so if nobody knows where the tasks are, and can be told", async () => {
    const memory = await sharedMemory()
    const run = await orphan(memory, double(1), { module: undefined })
    expect(await error(attach(run, { store: memory.stores }))).toEqual(new NoModule({ run }))
    await using handle = await attach(run, { ...quick, module, store: memory.stores })
    expect(await handle.result()).toBe(2)
  })

  it("says so if the module is not there", async () => {
    const memory = await sharedMemory()
    const run = await orphan(memory, double(1), { module: new URL("./nowhere.ts", import.meta.url).href })
    await expect(attach(run, { store: memory.stores })).rejects.toBeInstanceOf(ModuleError)
    expect((await memory.left())[0]).toBeGreaterThan(0)
  })

  it("shares a run with another client: the one that comes too late is told", async () => {
    const memory = await sharedMemory()
    const options = { ...quick, module, store: memory.stores, leaseMs: 60_000 }
    const first = await submit(untilAborted(), options)
    await begun(first.events, "untilAborted")
    const second = await attach(first.run, { ...quick, store: memory.stores })
    await Effect.runPromise(memory.coordination.remove(first.run))
    expect(await error(first.result())).toBeInstanceOf(UnknownRun)
    expect(await error(second.result())).toBeInstanceOf(UnknownRun)
  })
})

describe("a client that fails", () => {
  const locked = new StoreError({ reason: "refused", operation: "state", detail: "it is locked" })

  it("leaves a run on a store that others get at, and they can go on with it", async () => {
    let isLocked = true
    const memory = await sharedMemory((real) => ({
      ...real,
      state: (run) => (isLocked ? Effect.fail(locked) : real.state(run))
    }))
    const handle = await submit(double(double(1)), { ...quick, module, store: memory.stores, leaseMs: 250 })
    expect(await error(handle.result())).toEqual(locked)
    isLocked = false
    await using other = await attach(handle.run, { ...quick, store: memory.stores })
    expect(await other.result()).toBe(4)
    expect(await memory.left()).toEqual([0, 0])
  })
})

describe("a store that is away for a while", () => {
  const away = new StoreError({ reason: "unavailable", operation: "state", detail: "nobody answers" })

  /** Fails so many calls. */
  const failing = (times: { left: number }) => (real: Store) => ({
    ...real,
    state: (run: string) => (times.left-- > 0 ? Effect.fail(away) : real.state(run))
  })

  it("ends no run", async () => {
    const memory = await sharedMemory(failing({ left: 3 }))
    await using handle = await submit(double(1), { ...quick, module, store: memory.stores })
    expect(await handle.result()).toBe(2)
  })

  it("is asked again to remove what is left", async () => {
    const times = { left: 2 }
    const memory = await sharedMemory((real) => ({
      ...real,
      remove: (run) => (times.left-- > 0 ? Effect.fail(away) : real.remove(run))
    }))
    await using handle = await submit(double(1), { ...quick, module, store: memory.stores })
    expect(await handle.result()).toBe(2)
    expect(await memory.left()).toEqual([0, 0])
  })

  it("is told of when it takes long, and when it is over", async () => {
    const times = { left: Number.POSITIVE_INFINITY }
    const memory = await sharedMemory(failing(times))
    await using handle = await submit(untilAborted(), { ...quick, module, store: memory.stores })
    const told: Array<RunEvent> = []
    for await (const event of handle.events) {
      if (event.type === "unreachable" || event.type === "reachable") told.push(event)
      if (event.type === "unreachable") times.left = 0
      if (event.type === "reachable") void handle.cancel()
    }
    expect(told).toEqual([{ type: "unreachable", detail: "nobody answers" }, { type: "reachable" }])
  })

  it("does not keep a client from leaving", async () => {
    const memory = await sharedMemory((real) => ({
      ...real,
      state: () => Effect.fail(away),
      cancel: () =>
        Effect.fail(new StoreError({ reason: "refused", operation: "cancel", detail: "it is locked" }))
    }))
    const handle = await submit(untilAborted(), { ...quick, module, store: memory.stores, leaseMs: 60_000 })
    await handle.cancel()
    expect(await error(handle.result())).toMatchObject({ _tag: "StoreError", operation: "cancel" })
  })
})

describe("watch", () => {
  it("follows a run, and touches nothing of it", async () => {
    const memory = await sharedMemory()
    const options = { ...quick, module, store: memory.stores, leaseMs: 60_000 }
    await using first = await submit([double(1), untilAborted()], options)
    const watching = await watch(first.run, { ...quick, store: memory.stores })
    await begun(first.events, "untilAborted")
    await first.cancel("enough")
    await error(watching.ended())
    expect((await collect(watching.events)).at(-1)).toEqual({
      type: "ended",
      status: "cancelled",
      makespanMs: expect.any(Number)
    })
    expect((await watching.summary()).status).toBe("cancelled")
  })

  it("says how a run ended that nobody has removed, and leaves it", async () => {
    const memory = await sharedMemory()
    const run = await orphan(memory, "nothing to do")
    await using watching = await watch(run, { ...quick, store: memory.stores })
    await watching.ended()
    expect(await watching.summary()).toMatchObject({ status: "succeeded", workflow: "nodes" })
    await using handle = await attach(run, { ...quick, store: memory.stores })
    expect(await handle.result()).toBe("nothing to do")
  })

  it("says why a run failed", async () => {
    const memory = await sharedMemory()
    const run = await orphan(memory, fail("no"))
    const failure = { instance: 0, kind: "error", worker: "w", attempts: 2, message: "no" } as const
    await Effect.runPromise(memory.coordination.fail(run, failure))
    await using watching = await watch(run, { ...quick, store: memory.stores })
    expect(await error(watching.ended())).toBeInstanceOf(RunFailed)
  })

  it("can be left, and the run goes on", async () => {
    const memory = await sharedMemory()
    const run = await orphan(memory, double(double(1)), { leaseMs: 60_000 })
    const controller = new AbortController()
    const watching = await watch(run, { ...quick, store: memory.stores, signal: controller.signal })
    controller.abort()
    expect(await error(watching.ended())).toEqual(new RunLeft({ run }))
    const other = await watch(run, { ...quick, store: memory.stores })
    await other[Symbol.asyncDispose]()
    expect((await Effect.runPromise(memory.coordination.state(run))).status).toBe("running")
  })
})

describe("failures", () => {
  it("are told with all that is known of them, also if no message arrives", async () => {
    const memory = await sharedMemory((real) => ({ ...real, subscribe: () => Effect.void }))
    const options = { ...quick, module, store: memory.stores, leaseMs: 60_000 }
    await using handle = await submit(add(tasks.failLoudly("too much"), double(1)), options)
    const failed = await error(handle.result())
    expect(failed).toBeInstanceOf(RunFailed)
    expect((failed as RunFailed).failures).toMatchObject([
      {
        task: "failLoudly",
        kind: "error",
        attempts: 2,
        name: "RangeError",
        message: "too much",
        worker: expect.stringMatching(/^w-/),
        stderr: expect.stringContaining("about to fail: too much\n"),
        stack: expect.stringMatching(/RangeError: too much\n.*flow\.ts:\d+/s)
      }
    ])
    expect((await collect(handle.events)).at(-1)).toEqual({
      type: "ended",
      status: "failed",
      makespanMs: expect.any(Number)
    })
  })
})
