// Workers that the plan named: they wait, are woken, leave when nothing comes, and are invoked again.
import { each, type InstanceId } from "@weft/core"
import type { Coordination } from "@weft/storage"
import * as Effect from "effect/Effect"
import { afterAll, describe, expect, it } from "vitest"
import { inline, threads } from "../src/index.ts"
import { add, double, identity, list, moduleUrl, wait, whoami } from "./fixtures/tasks.ts"
import { byName, value } from "./harness.ts"

/** Counts how often named workers come and go. */
const counting = () => {
  const log: Array<string> = []
  const kept: Array<InstanceId> = []
  const coordination = (real: Coordination["Service"]): Coordination["Service"] => ({
    ...real,
    attach: (run, worker, incarnation) => {
      log.push(`${worker} comes`)
      return real.attach(run, worker, incarnation)
    },
    detach: (run, worker, incarnation) =>
      Effect.tap(real.detach(run, worker, incarnation), ({ ready }) =>
        Effect.sync(() => log.push(ready.length === 0 ? `${worker} leaves` : `${worker} stays`))
      ),
    keep: (run, worker, values) => {
      kept.push(...values.map(({ instance }) => instance))
      return real.keep(run, worker, values)
    }
  })
  return { log, kept, coordination }
}

const patient = threads({ threads: 2, idleMs: 60_000 })
const hasty = threads({ threads: 2, idleMs: 1 })
const one = threads({ threads: 1, idleMs: 1 })
afterAll(() => Promise.all([patient.close(), hasty.close(), one.close()]))

describe.each([
  {
    name: "inline",
    patient: inline({ idleMs: 60_000 }),
    hasty: inline({ idleMs: 1 }),
    one: inline({ concurrency: 1, idleMs: 1 })
  },
  { name: "threads", patient, hasty, one }
])("on $name", ({ hasty, one, patient }) => {
  it("run what was planned for them, under their name", async () => {
    const plan = () => ({ nodes: new Map([0, 2].map((id) => [id, { worker: `w${id}` }] as const)) })
    const [a, b, c] = (await value([whoami(1), whoami(2), whoami(3)], {
      engine: patient,
      module: moduleUrl,
      plan
    })) as Array<string>
    expect([a, c]).toEqual(["w0", "w2"])
    expect(b).toMatch(/^w-/)
  })

  //  double(a) ── wait ── double(a): the worker waits while another one runs `wait`
  it("wait for what is to come, and are woken for it", async () => {
    const { coordination, log } = counting()
    const plan = byName({ double: { worker: "a" }, wait: { worker: "b" } })
    const settings = { engine: patient, module: moduleUrl, plan, coordination }
    expect(await value(double(wait(double(10))), settings)).toBe(40)
    expect(log.toSorted()).toEqual(["a comes", "b comes"])
  })

  it("leave when nothing comes, and are invoked again", async () => {
    const { coordination, log } = counting()
    const plan = byName({ double: { worker: "a" }, wait: { worker: "b" } })
    const settings = { engine: hasty, module: moduleUrl, plan, coordination }
    expect(await value(double(wait(double(50))), settings)).toBe(200)
    expect(log.filter((entry) => entry.startsWith("a ")).slice(0, 3)).toEqual([
      "a comes",
      "a leaves",
      "a comes"
    ])
  })

  //  double(a) ─┬─ wait(b) ─┬─ add(a)     what `identity` gave is in the memory of "a" only, which leaves meanwhile
  //             └ identity(a)┘
  it("keep what only they have before they leave", async () => {
    const { coordination, kept, log } = counting()
    const plan = byName({
      double: { worker: "a" },
      identity: { worker: "a" },
      wait: { worker: "b" },
      add: { worker: "a" }
    })
    const settings = { engine: hasty, module: moduleUrl, plan, coordination }
    const doubled = double(25)
    expect(await value(add(identity(doubled), wait(doubled)), settings)).toBe(100)
    expect(log).toContain("a leaves")
    // Node 1 is `identity`; what `double` gave was stored for "b", and is read by nobody else.
    expect(kept).toEqual([1])
  })

  it("get along in fewer places than there are workers, whoever waits for whom", async () => {
    const plan = (graph: { readonly size: number }) => ({
      nodes: new Map(Array.from({ length: graph.size }, (_, id) => [id, { worker: `w${id % 7}` }] as const))
    })
    const sums = each(list(10), (n) => add(n, double(n), double(double(n))))
    expect(await value(sums, { engine: one, module: moduleUrl, plan })).toEqual(
      Array.from({ length: 10 }, (_, n) => n * 7)
    )
  })
})
