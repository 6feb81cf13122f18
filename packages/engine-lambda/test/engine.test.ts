// The engine and the handler together, over a Lambda that is faked in this process.

import { each } from "@weft/core"
import { CoordinationMemory, ObjectStore, StreamsMemory } from "@weft/storage"
import { type Context, Effect, Layer, Scope } from "effect"
import { describe, expect, it } from "vitest"
import { byName, end, type Settings, value } from "../../worker/test/harness.ts"
import { FakeLambda, type FakeOptions } from "./fixtures/FakeLambda.ts"
import * as tasks from "./fixtures/tasks.ts"

const { add, double, list, whoami } = tasks

const memoryServices = () =>
  Effect.runPromise(
    Layer.buildWithScope(
      Layer.fresh(Layer.mergeAll(CoordinationMemory.layer, ObjectStore.layerMemory, StreamsMemory.layer)),
      Scope.makeUnsafe()
    )
  ) as Promise<Context.Context<FakeOptions["services"] extends Context.Context<infer S> ? S : never>>

export const fake = async (options: Omit<FakeOptions, "services"> = {}) => {
  const services = await memoryServices()
  const lambda = new FakeLambda({ ...options, services })
  const settings: Settings = {
    engine: lambda.engine,
    module: "file:///elsewhere/tasks.ts",
    shared: { services, reference: { module: "shared", options: {} } },
    leaseMs: 60_000
  }
  return { lambda, settings }
}

describe("a run on functions", () => {
  it("gives the value", async () => {
    const { lambda, settings } = await fake()
    expect(await value(add(double(1), double(2)), settings)).toBe(6)
    await lambda.settled()
    expect(lambda.delivered.map(({ answer }) => answer)).toContainEqual(
      expect.objectContaining({ outcome: "worked" })
    )
    expect(lambda.delivered.flatMap(({ error }) => error ?? [])).toEqual([])
  })

  it("shares a fan-out", async () => {
    const { lambda, settings } = await fake({ concurrency: 8, fanOut: 3 })
    const found = await value(
      each(list(40), (n) => add(n, 1)),
      settings
    )
    expect(found).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    await lambda.settled()
    expect(lambda.environments).toBeGreaterThan(1)
  })
})
