// What is billed, and what is told about invocations.
import { describe, expect, it } from "vitest"
import { billOf, reportLine } from "../src/dispatch/Billing.ts"
import { type InvocationRecord, startLambda } from "../src/index.ts"
import { Recorder } from "../src/Report.ts"
import { deployed, ECHO } from "./deployed.ts"

describe("what is billed", () => {
  it("is whole milliseconds of the invocation and its initialisation", () => {
    expect(billOf({ durationMs: 10.2, initMs: 100.1 }, 1024, "x86_64").billedMs).toBe(111)
    expect(billOf({ durationMs: 10.2, initMs: undefined }, 1024, "x86_64").billedMs).toBe(11)
    expect(billOf({ durationMs: 0, initMs: undefined }, 1024, "x86_64").billedMs).toBe(1)
  })

  it("is memory times time, and each request", () => {
    const { gbSeconds, usd } = billOf({ durationMs: 1000, initMs: undefined }, 2048, "x86_64")
    expect(gbSeconds).toBe(2)
    expect(usd).toBeCloseTo(2 * 0.000_016_666_7 + 0.000_000_2, 12)
    expect(billOf({ durationMs: 1000, initMs: undefined }, 2048, "arm64").usd).toBeLessThan(usd)
  })

  it("is in the REPORT line", () => {
    const done = {
      outcome: { type: "response", payload: new Uint8Array() },
      durationMs: 3.189,
      initMs: undefined,
      maxMemoryMiB: 65,
      log: "",
      isUsable: true
    } as const
    expect(reportLine("id", done, 128, billOf(done, 128, "x86_64"))).toBe(
      "REPORT RequestId: id\tDuration: 3.19 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 65 MB\t\n"
    )
  })
})

describe("the report", () => {
  it("has each invocation, and sums", async () => {
    const heard: Array<InvocationRecord> = []
    const { create, invoke, lambda, records, send } = await deployed({
      onInvocation: (record) => heard.push(record),
      retryDelaysMs: [10, 10]
    })
    await create("echo", ECHO, { MemorySize: 512 })
    await create("fail", "export const handler = async () => { throw new TypeError('no') }")
    await invoke("echo")
    await invoke("echo")
    const requestId = await send("fail")
    await records(5)
    const { invocations, lost, totals } = lambda.report()
    expect(invocations).toEqual(heard)
    expect(invocations.map(({ attempt, functionName, start }) => [functionName, start, attempt])).toEqual([
      ["echo", "cold", 1],
      ["echo", "warm", 1],
      ["fail", "cold", 1],
      ["fail", "warm", 2],
      ["fail", "warm", 3]
    ])
    expect(invocations[0]!.environment).toBe(invocations[1]!.environment)
    expect(invocations[4]).toMatchObject({
      requestId,
      type: "Event",
      error: { type: "TypeError", message: "no", unhandled: false }
    })
    for (const { billedMs, durationMs, gbSeconds, initMs = 0, maxMemoryMiB, memoryMiB } of invocations) {
      expect(billedMs).toBe(Math.ceil(durationMs + initMs))
      expect(gbSeconds).toBeCloseTo((memoryMiB / 1024) * (billedMs / 1000), 9)
      expect(maxMemoryMiB).toBeGreaterThan(10)
    }
    expect(totals).toMatchObject({
      invocations: 5,
      coldStarts: 2,
      errors: 3,
      environments: 2,
      mostEnvironments: 2
    })
    expect(lost).toEqual([{ requestId, functionName: "fail", reason: "RetriesExhausted" }])
  })

  it("is a copy", async () => {
    await using lambda = await startLambda()
    const report = lambda.report()
    expect(lambda.report()).toEqual(report)
    expect(lambda.report().invocations).not.toBe(report.invocations)
  })

  it("keeps the last of very many records, and sums over all", () => {
    const recorder = new Recorder(undefined)
    const record = { billedMs: 1, gbSeconds: 1, usd: 1, start: "warm", error: undefined } as InvocationRecord
    for (let i = 0; i < 100_001; i++) recorder.invoked({ ...record, requestId: String(i) })
    const { invocations, totals } = recorder.report()
    expect(invocations).toHaveLength(90_001)
    expect(invocations.at(-1)!.requestId).toBe("100000")
    expect(totals.invocations).toBe(100_001)
  })
})

it("what functions print is told at once, with Lambda's lines", async () => {
  let text = ""
  const { create, invoke } = await deployed({
    onLog: (name, piece) => {
      expect(name).toBe("talk")
      text += piece
    }
  })
  await create("talk", "export const handler = async () => { console.log('said') }")
  await invoke("talk")
  expect(text).toMatch(/^START RequestId.*\n.*INFO\tsaid\nEND .*\nREPORT .*\n$/)
})
