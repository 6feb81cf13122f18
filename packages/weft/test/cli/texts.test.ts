import { describe, expect, it } from "vitest"
import { relativeLine, shownPath } from "../../src/cli/FailureText.ts"
import * as Json from "../../src/cli/Json.ts"
import { runLines } from "../../src/cli/RunsCommand.ts"
import { plain } from "../../src/cli/Style.ts"
import { summaryLines } from "../../src/cli/SummaryText.ts"
import * as Units from "../../src/cli/Units.ts"
import type { Summary } from "../../src/Summary.ts"

const summary: Summary = {
  run: "mwr83xaq-846ysz",
  workflow: "pictures",
  status: "succeeded",
  engine: "threads",
  planner: "simple",
  makespanMs: 2000,
  completed: 1026,
  total: 1026,
  workers: 8,
  executionMs: 12_000,
  parallelism: 8,
  efficiency: 0.75,
  bytesRead: 12_400_000,
  bytesWritten: 980,
  retries: 3,
  tasks: [
    { task: "blur", calls: 1023, executionMs: 9000, longestMs: 64_000, inputBytes: 0, outputBytes: 0 },
    { task: "total", calls: 1, executionMs: 3000, longestMs: 3000, inputBytes: 0, outputBytes: 0 }
  ],
  slowest: [
    { node: "total#9", executionMs: 3000, worker: "w-1" },
    { node: "blur#3[12]", executionMs: 640.2, worker: "w-2" }
  ],
  notes: ["had no history"]
}

describe("the summary", () => {
  it("is what people want to know", () => {
    expect(summaryLines(summary, plain).join("\n")).toBe(`✔ pictures: 1,024 tasks in 2 s (512 tasks/s)
  run         mwr83xaq-846ysz
  engine      threads, 8 workers
  planner     simple · had no history
  efficiency  75 % of 8 threads (6.0 tasks at once)
  moved       980 B written, 12.4 MB read
  retries     3

  task   calls  time    mean    longest  share
  blur   1,023   9 s  8.8 ms  1 min 4 s   75 %  ━━━━━━━━
  total      1   3 s     3 s        3 s   25 %  ━━━

  slowest call    time  worker
  total#9          3 s  w-1
  blur#3[12]    640 ms  w-2`)
  })

  it("tells of tasks that waited together on one thread", () => {
    const text = summaryLines({ ...summary, parallelism: 1, efficiency: 1 }, plain).join("\n")
    expect(text).toContain("  efficiency  6.0 tasks at once on 1 thread, since they wait\n")
  })

  it("is one line for a run that came to no result", () => {
    const rest = { completed: 5, makespanMs: 61_000 }
    expect(summaryLines({ ...summary, ...rest, status: "failed" }, plain)).toEqual([
      "✗ pictures failed after 1 min 1 s: 5 of 1,026 done"
    ])
    expect(summaryLines({ ...summary, ...rest, status: "cancelled" }, plain)).toEqual([
      "■ pictures was cancelled after 1 min 1 s: 5 of 1,026 done"
    ])
  })

  it("does without a rate and tables for a run without tasks", () => {
    const none = { tasks: [], slowest: [], makespanMs: 0, efficiency: undefined, completed: 0, total: 0 }
    const lines = summaryLines({ ...summary, ...none }, plain)
    expect(lines[0]).toBe("✔ pictures: 0 tasks in 0 ms")
    expect(lines.at(-1)).toBe("  retries     3")
  })
})

describe("units", () => {
  it("are human", () => {
    expect([0, 0.123, 9.94, 9.96, 120, 999.6, 1234, 12_345, 59_960, 3_725_000].map(Units.duration)).toEqual([
      "0 ms",
      "0.12 ms",
      "9.94 ms",
      "10 ms",
      "120 ms",
      "1 s",
      "1.23 s",
      "12.3 s",
      "1 min 0 s",
      "1 h 2 min"
    ])
    expect([0, 999, 1000, 12_345, 999_600, 123_456_789, 3e15].map(Units.bytes)).toEqual([
      "0 B",
      "999 B",
      "1 kB",
      "12.3 kB",
      "1 MB",
      "123 MB",
      "3000 TB"
    ])
    expect([0.04, 5, 128.4, 12_345].map((n) => Units.rate(n))).toEqual(["0/s", "5/s", "128/s", "12,345/s"])
  })
})

describe("times", () => {
  it.each([
    ["500ms", 500],
    ["90s", 90_000],
    ["10m", 600_000],
    ["1.5h", 5_400_000],
    ["2d", 172_800_000]
  ])("are written with a unit: %s", (text, ms) => {
    expect(Units.milliseconds(text)).toBe(ms)
  })

  it.each(["", "10", "s", "0s", "-1s", "1e3s", "10 s", "1w"])("are refused otherwise: %j", (text) => {
    expect(() => Units.milliseconds(text)).toThrow("a time such as 500ms, 90s, 10m, 1h or 2d")
  })
})

describe("the table of runs", () => {
  it("tells how far they are, and when they were last heard of", () => {
    const run = {
      run: "mf3k2a9c-7xq2ab",
      workflow: "pictures",
      status: "running",
      begunAt: 1000,
      endedAt: undefined,
      leaseMs: 10_000,
      heardAt: 190_000,
      completed: 1024,
      instances: 2048,
      failures: [],
      reason: undefined
    } as const
    const ended = {
      ...run,
      run: "mf3k2a9c-aaaaaa",
      status: "succeeded",
      completed: 2048,
      heardAt: 195_000
    } as const
    expect(runLines([run, ended], 193_000, plain).join("\n")).toBe(
      `run              workflow  status               done           began  last heard
mf3k2a9c-7xq2ab  pictures  running    1,024 of 2,048  3 min 12 s ago     3 s ago
mf3k2a9c-aaaaaa  pictures  succeeded  2,048 of 2,048  3 min 12 s ago     0 s ago`
    )
  })
})

describe("JSON", () => {
  it("has a word for everything", () => {
    const values = {
      bigints: new BigInt64Array([1n, 2n]),
      view: new DataView(new Uint8Array([1, 2, 3]).buffer, 1),
      buffer: Buffer.from("hi"),
      memory: new ArrayBuffer(2),
      pattern: /a+/g,
      nested: new Map([["inner", new Map([[{ key: 1n }, new Set([undefined])]])]]),
      invalid: new Date(Number.NaN),
      zero: -0
    }
    expect(JSON.parse(Json.stringify(values))).toEqual({
      bigints: ["1", "2"],
      view: "AgM=",
      buffer: "aGk=",
      memory: "AAA=",
      pattern: "/a+/g",
      nested: { inner: [[{ key: "1" }, [null]]] },
      invalid: null,
      zero: 0
    })
    expect(Json.stringify(undefined)).toBe("null")
    expect(Json.stringify(5n)).toBe('"5"')
  })
})

describe("paths", () => {
  it("are shown as seen from the folder, if that is shorter", () => {
    expect(shownPath("/home/me/flows/a.ts", "/home/me")).toBe("flows/a.ts")
    expect(shownPath("/etc/a.ts", "/home/me/flows/of/old")).toBe("/etc/a.ts")
    expect(relativeLine("at run (file:///home/me/a%20b.ts:3:4)", "/home/me")).toBe("at run (a b.ts:3:4)")
    expect(relativeLine("at async /home/me/a.ts:3:4", "/home/me")).toBe("at async a.ts:3:4")
  })
})
