/** Which environments are expected to be warm, after runs that left some. */
import { describe, expect, it } from "vitest"
import * as Left from "../src/Left.ts"
import { facts } from "./facts.ts"

/** A run of two workers of 1,024 MiB at the same moment. */
const left = (begunAt: number, cold: boolean, isFresh = false) => {
  const worker = {
    worker: "w",
    named: false,
    memory: 1024,
    invokedMs: 0,
    beganMs: 10,
    endedMs: 1000,
    cold,
    loadMs: 0,
    roundTrips: 1,
    callsMs: [],
    invokesMs: [],
    prewarmed: 0,
    bytesRead: 0,
    bytesWritten: 0
  }
  return Left.of(facts({ begunAt, isFresh, workers: [worker, { ...worker, worker: "v" }] }))
}
const MINUTE = 60_000

describe("environments that are left", () => {
  it("are expected to be warm for some minutes", () => {
    expect(Left.warm(left(0, true), 1024, MINUTE)).toBe(2)
    expect(Left.warm(left(0, true), 512, MINUTE)).toBe(0)
    expect(Left.warm(left(0, true), 1024, 10 * MINUTE)).toBe(0)
  })

  it("are not expected after a break that turned out to be too long", () => {
    const after = Left.merge(left(0, true), left(2 * MINUTE, true))
    expect(Left.warm(after, 1024, 2 * MINUTE + 1000 + 90_000)).toBe(2)
    expect(Left.warm(after, 1024, 5 * MINUTE)).toBe(0)
  })

  it("and are gone after a deployment say nothing of how long they would have been kept", () => {
    const after = Left.merge(left(0, true), left(2 * MINUTE, true, true))
    expect(Left.warm(after, 1024, 5 * MINUTE)).toBe(2)
    // What had been left before is gone: there are those of the last run.
    const smaller = { ...left(2 * MINUTE, true, true), sizes: [[512, 1]] as const }
    expect(Left.warm(Left.merge(left(0, true), smaller), 1024, 3 * MINUTE)).toBe(0)
  })
})
