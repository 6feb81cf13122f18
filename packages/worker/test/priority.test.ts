// The annotation `priority`: in which order a worker runs what it could run.
import { Priority, prioritize, prioritizing } from "@weft/annotations"
import { GraphBuilder, type InstanceId, Plan } from "@weft/core"
import type { Coordination } from "@weft/storage"
import * as Effect from "effect/Effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { arbitraryWorkflow } from "../../core/test/randomGraph.ts"
import { inline, RunContext } from "../src/index.ts"
import { arbitraryPlan } from "./arbitraryPlan.ts"
import { double, identity } from "./fixtures/tasks.ts"
import { type Plans, value } from "./harness.ts"

const engine = inline({ idleMs: 60_000 })

/** In which order instances were completed. */
const noting = () => {
  const ran: Array<InstanceId> = []
  const coordination = (real: Coordination["Service"]): Coordination["Service"] => ({
    ...real,
    complete: (run, worker, completions) =>
      Effect.suspend(() => {
        ran.push(...completions.map(({ instance }) => instance))
        return real.complete(run, worker, completions)
      })
  })
  return { ran, coordination }
}

/** All on worker "a", with these priorities. */
const onOne =
  (priorities: ReadonlyArray<number | undefined>): Plans =>
  () => ({
    nodes: new Map(
      priorities.map((priority, id) => [
        id,
        {
          worker: "a",
          ...(priority === undefined ? {} : { annotations: { [Priority.annotation]: priority } })
        }
      ])
    )
  })

describe("a worker's order", () => {
  //  0   1   2   3     all ready at once
  it("is that of the priorities, and nodes without one come last", async () => {
    const { coordination, ran } = noting()
    const nodes = [1, 2, 3, 4].map((n) => identity(n))
    const plan = onOne([2, undefined, 1, 0.5])
    expect(await value(nodes, { engine, plan, coordination, behaviours: [prioritizing] })).toEqual([
      1, 2, 3, 4
    ])
    expect(ran).toEqual([3, 2, 0, 1])
  })

  //  0 ── 2 ── 4      Without priorities a worker goes on with what it has just made ready: 0 2 4 1 3.
  //  1 ── 3           Breadth first is possible, too.
  it("also counts for what follows from its own work", async () => {
    const [a, b] = [identity(1), identity(2)]
    const graph = [double(double(a)), double(b)]
    const ids = GraphBuilder.make(graph, "test").graph
    const depth = Array.from({ length: ids.size }, () => 0)
    for (let id = 0; id < ids.size; id++)
      for (let i = ids.parents.start[id]!; i < ids.parents.start[id + 1]!; i++)
        depth[id] = depth[ids.parents.list[i]!]! + 1
    const { coordination, ran } = noting()
    expect(await value(graph, { engine, plan: onOne(depth), coordination })).toEqual([4, 4])
    expect(ran.map((id) => depth[Number(id)])).toEqual([0, 0, 1, 1, 2])
  })

  it("is what the user says where the plan says nothing, and needs no behaviour", async () => {
    const { coordination, ran } = noting()
    const nodes = [prioritize(identity, 9)(1), prioritize(identity, 8)(2), prioritize(identity, 7)(3)]
    const plan = onOne([undefined, undefined, 8.5])
    expect(await value(nodes, { engine, plan, coordination })).toEqual([1, 2, 3])
    expect(ran).toEqual([1, 2, 0])
  })

  it("changes no result, whatever the plan", () =>
    fc.assert(
      fc.asyncProperty(
        arbitraryWorkflow,
        arbitraryPlan,
        fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
        async (workflow, plan, numbers) => {
          const prioritized: Plans = (graph) => {
            const { nodes = new Map(), ...rest } = plan(graph)
            const annotated = new Map<number, Plan.NodePlan>(nodes)
            for (let id = 0; id < graph.size; id++) {
              const own = annotated.get(id)
              const annotations = { ...own?.annotations, [Priority.annotation]: numbers.next().value }
              annotated.set(id, { ...own, annotations })
            }
            return { ...rest, nodes: annotated }
          }
          const settings = { engine, plan: prioritized, behaviours: [prioritizing] }
          expect(await value(workflow.build(), settings)).toEqual(workflow.expected)
        }
      ),
      { numRuns: 50 }
    ))
})

describe("a behaviour that does nothing", () => {
  it("takes no part in a run", () => {
    const { graph, tasks } = GraphBuilder.make(prioritize(identity, 1)(1), "test")
    const plan = Plan.make("test")
    const context = new RunContext({ run: "r", graph, plan, tasks, behaviours: [prioritizing] })
    expect(context.behaviours).toEqual([])
    expect([context.hasPriorities, context.priorityOf(0)]).toEqual([true, 1])
  })
})
