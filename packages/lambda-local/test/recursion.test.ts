// A function that invokes itself, by the SDK as it is, is stopped after 16 times unless it may.
import {
  GetFunctionRecursionConfigCommand,
  InvokeCommand,
  PutFunctionEventInvokeConfigCommand,
  PutFunctionRecursionConfigCommand
} from "@aws-sdk/client-lambda"
import { describe, expect, it, vi } from "vitest"
import * as Trace from "../src/dispatch/Trace.ts"
import { deployed, ECHO } from "./deployed.ts"

/** Invokes another function, or itself, so many times more; answers how often it could. */
const source = (type: "Event" | "RequestResponse") => `
import { createRequire } from "node:module"
const { LambdaClient, InvokeCommand } = createRequire(${JSON.stringify(import.meta.url)})("@aws-sdk/client-lambda")
const client = new LambdaClient({ maxAttempts: 1 })
export const handler = async ({ left, next }, { functionName }) => {
  if (left === 0) return { depth: 1 }
  const [name = functionName, ...rest] = next ?? []
  try {
    const { Payload } = await client.send(new InvokeCommand({
      FunctionName: name,
      InvocationType: "${type}",
      Payload: JSON.stringify({ left: left - 1, next: next && [...rest, name] })
    }))
    if ("${type}" === "Event") return
    const { depth, error } = JSON.parse(Buffer.from(Payload).toString())
    return { depth: depth + 1, error }
  } catch ({ name }) {
    return { depth: 1, error: name }
  }
}`

const more = { Timeout: 60 }

describe("a function that waits for itself", () => {
  it("is refused the 17th time", async () => {
    const { create, invoke } = await deployed()
    await create("self", source("RequestResponse"), more)
    expect((await invoke("self", { left: 15 })).result).toEqual({ depth: 16 })
    expect((await invoke("self", { left: 16 })).result).toEqual({
      depth: 16,
      error: "RecursiveInvocationException"
    })
  }, 60_000)

  it("goes on if it may", async () => {
    const { client, create, invoke } = await deployed()
    await create("self", source("RequestResponse"), more)
    const FunctionName = "self"
    const config = () => client.send(new GetFunctionRecursionConfigCommand({ FunctionName }))
    expect((await config()).RecursiveLoop).toBe("Terminate")
    await client.send(new PutFunctionRecursionConfigCommand({ FunctionName, RecursiveLoop: "Allow" }))
    expect((await config()).RecursiveLoop).toBe("Allow")
    expect((await invoke("self", { left: 18 })).result).toEqual({ depth: 19 })
  }, 60_000)
})

describe("an event in a loop", () => {
  it("is dropped, to the failure destination", async () => {
    const { client, create, lambda, records, send } = await deployed()
    await create("self", source("Event"), more)
    await create("after", ECHO)
    await client.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: "self",
        DestinationConfig: {
          OnFailure: { Destination: "arn:aws:lambda:us-east-1:000000000000:function:after" }
        }
      })
    )
    await send("self", { left: 30 })
    const invocations = await records(17)
    expect(invocations.map(({ functionName }) => functionName)).toEqual([...Array(16).fill("self"), "after"])
    const { destinations } = lambda.report()
    expect(destinations.map(({ condition }) => condition)).toEqual(["RecursiveInvocation"])
  }, 60_000)

  it("is dropped by option even if it may go on, and not if the guard is off", async () => {
    for (const [recursionGuard, times] of [
      ["always", 16],
      ["never", 21]
    ] as const) {
      const { client, create, lambda, records, send } = await deployed({ recursionGuard })
      await create("self", source("Event"), more)
      const RecursiveLoop = recursionGuard === "always" ? "Allow" : "Terminate"
      await client.send(new PutFunctionRecursionConfigCommand({ FunctionName: "self", RecursiveLoop }))
      await send("self", { left: 20 })
      await records(times)
      const dropped = recursionGuard === "always" ? ["RecursiveInvocation"] : []
      // The last of them has left an event before it ended.
      await vi.waitFor(() => expect(lambda.report().lost.map(({ reason }) => reason)).toEqual(dropped))
      expect(lambda.report().totals.invocations).toBe(times)
    }
  }, 60_000)
})

it("functions that invoke each other are counted one by one", async () => {
  const { create, invoke } = await deployed()
  for (const name of ["a", "b"]) await create(name, source("RequestResponse"), more)
  // a b a b …: 16 times each, then a is refused.
  const { result } = await invoke("a", { left: 40, next: ["b", "a"] })
  expect(result).toEqual({ depth: 32, error: "RecursiveInvocationException" })
}, 60_000)

describe("the trace header", () => {
  it("counts how often a function was invoked before within a chain", () => {
    const first = Trace.follow(undefined, "arn:a")
    expect(first.header).toMatch(
      /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=[0-9a-f]{8}:0$/
    )
    const second = Trace.follow(first.header, "arn:b")
    const third = Trace.follow(second.header, "arn:a")
    expect([first.before, second.before, third.before]).toEqual([0, 0, 1])
    const root = (header: string) => /Root=[^;]+/.exec(header)![0]
    expect(root(third.header)).toBe(root(first.header))
  })

  it("of others is taken as far as it can be read", () => {
    const { before, header } = Trace.follow("Root=1-2-3;Sampled=1;Lineage=x|1234abcd:7;Self=4;;=", "arn:a")
    expect(before).toBe(0)
    expect(header).toMatch(/^Root=1-2-3;Parent=[0-9a-f]{16};Sampled=1;Lineage=1234abcd:7\|[0-9a-f]{8}:0$/)
  })
})

it("a chain that a client begins is its own", async () => {
  const { client, create, lambda } = await deployed()
  await create("echo", ECHO)
  for (let i = 0; i < 20; i++) await client.send(new InvokeCommand({ FunctionName: "echo" }))
  expect(lambda.report().totals).toMatchObject({ invocations: 20, errors: 0 })
})
