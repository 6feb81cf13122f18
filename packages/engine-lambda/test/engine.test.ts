// The engine and the handler together, over a Lambda that is faked in this process.

import { each } from "@weft/core"
import { Coordination } from "@weft/storage"
import { EngineError } from "@weft/worker"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { describe, expect, it, vi } from "vitest"
import { byName, end, failure, type Settings, value } from "../../worker/test/harness.ts"
import { check } from "../src/Events.ts"
import { LambdaError, type LambdaErrorReason } from "../src/LambdaError.ts"
import { STORES_VARIABLE } from "../src/Naming.ts"
import { Instead, instead } from "./fixtures/behaviours.ts"
import { FakeLambda, type FakeOptions, memoryServices, type Services } from "./fixtures/FakeLambda.ts"
import { add, double, fail, identity, length, list, slow, whoami } from "./fixtures/tasks.ts"

const fake = async (options: Omit<FakeOptions, "services"> & { readonly services?: Services } = {}) => {
  const services = options.services ?? (await memoryServices())
  const lambda = new FakeLambda({ ...options, services })
  const settings: Settings = {
    engine: lambda.engine,
    module: "file:///elsewhere/tasks.ts",
    shared: { services, reference: { module: "shared", options: {} } },
    leaseMs: 60_000
  }
  return { lambda, settings }
}

const outcomes = async (lambda: FakeLambda) => {
  await lambda.settled()
  return lambda.delivered.map(({ answer }) => (answer as { readonly outcome?: string } | undefined)?.outcome)
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

describe("a run on functions", () => {
  it("gives the value", async () => {
    const { lambda, settings } = await fake()
    expect(await value(add(double(1), double(2)), settings)).toBe(6)
    expect(new Set(await outcomes(lambda))).toEqual(new Set(["worked"]))
  })

  it("shares a fan-out among environments, as a tree of invocations", async () => {
    const { lambda, settings } = await fake({ concurrency: 4, fanOut: 2 })
    const found = await value(
      each(list(30), (n) => slow(n, 1)),
      settings
    )
    expect(found).toEqual(numbers(30))
    await lambda.settled()
    expect(lambda.environments).toBeGreaterThan(2)
    expect(lambda.delivered.some(({ task }) => (task?.invocation.spawn.length ?? 0) > 0)).toBe(true)
  })

  it("is known to its functions from their events if it is small, else from the store", async () => {
    const { lambda, settings } = await fake()
    expect(await value(length("x".repeat(1000)), settings)).toBe(1000)
    expect(await value(add(...numbers(10).map((i) => length(`${i}`.repeat(20_000)))), settings)).toBe(200_000)
    await lambda.settled()
    const documents = lambda.delivered.map(({ task }) => task?.settings.document)
    expect(documents.at(0)).toBeDefined()
    expect(documents.at(-1)).toBeUndefined()
  })

  it("has each task run by a function of its size", async () => {
    const { lambda, settings } = await fake()
    const plan = byName({ identity: { memory: 512 } })
    expect(await value([identity(1), double(2)], { ...settings, plan })).toEqual([1, 4])
    await lambda.settled()
    expect(new Set(lambda.delivered.map(({ to }) => to))).toEqual(
      new Set(["weft-test-512:1", "weft-test-1024:1"])
    )
  })

  it("has named workers run what is theirs, and invokes them again when they have left", async () => {
    const { lambda, settings } = await fake({ idleMs: 1 })
    const plan = byName({ whoami: { worker: "ann" } })
    const found = await value(whoami(slow(1, 100), whoami()), { ...settings, plan })
    expect(found).toBe("ann")
    await lambda.settled()
    const invoked = lambda.delivered.filter(({ task }) => task?.invocation.worker === "ann")
    expect(invoked.length).toBeGreaterThan(1)
  })

  it("runs the behaviours that the bundle has", async () => {
    const { settings } = await fake()
    const plan = byName({ double: { annotations: { [Instead.annotation]: 7 } } })
    expect(await value(add(double(1), 1), { ...settings, plan, behaviours: [instead] })).toBe(8)
  })

  it("fails with what a task throws", async () => {
    const { settings } = await fake()
    expect(await failure(fail(), settings)).toMatchObject({ kind: "error", name: "RangeError" })
  })

  it("leaves no worker behind", async () => {
    const { lambda, settings } = await fake({ idleMs: 60_000 })
    const plan = byName({ double: { worker: "ann" } })
    await value(add(double(1), slow(1, 20)), { ...settings, plan })
    expect(new Set(await outcomes(lambda)).size).toBeGreaterThan(0)
  })
})

describe("an event that comes", () => {
  it("twice is worked on once", async () => {
    const { lambda, settings } = await fake({ deliveries: () => 2, concurrency: 4 })
    const found = await value(
      each(list(12), (n) => slow(n, 30)),
      settings
    )
    expect(found).toEqual(numbers(12))
    const all = await outcomes(lambda)
    expect(all.filter((outcome) => outcome === "worked").length).toBeLessThanOrEqual(all.length / 2)
    expect(all).toContain("refused")
  })

  it("never is like a worker that was lost", async () => {
    const { settings } = await fake({ deliveries: (_, sent) => (sent < 2 ? 0 : 1) })
    expect(await value(add(double(1), 1), { ...settings, leaseMs: 400 })).toBe(3)
  })

  it("after its run is over is not worked on", async () => {
    const { lambda, settings } = await fake()
    await value(double(1), settings)
    await lambda.settled()
    const { event, to } = lambda.delivered[0]!
    expect(await lambda.call(event, to)).toMatchObject({ outcome: "over" })
  })
})

describe("what Lambda does not take", () => {
  const error = (reason: LambdaErrorReason) =>
    new LambdaError({ reason, operation: "invoke weft-test-1024:1", detail: "it will not" })

  it("is sent again if it may take it later", async () => {
    const { lambda, settings } = await fake({
      refuse: (_, sent) => (sent < 4 ? error("throttled") : undefined)
    })
    expect(await value(add(double(1), double(2)), settings)).toBe(6)
    await lambda.settled()
    expect(lambda.sent).toBeGreaterThan(4)
  })

  it("for longer than a lease goes to others after that", async () => {
    const logged = vi.spyOn(console, "log").mockImplementation(() => {})
    const { settings } = await fake({
      refuse: () => (logged.mock.calls.length === 0 ? error("unavailable") : undefined)
    })
    expect(await value(double(1), { ...settings, leaseMs: 300 })).toBe(2)
    expect(logged.mock.calls.flat().join()).toContain("was not started, and others get its work later")
    logged.mockRestore()
  })

  it("at all is an error, for the client", async () => {
    const { settings } = await fake({ refuse: () => error("denied") })
    const thrown = await end(double(1), settings).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(EngineError)
    expect((thrown as EngineError).message).toContain("it will not")
    expect((thrown as EngineError).cause).toMatchObject({ _tag: "LambdaError", reason: "denied" })
  })

  it("at all ends the run, if it is a worker that invokes", async () => {
    const { settings } = await fake({ refuse: (_, sent) => (sent > 0 ? error("denied") : undefined) })
    const failed = await failure(
      each(list(30), (n) => slow(n, 5)),
      settings
    )
    expect(failed.message).toContain("it will not")
  })
})

describe("a worker that ends by a fault of its own", () => {
  it("has its work done by others at once", async () => {
    const services = await memoryServices()
    const real = Context.get(services, Coordination)
    let faults = 0
    const faulty = Context.add(services, Coordination, {
      ...real,
      complete: (run, worker, completions) =>
        worker.startsWith("w-") && faults++ < 2
          ? Effect.die(new Error("broken"))
          : real.complete(run, worker, completions)
    })
    const { lambda, settings } = await fake({ services: faulty })
    const { messages, status, value } = await end(add(double(1), double(2)), settings)
    expect([status, value]).toEqual(["succeeded", 6])
    expect(messages).toContainEqual(
      expect.objectContaining({ type: "lost", reason: expect.stringContaining("broken") })
    )
    await lambda.settled()
    expect(lambda.delivered.some(({ error }) => String(error).includes("broken"))).toBe(true)
  })
})

describe("a bundle", () => {
  it("without a task fails the run", async () => {
    const { settings } = await fake({ bundle: { workflow: async () => ({ add }) } })
    expect(await failure(double(1), settings)).toMatchObject({ kind: "missing" })
  })

  it("whose module throws fails the run", async () => {
    const { settings } = await fake({ bundle: { workflow: () => Promise.reject(new Error("no such file")) } })
    const failed = await failure(double(1), settings)
    expect(failed.kind).toBe("missing")
    expect(failed.message).toContain("no such file")
  })

  it("without a behaviour fails the run, and says what to do", async () => {
    const { settings } = await fake({ bundle: { behaviours: [] } })
    const plan = byName({ double: { annotations: { [Instead.annotation]: 7 } } })
    const failed = await failure(double(1), { ...settings, plan, behaviours: [instead] })
    expect(failed.kind).toBe("missing")
    expect(failed.message).toContain("weft deploy FILE --behaviours")
  })
})

describe("other events", () => {
  it("of strangers are refused", async () => {
    const { lambda } = await fake()
    for (const event of [
      undefined,
      null,
      {},
      { Records: [] },
      "text",
      { weft: "work" },
      { weft: "later", version: 9 }
    ]) {
      const error = await lambda.call(event).catch((error: unknown) => error)
      expect(error).toMatchObject({ _tag: "EventError" })
    }
    await expect(lambda.call({ Records: [] })).rejects.toThrow("it is not one of weft's")
    await expect(lambda.call({ weft: "work", version: 9 })).rejects.toThrow("weft deploy FILE")
  })

  it("ask whether the function can do its work", async () => {
    const { lambda } = await fake()
    expect(await lambda.call(check)).toMatchObject({
      bundle: "test",
      functionVersion: "1",
      memoryMiB: 1024,
      store: "this process",
      tasks: expect.arrayContaining(["add", "double"]),
      problems: []
    })
  })

  it("are answered with what is wrong", async () => {
    const { lambda } = await fake({
      bundle: { workflow: () => Promise.reject(new Error("no such file")) },
      variables: { [STORES_VARIABLE]: undefined }
    })
    const { problems } = (await lambda.call(check)) as { readonly problems: ReadonlyArray<string> }
    expect(problems.join("\n")).toContain("no such file")
    expect(problems.join("\n")).toContain("WEFT_STORES is not set")
  })

  it("start environments before they are needed", async () => {
    const { lambda, settings } = await fake()
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const invoker = yield* lambda.openEmpty("run-1")
          yield* invoker.prewarm!(1024, 3)
        })
      )
    )
    await lambda.settled()
    expect(lambda.environments).toBe(3)
    await value(double(1), settings)
    expect(lambda.environments).toBe(3)
  })
})
