// Workers in processes of their own, over stores that all of them get at.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { each } from "@weft/core"
import { Coordination } from "@weft/storage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import fc from "fast-check"
import { afterAll, describe, expect, it, vi } from "vitest"
import { arbitraryWorkflow, moduleUrl as randomModule } from "../../core/test/randomGraph.ts"
import { processes } from "../src/index.ts"
import { arbitraryPlan } from "./arbitraryPlan.ts"
import { serve } from "./fixtures/served.ts"
import * as tasks from "./fixtures/tasks.ts"
import { LAYERS_SIZE, layers } from "./fixtures/workflows.ts"
import { end, failure, type Settings, value } from "./harness.ts"
import { ended, pidsOf } from "./pids.ts"

const { add, double, list, moduleUrl } = tasks
// Processes take their time to start, on a machine with other things to do.
vi.setConfig({ testTimeout: 60_000 })

const shared = await serve()
const folder = mkdtempSync(join(tmpdir(), "weft-processes-"))
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await shared[Symbol.asyncDispose]()
})

/** Long enough for a machine with other things to do, short enough to see it run out. */
const LEASE_MS = 5000

const pair = processes({ processes: 2, idleMs: 5 })
const one = processes({ processes: 1, idleMs: 1 })
afterAll(() => Promise.all([pair.close(), one.close()]))

const settings = (engine = pair, leaseMs = 10_000): Settings => ({
  engine,
  module: moduleUrl,
  shared,
  leaseMs,
  maxAttempts: 10
})

describe("random workflows with random plans", () => {
  const engines = [
    { processes: 1, idleMs: 2 },
    { processes: 2, idleMs: 5, fanOut: 2 },
    { processes: 2, concurrency: 6, fanOut: 4, idleMs: 0 }
  ].map((options) => ({ options, engine: processes(options) }))
  afterAll(() => Promise.all(engines.map(({ engine }) => engine.close())))

  it.each(engines)(
    "are computed: $options",
    ({ engine }) =>
      fc.assert(
        fc.asyncProperty(arbitraryWorkflow, arbitraryPlan, async ({ build, expected }, plan) => {
          const found = await value(build(), { ...settings(engine), plan, module: randomModule })
          expect(found).toEqual(expected)
        }),
        { numRuns: 25, interruptAfterTimeLimit: 110_000, markInterruptAsFailure: true }
      ),
    120_000
  )
})

describe("the pool", () => {
  it("refuses runs whose stores no other process can reach", async () => {
    const alone: Settings = { engine: pair, module: moduleUrl }
    await expect(value(add(1, 2), alone)).rejects.toThrow("need a store that other processes can reach")
  })

  it("refuses runs whose tasks cannot be imported", async () => {
    const { module: _, ...rest } = settings()
    await expect(value(add(1, 2), rest)).rejects.toThrow("find tasks by importing the module")
  })

  it("keeps its processes for the next run, and has no more than it may", async () => {
    const first = await pidsOf(settings())
    expect(first).toHaveLength(2)
    expect(first).not.toContain(process.pid)
    expect(await pidsOf(settings())).toEqual(first)
  })

  it("starts no process that nobody needs", async () => {
    const engine = processes({ processes: 8 })
    expect(await pidsOf(settings(engine), 1, 1)).toHaveLength(1)
    await engine.close()
  })

  it("gets along with fewer processes than named workers, whoever waits for whom", async () => {
    const plan = (graph: { readonly size: number }) => ({
      nodes: new Map(Array.from({ length: graph.size }, (_, id) => [id, { worker: `w${id % 7}` }] as const))
    })
    const sums = each(list(10), (n) => add(n, double(n), double(double(n))))
    expect(await value(sums, { ...settings(one), plan })).toEqual(Array.from({ length: 10 }, (_, n) => n * 7))
  })

  it("leaves no process when it is closed, and can be used again", async () => {
    const engine = processes({ processes: 2 })
    const pids = await pidsOf(settings(engine))
    await engine.close()
    expect(pids.map(ended)).toEqual([true, true])
    const again = await pidsOf(settings(engine))
    expect(again).toHaveLength(2)
    await engine.close()
    expect(again.map(ended)).toEqual([true, true])
  })

  it("tells what tasks write, and passes on what is written past that", async () => {
    const { messages, status } = await end(tasks.say("text"), settings())
    expect(status).toBe("succeeded")
    const texts = messages.flatMap((message) => (message.type === "output" ? [message.text] : []))
    expect(texts).toEqual(["text before\n", "text after\n", "text at last\n"])
  })
})

describe("a task that", () => {
  const failed = (targets: unknown, engine = pair) =>
    failure(targets, { ...settings(engine), maxAttempts: 3 })

  it.each([
    ["block", tasks.block.with({ timeout: 20 })()],
    ["blockLater", tasks.blockLater.with({ timeout: 20 })()],
    ["endlessly", tasks.endlessly.with({ timeout: 20 })()]
  ])("blocks its process for longer than its timeout is ended with it: %s", async (task, node) => {
    const found = await failed([node, tasks.wait(1)])
    expect(found).toMatchObject({ kind: "timeout", task, instance: 0 })
  })

  it("blocks its process is ended with it when another node fails", async () => {
    expect(await failed([tasks.block(), tasks.bad("rejection")])).toMatchObject({ task: "bad" })
  })

  it("ends its process now and then is run again", async () => {
    const nodes = [1, 2, 3, 4].map((n) => tasks.exitOnce(folder, n))
    expect(await value(add(...nodes), settings())).toBe(10)
  })

  it.each([
    ["exits", tasks.exit(7), "exit code 7"],
    ["is killed", tasks.kill("SIGKILL"), "SIGKILL"],
    ["throws where nobody catches it", tasks.throwLater(), "thrown where nobody catches it"]
  ])("%s fails the run when it has ended too many processes", async (_, node, reason) => {
    const found = await failed([node, tasks.wait(1)])
    expect(found).toMatchObject({ kind: "lost", instance: 0, attempts: 3 })
    expect(found.message).toContain(reason)
  })

  it("fills its process's memory fails the run", async () => {
    const small = processes({ processes: 1, heapMiB: 48 })
    const found = await failed(tasks.fillMemory(), small)
    await small.close()
    expect(found).toMatchObject({ kind: "lost", instance: 0 })
    expect(found.message).toContain("ran out of heap memory")
  })
})

describe("processes that are killed", () => {
  it.each(Array.from({ length: 6 }, (_, i) => [i < 3 ? 1 : 2, 40 + 70 * (i % 3)]))(
    "cost time only: %i of 2, after %i ms",
    async (count, ms) => {
      const pids = await pidsOf(settings())
      const running = value(layers(), settings())
      await sleep(ms)
      for (const pid of pids.slice(0, count)) process.kill(pid, "SIGKILL")
      expect(await running).toBe(36)
      const now = await pidsOf(settings())
      expect(now.filter((pid) => pids.includes(pid))).toHaveLength(2 - count)
    }
  )
})

describe("a process that is stopped", () => {
  it("for longer than the lease is done without, and used again when it goes on", async () => {
    const engine = processes({ processes: 2, concurrency: 4, idleMs: 5 })
    const pids = await pidsOf(settings(engine), 16)
    const gate = join(folder, "gate")
    let run = ""
    const running = value([layers(), tasks.waitFor(gate)], {
      ...settings(engine, LEASE_MS),
      maxAttempts: 100,
      coordination: (real) => ({
        ...real,
        begin: (spec, ...rest) => {
          run = spec.run
          return real.begin(spec, ...rest)
        }
      })
    })
    const { state } = Context.get(shared.services, Coordination)
    /** Until all are complete but the one that waits. */
    const rest = async () => {
      while ((await Effect.runPromise(state(run))).completed < LAYERS_SIZE) await sleep(50)
    }
    await sleep(60)
    process.kill(pids[0]!, "SIGSTOP")
    await Promise.race([rest(), running])
    process.kill(pids[0]!, "SIGCONT")
    writeFileSync(gate, "")
    expect(await running).toEqual([36, gate])
    expect(await pidsOf(settings(engine), 16)).toEqual(pids)
    await engine.close()
  })

  it("for ever is ended when its run is over", async () => {
    const pids = await pidsOf(settings(pair, LEASE_MS))
    const running = value(layers(), settings(pair, LEASE_MS))
    await sleep(60)
    process.kill(pids[0]!, "SIGSTOP")
    expect(await running).toBe(36)
    expect(ended(pids[0]!)).toBe(true)
  })
})

describe("leases", () => {
  it("are kept while a task blocks its process", async () => {
    const { messages, status, value: given } = await end(tasks.busy(1.5 * LEASE_MS), settings(one, LEASE_MS))
    expect([status, given]).toEqual(["succeeded", 1.5 * LEASE_MS])
    expect(messages.filter(({ type }) => type === "lost")).toEqual([])
  })

  it("are kept while a worker waits for a place", async () => {
    const nodes = Array.from({ length: 5 }, () => tasks.busy(LEASE_MS / 3))
    const { messages, status } = await end(nodes, settings(one, LEASE_MS))
    expect(status).toBe("succeeded")
    expect(messages.filter(({ type }) => type === "lost")).toEqual([])
  })
})
