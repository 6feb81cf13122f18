import { dirname } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { Failure, RunCancelled, RunFailed } from "../src/index.ts"

/** The folder `packages`, as stacks show it. */
const packages = pathToFileURL(dirname(dirname(dirname(fileURLToPath(import.meta.url))))).href
const stack = (...lines: ReadonlyArray<string>) =>
  ["Error: a message", "  with a second line at home", ...lines.map((line) => `    at ${line}`)].join("\n")

const user = "blur (file:///home/me/workflow.ts:12:9)"

describe("userLine", () => {
  it.each<[string, ReadonlyArray<string>]>([
    [
      "Node.js",
      ["new Promise (<anonymous>)", "node:internal/process/task_queues:105:5", "Module.run (node:fs:1:2)"]
    ],
    ["the language", ["JSON.parse (<anonymous>)", "Array.map (<anonymous>)", "async Promise.all (index 0)"]],
    [
      "dependencies",
      ["resize (file:///home/me/node_modules/sharp/lib/index.js:1:2)", "/home/me/node_modules/a/b.js:1:2"]
    ],
    ["weft, as source", [`call (${packages}/worker/src/Execute.ts:20:3)`]],
    ["weft, as built", [`call (${packages}/worker/dist/Execute.js:20:3)`]]
  ])("passes over lines of %s", (_, lines) => {
    expect(Failure.userLine(stack(...lines, user, "main (file:///home/me/main.ts:1:1)"))).toBe(`at ${user}`)
  })

  it.each([
    "file:///home/me/workflow.ts:12:9",
    "async blur (/home/me/workflow.ts:12:9)",
    "Object.<anonymous> (C:\\me\\workflow.ts:12:9)",
    "new Blur (file:///home/me/a%20folder/src/workflow.ts:12:9)",
    `blur (${packages}/worker/test/tasks.ts:12:9)`
  ])("finds %s", (line) => {
    expect(Failure.userLine(stack("node:fs:1:2", line))).toBe(`at ${line}`)
  })

  it("finds none where there is none", () => {
    expect(Failure.userLine(undefined)).toBeUndefined()
    expect(Failure.userLine("")).toBeUndefined()
    expect(Failure.userLine(stack("node:fs:1:2", "JSON.parse (<anonymous>)"))).toBeUndefined()
  })

  it("finds this very line", () => {
    let thrown: unknown
    try {
      JSON.parse("{")
    } catch (error) {
      thrown = error
    }
    expect(Failure.userLine((thrown as Error).stack)).toMatch(/Failure\.test\.ts:\d+:\d+\)?$/)
  })
})

const failure: Failure.Failure = {
  instance: "17[3]",
  task: "blur",
  kind: "error",
  worker: "w2",
  attempts: 1,
  name: "RangeError",
  message: "radius is negative",
  stack: stack("node:fs:1:2", user)
}

describe("describe", () => {
  it("says which node failed where, why, and in which line", () => {
    expect(Failure.describe(failure)).toBe(
      `blur#17[3] failed on worker w2: RangeError: radius is negative\n    at ${user}`
    )
  })

  it("says the node's number where a store recorded the failure and knows no more", () => {
    const { name: _, stack: __, task: ___, ...rest } = failure
    expect(Failure.describe({ ...rest, kind: "lost", message: "its worker was lost" })).toBe(
      "#17[3] failed on worker w2: its worker was lost"
    )
  })

  it("counts attempts where there were several", () => {
    expect(Failure.describe({ ...failure, attempts: 3 })).toContain(
      "blur#17[3] failed (3 attempts) on worker w2: "
    )
  })

  it("says of something thrown that is no error that it was thrown", () => {
    const { name: _, stack: __, ...thrown } = failure
    expect(Failure.describe({ ...thrown, message: '"no"' })).toBe(
      'blur#17[3] failed on worker w2: threw "no"'
    )
  })

  it("gives the message alone where nothing was thrown", () => {
    const { name: _, stack: __, ...rest } = failure
    expect(Failure.describe({ ...rest, kind: "timeout", message: "took longer than 100 ms" })).toBe(
      "blur#17[3] failed on worker w2: took longer than 100 ms"
    )
  })
})

describe("the errors of a run", () => {
  it("tell every failure", () => {
    const error = new RunFailed({
      run: "r1",
      workflow: "images",
      failures: [
        failure,
        { ...failure, instance: 20, task: "merge", kind: "lost", message: "its worker was lost" }
      ]
    })
    expect(error._tag).toBe("RunFailed")
    expect(error.message).toBe(
      `run r1 of images failed: blur#17[3] failed on worker w2: RangeError: radius is negative\n    at ${user}\n` +
        `merge#20 failed on worker w2: its worker was lost\n    at ${user}`
    )
  })

  it("tell why a run was cancelled", () => {
    expect(new RunCancelled({ run: "r1", reason: "by hand" }).message).toBe("run r1 was cancelled: by hand")
  })
})

describe("a failure", () => {
  it("is plain data with a schema", () => {
    const decode = Schema.decodeUnknownSync(Failure.Failure)
    expect(decode(JSON.parse(JSON.stringify(failure)))).toEqual(failure)
    expect(() => decode({ ...failure, kind: "other" })).toThrow(/kind/)
    expect(() => decode({ ...failure, attempts: "3" })).toThrow(/attempts/)
  })
})

describe("a stack of a bundle", () => {
  const module = "file:///home/ann/my%20app/src/flow.ts"
  const stack = [
    "TypeError: no",
    "    at helps (/var/task/node_modules/zod/index.js:1:1)",
    "    at file:///var/task/weft-bundle.chunk-AB12CD34.mjs:7:90",
    `    at look (file:///var/task/${Failure.sourceOf("../lib/look up.ts")}:3:5)`,
    `    at Object.run (/var/task/${Failure.sourceOf("flow.ts")}:12:4)`,
    `    at async file:///var/task/${Failure.sourceOf("../../other/x.ts")}:1:2`
  ].join("\n")

  it("has the user's files where they are for whoever began the run", () => {
    expect(Failure.located(stack, module).split("\n").slice(3)).toEqual([
      "    at look (file:///home/ann/my%20app/lib/look%20up.ts:3:5)",
      "    at Object.run (file:///home/ann/my%20app/src/flow.ts:12:4)",
      "    at async file:///home/ann/other/x.ts:1:2"
    ])
  })

  it("has the user's line, and not one of the bundle", () => {
    expect(Failure.userLine(Failure.located(stack, module))).toBe(
      "at look (file:///home/ann/my%20app/lib/look%20up.ts:3:5)"
    )
  })

  it("is any other stack, too", () => {
    expect(Failure.located("Error: x\n    at f (file:///a/src/b.ts:1:2)", module)).toBe(
      "Error: x\n    at f (file:///a/src/b.ts:1:2)"
    )
  })
})
