/** What samples say, on few that can be added up by hand. */
import { describe, expect, it } from "vitest"
import { accuracy, percentile, type Sample, typical, worth } from "../src/figures.ts"

const sample = (more: Partial<Sample>): Sample => ({
  workflow: "w",
  planner: "simple",
  round: 2,
  withHistory: true,
  start: "warm",
  pastRuns: 5,
  ownRuns: 5,
  predicted: undefined,
  makespanMs: 1000,
  gbSeconds: 1,
  bytes: 0,
  roundTrips: 0,
  workers: 1,
  coldStarts: 0,
  ...more
})

describe("figures", () => {
  it("percentiles lie between the values next to them", () => {
    expect(percentile([4, 1, 3, 2], 0.5)).toBe(2.5)
    expect(percentile([1, 2, 3], 0.9)).toBeCloseTo(2.8)
    expect(percentile([7], 0.9)).toBe(7)
  })

  it("errors are shares of what really was, of runs with enough history only", () => {
    const predicted = { meanMs: 900, p50Ms: 950, p90Ms: 1100, rawMs: 900 }
    const samples = [
      sample({ predicted }),
      sample({ predicted, makespanMs: 900 }),
      sample({ predicted, withHistory: false, makespanMs: 5 }),
      sample({ predicted, pastRuns: 4, ownRuns: 0, makespanMs: 5 }),
      sample({ predicted, ownRuns: 4, makespanMs: 90 })
    ]
    expect(accuracy(samples, "pastRuns")?.runs).toBe(3)
    expect(accuracy(samples, "ownRuns")).toEqual({
      runs: 2,
      medianError: 0.05,
      p90Error: expect.closeTo(0.09),
      within50: 0.5,
      within90: 1
    })
    expect(accuracy([sample({})], "pastRuns")).toBeUndefined()
  })

  it("cold and warm runs count alike, however many there are of each", () => {
    const samples = [
      sample({ makespanMs: 100 }),
      sample({ makespanMs: 100 }),
      sample({ makespanMs: 100 }),
      sample({ start: "cold", makespanMs: 300 }),
      sample({ withHistory: false, makespanMs: 5 })
    ]
    const of = { workflow: "w", planner: "simple", withHistory: true }
    expect(typical(samples, of, ({ makespanMs }) => makespanMs)).toBe(200)
    expect(typical(samples, { ...of, planner: "dask" }, () => 1)).toBeUndefined()
  })

  it("planners are compared with the simple one, and with random placement, workflow by workflow", () => {
    const { bestBy, bestToSimple, equalWorkflows, report2ToUniform, toRandom } = worth([
      sample({ makespanMs: 1000 }),
      sample({ planner: "uniform", makespanMs: 500, gbSeconds: 2 }),
      sample({ planner: "report2", makespanMs: 510, gbSeconds: 1 }),
      sample({ planner: "random", makespanMs: 2000 }),
      // Better than all of them, but not one of ours.
      sample({ planner: "heft", makespanMs: 100 })
    ])
    expect([bestToSimple, bestBy]).toEqual([0.5, [{ workflow: "w", planner: "uniform", ratio: 0.5 }]])
    expect([report2ToUniform, equalWorkflows]).toEqual([0.5, 1])
    expect(toRandom).toContainEqual({ planner: "simple", ratio: 0.5 })
  })
})
