/** The life of an environment: initialisation, frozen time, time limits, the end. */
import { availableParallelism } from "node:os"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { afterAll, describe, expect, it, vi } from "vitest"
import { start } from "../../src/environment/Environment.ts"
import { leftOf, open, processesWith, settingsFor, stateOf } from "./support.ts"

afterAll(async () => {
  expect(await leftOf(process.pid)).toEqual([])
})

/** A stopped process has stopped only when the kernel says so. */
const stopped = (pid: number) => vi.waitFor(async () => expect(await stateOf(pid)).toBe("T"))
const gone = (pid: number) => vi.waitFor(async () => expect(await stateOf(pid)).toBeUndefined())

const cpus = availableParallelism()

describe.runIf(process.platform === "linux" && cpus <= 4)(
  "of more than have CPUs",
  { timeout: 60_000 },
  () => {
    /** When the modules of so many that start together began, and were ready. */
    const startAll = async (initialise: string) => {
      const code = `const begun = Date.now(); ${initialise}; const ready = Date.now()
    export const handler = async () => ({ begun, ready })`
      const labs = await Promise.all(Array.from({ length: 3 * cpus + 1 }, () => open(code)))
      try {
        const answers = await Promise.all(labs.map((lab) => lab.invoke()))
        return answers.map(({ value }) => value as { readonly begun: number; readonly ready: number })
      } finally {
        await Promise.all(labs.map((lab) => lab[Symbol.asyncDispose]()))
      }
    }

    it("the last one waits until another is ready", async () => {
      const all = await startAll("while (Date.now() < begun + 500);")
      const firstReady = Math.min(...all.map(({ ready }) => ready))
      expect(Math.max(...all.map(({ begun }) => begun))).toBeGreaterThanOrEqual(firstReady)
    })

    it("none waits for one that waits", async () => {
      const all = await startAll("await new Promise((resume) => setTimeout(resume, 5000))")
      const firstReady = Math.min(...all.map(({ ready }) => ready))
      expect(Math.max(...all.map(({ begun }) => begun))).toBeLessThan(firstReady)
    })
  }
)

describe("between invocations", () => {
  it("nothing runs: timers stand still, also those of child processes", async () => {
    await using lab = await open(`import { spawn } from "node:child_process"
    let ticks = 0
    setInterval(() => ticks++, 1)
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1)"])
    export const handler = async () => ({ ticks, pids: [process.pid, child.pid] })`)
    const first = (await lab.invoke()).value as {
      readonly ticks: number
      readonly pids: ReadonlyArray<number>
    }
    for (const pid of first.pids) await stopped(pid)
    await new Promise((resume) => setTimeout(resume, 300))
    const second = (await lab.invoke()).value as { readonly ticks: number }
    // Time that has passed meanwhile is one late tick, not 300.
    expect(second.ticks - first.ticks).toBeLessThan(100)
  })

  it("it is frozen as soon as it has initialised, if there is no invocation", async () => {
    await using lab = await open("export const handler = async () => process.pid")
    const [pid] = await vi.waitFor(async () => {
      const pids = await processesWith(`lambda-local-${process.pid}.`)
      const states = await Promise.all(pids.map(stateOf))
      expect(states).toContain("T")
      return pids.filter((_, index) => states[index] === "T")
    })
    expect((await lab.invoke()).value).toBe(pid)
  })

  it("connections stay open", async () => {
    await using lab = await open(`import { createServer, connect } from "node:net"
    const server = createServer((socket) => socket.pipe(socket))
    await new Promise((resume) => server.listen(0, "127.0.0.1", resume))
    const socket = connect(server.address().port, "127.0.0.1")
    await new Promise((resume) => socket.once("connect", resume))
    export const handler = async (event) => {
      const answer = new Promise((resume) => socket.once("data", (data) => resume(String(data))))
      socket.write(event.text)
      return answer
    }`)
    expect((await lab.invoke({ text: "one" })).value).toBe("one")
    expect((await lab.invoke({ text: "two" })).value).toBe("two")
  })

  it("if its process has ended after its answer, the answer counts", async () => {
    await using lab = await open(`import { connect } from "node:net"
    export const handler = (event, { awsRequestId }) => {
      const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":")
      const body = JSON.stringify("x".repeat(100_000))
      const socket = connect(port, host)
      const path = "/2018-06-01/runtime/invocation/" + awsRequestId + "/response"
      socket.end("POST " + path + " HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: " + body.length + "\\r\\n\\r\\n" + body, () =>
        process.exit(0))
      return new Promise(() => {})
    }`)
    expect(await lab.invoke()).toMatchObject({ value: "x".repeat(100_000), isUsable: false })
    expect(await lab.ended()).toBe("its process ended")
  })

  it("if its process is killed, it ends", async () => {
    await using lab = await open("export const handler = async () => process.pid")
    const { value } = await lab.invoke()
    process.kill(value as number, "SIGKILL")
    expect(await lab.ended()).toBe("its process ended")
  })
})

describe("the time limit", () => {
  it("ends the environment, and the invocation as AWS says it", async () => {
    await using lab = await open(
      `export const handler = async () => {
        console.log("pid", process.pid)
        await new Promise((resume) => setTimeout(resume, 60_000))
      }`,
      { timeoutMs: 1500 }
    )
    const { error, isUsable, log, unhandled } = await lab.invoke({}, { id: "r-1" })
    expect({ error, isUsable, unhandled }).toEqual({
      error: {
        errorType: "Sandbox.Timedout",
        errorMessage: "RequestId: r-1 Error: Task timed out after 1.50 seconds"
      },
      isUsable: false,
      unhandled: true
    })
    expect(log).toMatch(/\n\d{4}-\d\d-\d\dT[\d:.]+Z r-1 Task timed out after 1\.50 seconds\n$/)
    expect(await lab.ended()).toBe("Sandbox.Timedout")
    await gone(Number(/pid (\d+)/.exec(log)![1]))
  })

  it("holds for code that never yields", async () => {
    await using lab = await open("export const handler = () => { for (;;); }", { timeoutMs: 300 })
    expect(await lab.invoke()).toMatchObject({ error: { errorType: "Sandbox.Timedout" }, isUsable: false })
  })

  it("is that of each invocation, not of initialisation", async () => {
    await using lab = await open(
      `await new Promise((resume) => setTimeout(resume, 400))
      export const handler = async (_, context) => context.getRemainingTimeInMillis()`,
      { timeoutMs: 300 }
    )
    const answer = await lab.invoke()
    expect(answer.value).toBeGreaterThan(0)
    expect(answer.initMs).toBeGreaterThan(390)
  })
})

describe("initialisation", () => {
  it("that takes too long is repeated within the invocation, as part of its duration", async () => {
    // Only the first process is slow: it leaves a mark in the environment's folder for temporary files. The limit leaves it
    // time for that on a busy machine.
    await using lab = await open(
      `import { existsSync, writeFileSync } from "node:fs"
      const mark = process.env.TMPDIR + "/mark"
      if (!existsSync(mark)) {
        writeFileSync(mark, "")
        await new Promise((resume) => setTimeout(resume, 60_000))
      }
      export const handler = async () => "ready"`,
      { initLimitMs: 4000, timeoutMs: 30_000 }
    )
    const answer = await lab.invoke()
    expect(answer).toMatchObject({ value: "ready", isUsable: true })
    expect(answer.initMs).toBeGreaterThan(3990)
    expect((await lab.invoke()).initMs).toBeUndefined()
  })

  it("that takes too long again has timed out", async () => {
    await using lab = await open("await new Promise((resume) => setTimeout(resume, 60_000))", {
      initLimitMs: 300,
      timeoutMs: 400
    })
    expect(await lab.invoke()).toMatchObject({ error: { errorType: "Sandbox.Timedout" }, isUsable: false })
  })

  it("that ends its process twice is the error", async () => {
    await using lab = await open("process.exit(7)")
    expect(await lab.invoke({}, { id: "r-1" })).toMatchObject({
      error: {
        errorType: "Runtime.ExitError",
        errorMessage: "RequestId: r-1 Error: Runtime exited with error: exit status 7"
      }
    })
  })

  it("can be delayed, and the delay counts", async () => {
    await using lab = await open("export const handler = async () => 1", { coldStartMs: 250 })
    expect((await lab.invoke()).initMs).toBeGreaterThan(240)
  })
})

describe("the end", () => {
  it("of one that serves is an error to its invocation", async () => {
    await using lab = await open(
      "export const handler = () => new Promise((resume) => setTimeout(resume, 60_000))"
    )
    const answer = lab.invoke({}, { id: "r-1" })
    await lab.end()
    expect(await answer).toMatchObject({
      error: { errorMessage: "RequestId: r-1 Error: Runtime exited with error: signal: killed" },
      isUsable: false
    })
    expect(await lab.ended()).toBe("the test is over")
  })

  it("comes at once while it waits to start", async () => {
    await using lab = await open("export const handler = async () => 1", { coldStartMs: 60_000 })
    const answer = lab.invoke()
    await lab.end()
    expect((await answer).error?.errorType).toBe("Runtime.ExitError")
  })

  it("leaves an environment that can only fail", async () => {
    await using lab = await open("export const handler = async () => 1")
    expect((await lab.invoke()).value).toBe(1)
    expect(lab.environment.isUsable).toBe(true)
    await lab.end()
    expect(lab.environment.isUsable).toBe(false)
    expect(await lab.invoke({}, { id: "r-1" })).toMatchObject({
      error: { errorMessage: "RequestId: r-1 Error: Runtime exited with error: signal: killed" },
      isUsable: false
    })
  })

  it("comes with an interruption of its invocation", async () => {
    await using lab = await open(
      "export const handler = () => new Promise((resume) => setTimeout(resume, 60_000))"
    )
    const request = { id: "r", payload: Buffer.from("{}"), traceId: "t", arn: "a" }
    const fiber = Effect.runFork(lab.environment.invoke(request))
    await Effect.runPromise(Fiber.interrupt(fiber))
    expect(await lab.ended()).toBe("its invocation was interrupted")
  })

  it("leaves no process behind that the function has started", async () => {
    await using lab = await open(`import { spawn } from "node:child_process"
    const sleep = (detached) => spawn("sleep", ["60"], { detached, stdio: "ignore" }).pid
    export const handler = async () => [process.pid, sleep(false), sleep(true)]`)
    const pids = (await lab.invoke()).value as ReadonlyArray<number>
    await lab.end()
    // Without cgroups nothing tells of the last one, which has left the process group.
    const known = lab.isConfined ? pids : pids.slice(0, 2)
    for (const pid of known) await gone(pid)
  })

  it("removes its folder for temporary files", async () => {
    await using lab = await open(`import { writeFileSync } from "node:fs"
    import { tmpdir } from "node:os"
    export const handler = async () => { writeFileSync(tmpdir() + "/file", "x".repeat(1e6)); return tmpdir() }`)
    const { value } = await lab.invoke()
    expect(value).toContain(`lambda-local-${process.pid}.`)
    await lab.end()
    expect(await leftOf(process.pid)).toEqual([])
  })
})

it("40 environments serve at once", { timeout: 60_000 }, async () => {
  const labs = await Promise.all(
    Array.from({ length: 40 }, () =>
      open(
        "export const handler = async ({ n }) => { await new Promise((resume) => setTimeout(resume, 50)); return n }"
      )
    )
  )
  try {
    const values = await Promise.all(labs.map(async (lab, n) => (await lab.invoke({ n })).value))
    expect(values).toEqual(labs.map((_, n) => n))
  } finally {
    await Promise.all(labs.map((lab) => lab[Symbol.asyncDispose]()))
  }
})

it("code that is not there is an error that says so", async () => {
  const error = await Effect.runPromise(Effect.flip(start(settingsFor("/nowhere/at/all"))))
  expect(error).toMatchObject({ _tag: "EnvironmentError", functionName: "tested" })
  expect(error.message).toMatch(/^No environment for tested: its code is not there: .*\/nowhere\/at\/all/)
})
