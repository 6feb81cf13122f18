// Clients in processes of their own: what becomes of their runs, and of the processes that they have started.
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { Codec } from "@weft/core"
import { CLIENT, Coordination, type Message, type RunState } from "@weft/storage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { afterAll, afterEach, describe, expect, it, vi } from "vitest"
import type { Told } from "./fixtures/client.ts"
import { serve } from "./fixtures/served.ts"
import { LAYERS_SIZE, MET_SIZE } from "./fixtures/workflows.ts"
import { ended } from "./pids.ts"

const run = promisify(execFile)
// Processes take their time to start, on a machine with other things to do.
vi.setConfig({ testTimeout: 60_000 })

const served = await serve()
const coordination = Context.get(served.services, Coordination)
const scope = Scope.makeUnsafe()
const { port } = served.reference.options as { readonly port: number }
afterAll(() => served[Symbol.asyncDispose]())

const LEASE_MS = 900
let runs = 0
/** All processes of the test that is running. */
let started: Array<number> = []

afterEach(() => {
  for (const pid of started) if (!ended(pid)) process.kill(pid, "SIGKILL")
  started = []
})

/** Starts a client. It says when its run has begun; `busy` resolves when a task runs. */
const start = async (workflow: Told["workflow"], more: Partial<Told> = {}) => {
  const told: Told = {
    port,
    run: `orphaned-${runs++}`,
    leaseMs: LEASE_MS,
    engine: "processes",
    count: 2,
    workflow,
    ...more
  }
  const program = spawn(
    process.execPath,
    ["--conditions=@weft/source", `${import.meta.dirname}/fixtures/client.ts`, JSON.stringify(told)],
    { stdio: ["ignore", "pipe", "inherit"] }
  )
  started.push(program.pid!)
  const heard: Array<Message["type"]> = []
  const busy = new Promise<void>((resume) => {
    const hear = ({ type }: Message) => {
      heard.push(type)
      if (type === "started") resume()
    }
    Effect.runSync(Scope.provide(coordination.subscribe(told.run, CLIENT, hear), scope))
  })
  const lines = createInterface(program.stdout)
  const says = async (line: string) => {
    for await (const [said] of on(lines)) if (said === line) return
  }
  return { program, run: told.run, says, busy, heard, children: () => childrenOf(program.pid!) }
}

async function* on(lines: NodeJS.EventEmitter) {
  while (true) yield (await once(lines, "line")) as [string]
}

const childrenOf = async (parent: number): Promise<ReadonlyArray<number>> => {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid="])
  const children = stdout
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
    .flatMap(([pid, ppid]) => (ppid === parent ? [pid] : []))
  started.push(...children)
  return children
}

/** Asks again until it is so. */
const until = async <A>(ask: () => Promise<A> | A, isSo: (a: A) => boolean): Promise<A> => {
  while (true) {
    const answer = await ask()
    if (isSo(answer)) return answer
    await sleep(20)
  }
}

const state = (of: string): Promise<RunState> => Effect.runPromise(coordination.state(of))
const over = (of: string) =>
  until(
    () => state(of),
    ({ status }) => status !== "running"
  )
const allEnded = (pids: ReadonlyArray<number>) =>
  until(
    () => pids.every(ended),
    (all) => all
  )

/** What the last node of `layers` gave. */
const result = async (of: string, size = LAYERS_SIZE): Promise<unknown> => {
  const [bytes] = await Effect.runPromise(coordination.read(of, [size - 1]))
  await Effect.runPromise(coordination.remove(of))
  return Codec.decode(bytes as Uint8Array)
}

// Another process serves the stores: they answer while tasks block this one.
describe("a task that blocks for longer than the lease keeps it", () => {
  it.each(["inline", "threads", "processes"] as const)("on %s", async (engine) => {
    const client = await start("long", { engine, count: 1, leaseMs: 4000 })
    await client.says("ended succeeded")
    expect(client.heard.filter((type) => type === "lost")).toEqual([])
    await Effect.runPromise(coordination.remove(client.run))
  })
})

describe("when the client is killed", () => {
  it.each([0, 60, 200])("its processes finish its run, and end: after %i ms", async (ms) => {
    const client = await start("layers")
    await client.says("begun")
    const children = await until(client.children, ({ length }) => length === 2)
    await sleep(ms)
    process.kill(client.program.pid!, "SIGKILL")
    expect((await over(client.run)).status).toBe("succeeded")
    expect(await result(client.run)).toBe(36)
    await allEnded(children)
  })

  it("and one of its processes, the other finishes the run", async () => {
    const folder = mkdtempSync(join(tmpdir(), "weft-clients-"))
    const client = await start("met", { folder })
    await client.says("begun")
    const children = await until(client.children, ({ length }) => length === 2)
    // One that has never heard of the run has no part in it: until each of them has.
    await until(
      () => state(client.run),
      ({ completed }) => completed > 3
    )
    for (const pid of [client.program.pid!, children[0]!]) process.kill(pid, "SIGKILL")
    expect((await over(client.run)).status).toBe("succeeded")
    expect(await result(client.run, MET_SIZE)).toBe(36)
    await allEnded(children)
    rmSync(folder, { recursive: true })
  })

  it("processes without a run end at once", async () => {
    const client = await start("layers", { stays: true })
    await client.says("ended succeeded")
    const children = await client.children()
    expect(children).toHaveLength(2)
    process.kill(client.program.pid!, "SIGKILL")
    await allEnded(children)
  })

  it("and the run is cancelled, a process that a task blocks ends", async () => {
    const client = await start("blocked", { count: 1 })
    await client.says("begun")
    const children = await until(client.children, ({ length }) => length === 1)
    await client.busy
    process.kill(client.program.pid!, "SIGKILL")
    await Effect.runPromise(coordination.cancel(client.run, "by the test"))
    await allEnded(children)
    await Effect.runPromise(coordination.remove(client.run))
  })

  it("a process that a task blocks for longer than its timeout ends", async () => {
    const client = await start("overdue", { count: 1 })
    await client.says("begun")
    const children = await until(client.children, ({ length }) => length === 1)
    await client.busy
    process.kill(client.program.pid!, "SIGKILL")
    await allEnded(children)
    await Effect.runPromise(coordination.remove(client.run))
  })

  it("by an interrupt that its processes got too, they end with it", async () => {
    const client = await start("layers")
    await client.says("begun")
    const children = await until(client.children, ({ length }) => length === 2)
    for (const pid of children) process.kill(pid, "SIGINT")
    process.kill(client.program.pid!, "SIGINT")
    await allEnded(children)
    expect((await state(client.run)).status).toBe("running")
    await Effect.runPromise(coordination.remove(client.run))
  })
})

describe("when the client ends", () => {
  it("its processes have ended", async () => {
    const client = await start("layers")
    await client.says("begun")
    const children = await until(client.children, ({ length }) => length === 2)
    await once(client.program, "exit")
    await allEnded(children)
    expect((await state(client.run)).status).toBe("succeeded")
    await Effect.runPromise(coordination.remove(client.run))
  })
})
