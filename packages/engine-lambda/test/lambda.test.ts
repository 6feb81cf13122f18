// End to end: bundled, deployed on a Lambda of this machine, over a real Redis.

import { fileURLToPath } from "node:url"
import { stream } from "@weft/annotations"
import { each } from "@weft/core"
import { type Engine, persistent } from "@weft/worker"
import fc from "fast-check"
import { afterAll, describe, expect, it, vi } from "vitest"
import * as random from "../../core/test/randomGraph.ts"
import { arbitraryPlan } from "../../worker/test/arbitraryPlan.ts"
import * as streams from "../../worker/test/fixtures/streams.ts"
import { byName, end, failure, value } from "../../worker/test/harness.ts"
import { Instead, instead } from "./fixtures/behaviours.ts"
import { type Deployed, type DeployedOptions, deploy } from "./fixtures/Deployed.ts"
import {
  add,
  block,
  double,
  identity,
  kill,
  length,
  list,
  loaded,
  memory,
  noise,
  ping,
  pong,
  say,
  slow,
  threads,
  whoami
} from "./fixtures/tasks.ts"

vi.setConfig({ testTimeout: 120_000 })

/** How long the service may take to report an invocation whose run is over. */
const PATIENCE = { timeout: 20_000 }

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Deploys for one test. */
const using = async (options: DeployedOptions, test: (deployed: Deployed) => Promise<void>) => {
  await using deployed = await deploy(options)
  await test(deployed)
}

describe.each(["built-in", "aws-lambda-ric"] as const)("on functions with the client %s", (runtimeClient) => {
  const logs: Array<string> = []
  const deployed = deploy({
    local: { runtimeClient, onLog: (_, text) => logs.push(text) },
    sizes: [512, 1024]
  })
  afterAll(async () => (await deployed)[Symbol.asyncDispose]())
  const settings = async () => {
    const { engine, settings } = await deployed
    return settings(engine())
  }

  it("a run gives the value", async () => {
    expect(await value(add(double(1), double(2)), await settings())).toBe(6)
  })

  it("a fan-out is shared", async () => {
    const found = await value(
      each(list(20), (n) => add(n, 1)),
      await settings()
    )
    expect(found).toEqual(numbers(20).map((n) => n + 1))
  })

  it("tasks have the memory that the plan gives them", async () => {
    const plan = byName({ memory: { memory: 512 } })
    expect(await value([memory(), double(memory())], { ...(await settings()), plan })).toEqual([512, 1024])
  })

  it("named workers run what is theirs, and come again", async () => {
    const plan = byName({ whoami: { worker: "ann" } })
    const found = await value(whoami(slow(1, 300), whoami()), { ...(await settings()), plan })
    expect(found).toBe("ann")
  })

  it("behaviours act", async () => {
    const plan = byName({ double: { annotations: { [Instead.annotation]: 7 } } })
    expect(await value(add(double(1), 1), { ...(await settings()), plan, behaviours: [instead] })).toBe(8)
  })

  it("what tasks write is told to the client, and in the function's log", async () => {
    const { messages } = await end(say("hello"), await settings())
    expect(messages).toContainEqual(expect.objectContaining({ type: "output", text: "hello\n" }))
    expect(logs.join("")).toContain("hello")
  })
})

describe("a deployment", () => {
  it("is given the sizes that a plan needs and it does not have", () =>
    using({ sizes: [1024] }, async ({ engine, local, settings }) => {
      const plan = byName({ memory: { memory: 300 } })
      expect(await value([memory(), double(2)], { ...settings(engine()), plan })).toEqual([300, 4])
      const functions = () => new Set(local.report().invocations.map(({ functionName }) => functionName))
      await vi.waitFor(
        () => expect(functions()).toEqual(new Set(["weft-test-300", "weft-test-1024"])),
        PATIENCE
      )
      expect(await value(memory(), { ...settings(engine()), plan })).toEqual(300)
    }))
})

describe("faults", () => {
  const wide = each(list(24), (n) => slow(n, 20))

  it("200 nodes on 10 environments", () =>
    using({ local: { concurrency: 10, throttleBackoffMs: { first: 50, most: 200 } } }, async (deployed) => {
      const found = await value(
        each(list(200), (n) => slow(n, 10)),
        deployed.settings(deployed.engine({ concurrency: 10 }))
      )
      expect(found).toEqual(numbers(200))
      expect(deployed.local.report().totals.mostEnvironments).toBeLessThanOrEqual(10)
    }))

  it("throttling at 5 of what expects 1,000", () =>
    using({ local: { concurrency: 5, throttleBackoffMs: { first: 50, most: 200 } } }, async (deployed) => {
      expect(await value(wide, deployed.settings(deployed.engine()))).toEqual(numbers(24))
    }))

  it("doubled events", () =>
    using({ local: { faults: { double: 1, lateMs: 200 } } }, async (deployed) => {
      expect(await value(wide, deployed.settings(deployed.engine({ concurrency: 4 })))).toEqual(numbers(24))
    }))

  it("dropped events", () =>
    using({ local: { faults: { drop: 0.3 } } }, async (deployed) => {
      expect(await value(wide, deployed.settings(deployed.engine({ concurrency: 4 }), 1000))).toEqual(
        numbers(24)
      )
    }))

  it("killed environments", () =>
    using({ local: { faults: { kill: 0.3, killWithinMs: 300 } } }, async (deployed) => {
      expect(await value(wide, deployed.settings(deployed.engine({ concurrency: 4 }), 1500))).toEqual(
        numbers(24)
      )
    }))

  it("a task that kills its environment fails the run", () =>
    using({}, async (deployed) => {
      const failed = await failure(kill("SIGKILL"), {
        ...deployed.settings(deployed.engine(), 1000),
        maxAttempts: 2
      })
      expect(failed).toMatchObject({ kind: "lost" })
    }))

  it("a task that blocks its thread for longer than it may is ended long before the function's time is over", () =>
    using({}, async (deployed) => {
      const failed = await failure(block.with({ timeout: 300 })(60_000), {
        ...deployed.settings(deployed.engine()),
        maxAttempts: 1
      })
      expect(failed).toMatchObject({ kind: "lost" })
      const errors = () => deployed.local.report().invocations.map(({ error }) => error?.type)
      await vi.waitFor(() => expect(errors()).toContain("Runtime.ExitError"), PATIENCE)
    }))

  it("a timeout while a task blocks its thread", () =>
    using({ timeoutSeconds: 2 }, async (deployed) => {
      const failed = await failure(block(20_000), {
        ...deployed.settings(deployed.engine(), 1000),
        maxAttempts: 1
      })
      expect(failed).toMatchObject({ kind: "lost" })
    }))

  it("a chain of work longer than a function may run is handed over", () =>
    using({ timeoutSeconds: 3 }, async (deployed) => {
      let chain = slow(1, 400)
      for (let i = 0; i < 12; i++) chain = slow(chain, 400)
      expect(await value(chain, deployed.settings(deployed.engine()))).toBe(1)
      // All but the last had to hand over. On a busy machine one may be too late for that.
      const well = () => deployed.local.report().invocations.filter(({ error }) => error === undefined)
      await vi.waitFor(() => expect(well().length).toBeGreaterThan(1), PATIENCE)
    }))
})

describe("random workflows", () => {
  it("with random plans are computed", () =>
    using({ file: fileURLToPath(random.moduleUrl), sizes: [512, 1024] }, async (deployed) => {
      const engine = deployed.engine({ concurrency: 3, fanOut: 2, idleMs: 10 })
      await fc.assert(
        fc.asyncProperty(random.arbitraryWorkflow, arbitraryPlan, async ({ build, expected }, plan) => {
          expect(await value(build(), { ...deployed.settings(engine), plan })).toEqual(expected)
        }),
        { numRuns: 10 }
      )
      expect(deployed.local.report().totals.errors).toBe(0)
    }))
})

describe("items that a generator yields", () => {
  it("reach a reader on another function while it runs", () =>
    using({ file: fileURLToPath(streams.moduleUrl) }, async (deployed) => {
      const items = stream(streams.count)(60, 10)
      expect(await value(streams.sum(items), deployed.settings(deployed.engine()))).toBe(1770)
      const environments = () =>
        new Set(deployed.local.report().invocations.map(({ environment }) => environment))
      await vi.waitFor(() => expect(environments().size).toBeGreaterThan(1), PATIENCE)
    }))
})

describe("large values", () => {
  it("go from function to function by way of S3", () =>
    using({ s3: true }, async ({ engine, settings }) => {
      const parts = each(list(6), (n) => length(noise(add(n, 500_000))))
      expect(await value(parts, settings(engine({ concurrency: 2 })))).toEqual(
        numbers(6).map((n) => n + 500_000)
      )
      const plan = byName({ noise: { worker: "ann" }, length: { worker: "bob" } })
      expect(await value(length(noise(3_000_000)), { ...settings(engine()), plan })).toBe(3_000_000)
    }))
})

describe("the recursion guard of Lambda", () => {
  const HITS = 40
  /** Each hands on to the other, and has left when it is needed again. */
  const match = () => {
    let ball = ping(0)
    for (let i = 1; i < HITS; i++) ball = i % 2 === 0 ? ping(ball) : pong(ball)
    return ball
  }
  const plan = byName({ ping: { worker: "ann" }, pong: { worker: "bob" } })

  it("lets a long chain of invocations pass where it is told to", () =>
    using({}, async (deployed) => {
      const settings = deployed.settings(deployed.engine({ idleMs: 0 }))
      expect(await value(match(), { ...settings, plan })).toBe(HITS)
      expect(deployed.local.report().lost).toEqual([])
    }))

  it("cuts a long chain off where it is not, and the run goes on all the same", () =>
    using({ recursion: "Terminate" }, async (deployed) => {
      const settings = deployed.settings(deployed.engine({ idleMs: 0 }), 1000)
      expect(await value(match(), { ...settings, plan })).toBe(HITS)
      expect(deployed.local.report().lost).toContainEqual(
        expect.objectContaining({ reason: "RecursiveInvocation" })
      )
    }))

  it("lets a tree of invocations pass", () =>
    using({ recursion: "Terminate" }, async (deployed) => {
      const found = await value(
        each(list(40), (n) => identity(n)),
        deployed.settings(deployed.engine({ fanOut: 3 }))
      )
      expect(found).toEqual(numbers(40))
      expect(deployed.local.report().lost).toEqual([])
    }))
})

describe("the AWS SDK", () => {
  it("is loaded by who invokes others, and by nobody else", () =>
    using({}, async ({ engine, settings }) => {
      const sdk = expect.stringMatching(/\bSdk-/)
      expect(await value(loaded(), settings(engine()))).not.toContainEqual(sdk)
      const all = (await value(
        each(list(4), (n) => loaded(n)),
        settings(engine({ concurrency: 2 }))
      )) as ReadonlyArray<ReadonlyArray<string>>
      expect(all.flat()).toContainEqual(sdk)
    }))
})

describe.runIf(process.platform === "linux")("the thread that renews leases", () => {
  it("is there while leases have to be renewed, or a task has a time limit", () =>
    using({ timeoutSeconds: 60 }, async ({ engine, settings }) => {
      const leases = "weft-leases"
      expect(await value(threads(), settings(engine()))).toContain(leases)
      // Of the function's time less is left.
      expect(await value(threads(), settings(engine(), 70_000))).not.toContain(leases)
      expect(await value(threads.with({ timeout: 5000 })(), settings(engine(), 70_000))).toContain(leases)
      expect(await value(threads(), settings(engine(), 70_000))).not.toContain(leases)
      expect(await value(threads(), settings(engine()))).toContain(leases)
    }))
})

describe("an environment that was frozen", () => {
  it.each([
    ["small", () => add(double(1), double(2)), 6],
    ["large", () => add(...numbers(10).map((i) => length(`${i}`.repeat(20_000)))), 200_000]
  ])("goes on although its connections are dead, with a %s graph", (_, sum, expected) =>
    using({}, async (deployed) => {
      const { engine } = deployed
      // Those of the client are dead as well.
      const settings = (engine: Engine) => ({ ...deployed.settings(engine), coordination: persistent })
      await value(double(1), settings(engine()))
      await deployed.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
      await deployed.command("CLIENT", "KILL", "TYPE", "pubsub")
      expect(await value(sum(), settings(engine()))).toBe(expected)
      expect(deployed.local.report().totals.errors).toBe(0)
    })
  )
})
