// What comes to a process of the engine by its channel, and is none of its messages.
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { afterEach, expect, it } from "vitest"

const entry = fileURLToPath(new URL("../../src/engines/processes/entry.ts", import.meta.url))
const settings = {
  parallelism: 1,
  fanOut: 2,
  idleMs: 10,
  payloadBytes: 1000,
  worthMs: 0,
  parent: process.pid
}

let child: ChildProcess | undefined
afterEach(() => child?.kill("SIGKILL"))

const invocation = { run: "nobody", worker: "w", named: false, work: [], values: [], spawn: [] }
const garbage: ReadonlyArray<unknown> = [
  null,
  "garbage",
  7,
  [],
  {},
  { type: "invoke" },
  { type: "invoke", place: 1, invocation: { run: 3 } },
  { type: "invoke", place: 1, invocation: { ...invocation, work: [{ instance: {} }] } },
  { type: "invoke", place: 1, invocation: { ...invocation, values: [[0, "text", true]] } },
  { type: "invoke", place: 1, invocation: { ...invocation, spawn: [null] } },
  { type: "open", run: 3 },
  { type: "open", run: "nobody", leaseMs: 10, stores: "redis://" },
  { type: "close" },
  { type: "ping", ping: "now" }
]

it("is passed over, and what follows is heard", { timeout: 30_000 }, async () => {
  child = fork(entry, [JSON.stringify(settings)], { serialization: "advanced", stdio: "pipe" })
  let stderr = ""
  child.stderr!.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
  const heard: Array<unknown> = []
  child.on("message", (message) => heard.push(message))
  for (const message of garbage) child.send(message as never)
  // A worker of a run that nobody has told it of: it cannot begin, and is said to have ended.
  child.send({ type: "invoke", place: 5, invocation })
  child.send({ type: "ping", ping: 1 })
  const answers = [
    { type: "ready" },
    { type: "pong", ping: 1 },
    { type: "left", place: 5, fault: expect.any(String) }
  ]
  await expect.poll(() => heard, { timeout: 20_000, interval: 10 }).toHaveLength(answers.length)
  expect(heard).toEqual(expect.arrayContaining(answers))
  const ended = once(child, "exit")
  child.disconnect()
  expect(await ended).toEqual([0, null])
  expect(stderr).toBe("")
})
