import { describe, expect, it } from "vitest"
import { Settings } from "../src/index.ts"

describe("Settings.resolve", () => {
  it("fills in the defaults", () => {
    const { maxWorkers, model, tasksPerWorker } = Settings.resolve({})
    expect([maxWorkers, tasksPerWorker, model.sla]).toEqual([1000, 100, "average"])
  })

  it("sorts memory sizes, and prefers those of the planner to those of the environment", () => {
    const environment = { memorySizes: [128] }
    expect(Settings.resolve({ environment }).model.environment?.memorySizes).toEqual([128])
    expect(
      Settings.resolve({ environment, memorySizes: [3008, 512, 3008] }).model.environment?.memorySizes
    ).toEqual([512, 3008])
  })

  it("has no more workers than can run at the same moment", () => {
    expect(Settings.resolve({ maxWorkers: 50, environment: { concurrency: 10 } }).maxWorkers).toBe(10)
    expect(Settings.resolve({ maxWorkers: 5, environment: { concurrency: 10 } }).maxWorkers).toBe(5)
  })

  it.each<[string, Settings.PlannerOptions, RegExp]>([
    ["sla 0", { sla: 0 }, /^sla is 0; it must be "average" or a percentile above 0 and below 1/],
    ["sla 1", { sla: 1 }, /^sla is 1/],
    ["sla NaN", { sla: Number.NaN }, /^sla is/],
    ["sla of another kind", { sla: "median" as never }, /^sla is "median"/],
    ["no workers", { maxWorkers: 0 }, /^maxWorkers is 0; it must be a whole number from 1/],
    ["half a worker", { maxWorkers: 1.5 }, /^maxWorkers is 1.5/],
    ["no tasks for a worker", { tasksPerWorker: 0 }, /^tasksPerWorker is 0/],
    ["no memory sizes", { memorySizes: [] }, /^memorySizes is \[\]; it must be a list of at least one/],
    ["a memory size of 0", { memorySizes: [512, 0] }, /^memorySizes\[1\] is 0; .* of MiB from 1/],
    ["memory sizes that are no list", { memorySizes: 512 as never }, /^memorySizes is 512/],
    ["a concurrency of 0", { environment: { concurrency: 0 } }, /^environment.concurrency is 0/],
    ["no cores", { environment: { cores: 0 } }, /^environment.cores is 0; it must be a number above 0/],
    ["a past idle limit", { environment: { idleMs: -1 } }, /^environment.idleMs is -1/],
    ["negative bytes", { environment: { inlineBytes: -1 } }, /^environment.inlineBytes is -1/],
    ["sizes of an environment", { environment: { memorySizes: [0.5] } }, /^environment.memorySizes\[0\]/]
  ])("refuses %s", (_, options, message) => {
    expect(() => Settings.resolve(options)).toThrow(RangeError)
    expect(() => Settings.resolve(options)).toThrow(message)
  })
})
