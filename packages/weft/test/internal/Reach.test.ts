import { CLIENT } from "@weft/storage"
import type { ReachNotice } from "@weft/worker"
import { expect, it } from "vitest"
import { Away } from "../../src/internal/Reach.ts"

const detail = "nobody answers"
const noting = () => {
  const told: Array<ReachNotice> = []
  return { told, away: new Away((notice) => void told.push(notice)) }
}

it("people are told once, however many cannot reach a store, and when all can", () => {
  const { away, told } = noting()
  away.heard({ type: "unreachable", worker: "a", detail })
  away.heard({ type: "unreachable", worker: "b", detail: "nobody else" })
  away.client({ type: "unreachable", detail })
  expect(told).toEqual([{ type: "unreachable", detail }])
  away.heard({ type: "reachable", worker: "a" })
  away.client({ type: "reachable" })
  expect(told).toHaveLength(1)
  away.heard({ type: "reachable", worker: "b" })
  expect(told.slice(1)).toEqual([{ type: "reachable" }])
})

it.each([
  { type: "completed", worker: "a", completions: [], instances: 1 } as const,
  { type: "lost", worker: "a", instances: 1, reason: "" } as const
])("a worker that has $type something is not waited for", (message) => {
  const { away, told } = noting()
  away.heard(message)
  expect(told).toEqual([])
  away.heard({ type: "unreachable", worker: "a", detail })
  away.heard({ ...message, worker: CLIENT })
  expect(told).toHaveLength(1)
  away.heard(message)
  expect(told.slice(1)).toEqual([{ type: "reachable" }])
})
