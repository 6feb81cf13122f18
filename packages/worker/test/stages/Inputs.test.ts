// Values that are gone with their worker are computed again from their ancestors.
import { each, type InstanceId } from "@weft/core"
import fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import { arbitraryWorkflow, moduleUrl } from "../../../core/test/randomGraph.ts"
import { inline, threads } from "../../src/index.ts"
import { arbitraryPlan, generator } from "../arbitraryPlan.ts"
import * as tasks from "../fixtures/tasks.ts"
import { forgetful, losing } from "../forgetful.ts"
import { byName, value } from "../harness.ts"

const { add, double, identity, joined, list, text, length } = tasks
const pool = threads({ threads: 2, idleMs: 2 })
afterAll(() => pool.close())

describe.each([
  { name: "inline", engine: inline({ idleMs: 2 }) },
  { name: "threads", engine: pool }
])("on $name", ({ engine }) => {
  const forgetting = { engine, module: tasks.moduleUrl, ...forgetful(() => true) }

  //  identity(1) ── double ── double ──┐
  //                  (a)       (b)      add (c)
  //              a different worker for each: none has what it needs, and all of it is lost
  it("computes a chain again", async () => {
    const plan = byName({ double: { worker: "a" }, add: { worker: "c" } })
    expect(await value(add(double(double(identity(1)))), { ...forgetting, plan })).toBe(4)
  })

  //        ┌─ double ─┐
  //  list ─┤          ├─ add
  //        └─ double ─┘
  it("computes a diamond again", async () => {
    const one = identity(1)
    const nodes = [double(one), double(one)] as const
    const plan = byName({ double: { worker: "b" }, add: { worker: "c" } })
    expect(await value(add(...nodes), { ...forgetting, plan })).toBe(4)
  })

  it("computes the items of an each again, and what is collected", async () => {
    const doubled = each(list(4), (n) => double(n))
    const plan = byName({ double: { worker: "b" }, collect: { worker: "c" }, echo: { worker: "d" } })
    expect(await value([doubled, tasks.echo(doubled)], { ...forgetting, plan })).toEqual([
      [0, 2, 4, 6],
      [0, 2, 4, 6]
    ])
  })

  it("computes values from outside of an each again", async () => {
    const outside = double(21)
    const sums = each(list(3), (n) => each(list(n), (m) => add(n, m, outside)))
    const plan = byName({ add: { worker: "b" }, double: { worker: "c" } })
    expect(await value(sums, { ...forgetting, plan })).toEqual([[], [43], [44, 45]])
  })

  it("computes large values again", async () => {
    const large = text(100_000)
    expect(
      await value(add(length(large), length(joined(large, large))), {
        ...forgetting,
        plan: byName({ length: { worker: "b" }, joined: { worker: "c" } })
      })
    ).toBe(300_001)
  })

  it(
    "computes random workflows, whatever values are lost",
    () =>
      fc.assert(
        fc.asyncProperty(
          arbitraryWorkflow,
          arbitraryPlan,
          fc.record({ seed: fc.integer(), share: fc.constantFrom(0.2, 0.7, 1) }),
          async ({ build, expected }, plan, { seed, share }) => {
            const random = generator(seed)
            const loses = (_: InstanceId) => random() < share
            expect(await value(build(), { engine, plan, module: moduleUrl, ...forgetful(loses) })).toEqual(
              expected
            )
          }
        ),
        { numRuns: 60 }
      ),
    120_000
  )

  it(
    "computes random workflows, whatever workers are lost",
    () =>
      fc.assert(
        fc.asyncProperty(
          arbitraryWorkflow,
          arbitraryPlan,
          fc.integer(),
          async ({ build, expected }, plan, seed) => {
            const random = generator(seed)
            const settings = { engine, plan, module: moduleUrl, maxAttempts: 1000 }
            expect(await value(build(), { ...settings, ...losing(() => random() < 0.2) })).toEqual(expected)
          }
        ),
        { numRuns: 60 }
      ),
    120_000
  )
})
