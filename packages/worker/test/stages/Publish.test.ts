// How long a worker keeps what it has made.
import type { Coordination, ObjectStore } from "@weft/storage"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { Timing } from "../../src/index.ts"
import { toEffect } from "../../src/Prompt.ts"
import { publish } from "../../src/stages/Publish.ts"
import { WorkerState } from "../../src/WorkerState.ts"
import { contextOf } from "../context.ts"
import { add, double, identity } from "../fixtures/tasks.ts"

const stateOf = (context: ReturnType<typeof contextOf>, worker: string, named: boolean) =>
  new WorkerState({
    context,
    invocation: { run: "run", worker, named, work: [], values: [], spawn: [] },
    invoker: { parallelism: 1, fanOut: 1, idleMs: 1, payloadBytes: 1, worthMs: 0, invoke: () => Effect.void },
    coordination: {} as Coordination["Service"],
    objects: {} as ObjectStore["Service"],
    host: { idle: (w) => w, guard: () => () => {} },
    timing: Timing.defaultValue(),
    fork: Effect.runFork
  })

describe("a value in memory", () => {
  //  0(a) ─┬─ 2(a)      ready only when 1, another worker's, is complete: handed over later
  //  1(b) ─┘
  it("is let go when its last reader is done, if that was handed over later", () => {
    const context = contextOf(add(identity(1), identity(2)), [
      [0, "a"],
      [1, "b"],
      [2, "a"]
    ])
    const state = stateOf(context, "a", true)
    state.adopt([{ instance: 0, attempt: 1 }])
    Effect.runSync(toEffect(() => publish(state, 0, 1, [])))
    state.adopt([{ instance: 2, attempt: 1 }])
    state.values.unpin(0)
    expect(state.values.has(0)).toBe(false)
  })
  // 0 ─┬─ 1 claimed
  //    └─ 2 kept as the single piece
  it("is let go when its last reader is done, if one is kept and one claimed", () => {
    const root = identity(1)
    const context = contextOf([double(root), double(root)])
    const state = stateOf(context, "w", false)
    state.adopt([{ instance: 0, attempt: 1 }])
    Effect.runSync(toEffect(() => publish(state, 0, 1, [])))
    state.adopt([{ instance: 2, attempt: 1 }])
    state.values.unpin(0)
    state.values.unpin(0)
    expect(state.values.has(0)).toBe(false)
  })

  //  0 ── 1 ── …  given to another worker
  it("is let go when it was handed off with its only reader", () => {
    const root = identity(1)
    const context = contextOf([double(root), double(root), double(root)])
    const state = stateOf(context, "w", false)
    state.adopt([{ instance: 0, attempt: 1 }])
    Effect.runSync(toEffect(() => publish(state, 0, 1, [])))
    // One reader is claimed, one handed off, one kept.
    state.values.unpin(0)
    state.adopt([{ instance: 3, attempt: 1 }])
    state.values.unpin(0)
    expect(state.values.has(0)).toBe(true)
    state.values.unpin(0)
    expect(state.values.has(0)).toBe(false)
  })
})
