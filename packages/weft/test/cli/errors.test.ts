import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { weft } from "./weft.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-cli-"))
afterAll(() => rmSync(folder, { recursive: true }))

const broken = join(folder, "broken.ts")
writeFileSync(broken, "export const a = {\n  b: 1 +\n}\n")

/** The arguments after `run`, the exit code, and all that is written to stderr. */
const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>, 1 | 2, string]> = [
  ["a file that is not there", ["nope.ts"], 1, "error: nope.ts: there is no such file\n"],
  [
    "a file without a workflow",
    ["no-workflow.ts"],
    1,
    "error: no-workflow.ts: its default export is no workflow; write `export default workflow(import.meta, (input) => …)`, which returns the nodes whose values you want\n"
  ],
  [
    "two tasks with one name",
    ["twins.ts"],
    1,
    'error: twins.ts: it exports two different tasks named "twin"; give each a name of its own\n'
  ],
  [
    "a file that throws on import",
    ["throws-on-import.ts"],
    1,
    "error: throws-on-import.ts: it threw when it was imported: TypeError: Cannot read properties of undefined (reading 'name')\n    at throws-on-import.ts:3:37\n"
  ],
  [
    "a task that is not exported",
    ["unexported.ts"],
    1,
    'error: unexported.ts: it uses the task "hidden" but does not export it; workers find tasks by their names among the exports, so write `export const … = task("hidden", …)`\n'
  ],
  [
    "a builder that throws for want of an input",
    ["unbuildable.ts"],
    1,
    "error: the graph of unbuildable could not be built: Cannot read properties of undefined (reading 'list')\n    at Object.build (unbuildable.ts:6:9)\nIt was given no input. If it needs one, say so with --input.\n"
  ],
  [
    "a builder that throws over its input",
    ["unbuildable.ts", "-i", "{}"],
    1,
    "error: the graph of unbuildable could not be built: Cannot read properties of undefined (reading 'map')\n    at Object.build (unbuildable.ts:6:14)\n"
  ],
  [
    "a promise that never settles on import",
    ["never.ts"],
    1,
    "error: there is nothing left to wait for, but the command has not ended: does a module await a promise that never settles?\n"
  ],
  [
    "an input that the schema refuses",
    ["checked.ts", "--input", '{"numbers": [1, "x"]}'],
    2,
    "error: the input of checked sum is not valid:\n  numbers.1: Expected number\n"
  ],
  [
    "JSON that is wrong in the middle",
    ["checked.ts", "--input", '{"numbers": [1, 2}'],
    2,
    `error: --input is not valid JSON: Expected ',' or ']' after array element (line 1, column 18)
  {"numbers": [1, 2}
                   ^
Put the JSON in quotes for the shell, for example --input '{"n": 3}', or name a file: --input @input.json
`
  ],
  [
    "JSON that is a bare word",
    ["checked.ts", "--input", "hello"],
    2,
    `error: --input is not valid JSON: Unexpected token 'h' (line 1, column 1)
  hello
  ^
Put the JSON in quotes for the shell, for example --input '{"n": 3}', or name a file: --input @input.json
`
  ],
  [
    "a file of input that is not there",
    ["words.ts", "-i", "@nope.json"],
    2,
    "error: --input @nope.json: there is no such file\n"
  ],
  ["a folder as a file of input", ["words.ts", "-i", "@."], 2, "error: --input @.: this is a folder\n"],
  [
    "an unknown engine",
    ["words.ts", "--engine", "cluster"],
    2,
    'error: Invalid value for flag --engine: "cluster". Expected: "inline" | "threads" | "processes" | "lambda"\n\nusage: weft run [flags] <file>\nTry `weft run --help`.\n'
  ],
  [
    "an unknown planner",
    ["words.ts", "--planner", "clever"],
    2,
    'error: there is no planner "clever": choose one of simple, uniform, report2, wukong, dask, heft, random, single, or name a module that exports a planner, such as ./planner.ts\n'
  ],
  [
    "a planner's file that is not there",
    ["words.ts", "-p", "./nope.ts"],
    1,
    "error: nope.ts: there is no such file\n"
  ],
  [
    "a planner's file without a planner",
    ["words.ts", "-p", "./words.ts"],
    1,
    "error: words.ts: it exports no planner; write `export default planner({ … })`\n"
  ],
  [
    "a planner's file with two",
    ["words.ts", "-p", "planners/two.ts"],
    1,
    'error: planners/two.ts: it exports several planners ("one", "other"); make one the default\n'
  ],
  [
    "a planner without a behaviour for what it emits",
    ["words.ts", "-p", "planners/uncovered.ts"],
    1,
    'error: planners/uncovered.ts: it exports no behaviour for the annotation "twice", which its planner "hopeful" may emit\n'
  ],
  [
    "a planner that throws",
    ["words.ts", "-q", "-p", "planners/throwing.ts"],
    1,
    'error: the planner "throwing" threw RangeError: out of ideas\n    at Object.plan (planners/throwing.ts:7:11)\n'
  ],
  [
    "a concurrency below 1",
    ["words.ts", "-c", "0"],
    2,
    'error: Invalid value for flag --concurrency: "0". Expected: 1 or more\n\nusage: weft run [flags] <file>\nTry `weft run --help`.\n'
  ],
  [
    "a folder that is not there to write to",
    ["words.ts", "--out", "nope/result.json"],
    2,
    "error: --out nope/result.json: there is no folder nope; create it first\n"
  ],
  [
    "a folder to write to",
    ["words.ts", "--out", "."],
    2,
    "error: --out .: this is a folder; name a file in it\n"
  ],
  [
    "no file",
    [],
    2,
    "error: Missing required argument: file\n\nusage: weft run [flags] <file>\nTry `weft run --help`.\n"
  ],
  [
    "a flag with a typing error",
    ["words.ts", "--jsno"],
    2,
    "error: Unrecognized flag: --jsno in command weft run\n\n  Did you mean this?\n    --json\n\nusage: weft run [flags] <file>\nTry `weft run --help`.\n"
  ]
]

describe.concurrent("weft run explains", () => {
  it.each(cases)("%s", async (_, args, code, stderr) => {
    expect(await weft(["run", ...args])).toEqual({ code, stdout: "", stderr })
  })

  it("a syntax error, with its place", async () => {
    const { code, stderr } = await weft(["run", "broken.ts"], { cwd: folder })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error: broken\.ts: it has a syntax error: .+\n {4}\S*broken\.ts:3\n$/)
  })
})

/** What `failing.ts` is told to do, and what is said of it. */
const failures: ReadonlyArray<readonly [string, string, string]> = [
  [
    "a task that throws",
    "throws",
    `✗ fails#0 failed on worker W
  TypeError: no such colour
    at Object.throws (failing.ts:6:11)
  the lines it wrote to stderr:
  │ about to fail
`
  ],
  [
    "a task that rejects",
    "rejects",
    `✗ fails#0 failed on worker W
  Error: refused by the other side
    at Object.rejects (failing.ts:8:33)
`
  ],
  [
    "a task that throws what is no Error",
    "text",
    "✗ fails#0 failed on worker W\n  it threw just a text, which is no Error and has no stack\n"
  ],
  [
    "a task whose time is over",
    "late",
    "✗ late#0 failed on worker W\n  did not end within its timeout of 20 ms\n"
  ],
  [
    "a task that gave up",
    "again",
    `✗ again#0 failed after 3 attempts on worker W
  TypeError: no such colour
    at Object.throws (failing.ts:6:11)
  the lines it wrote to stderr:
  │ about to fail
  │ about to fail
  │ about to fail
`
  ],
  [
    "a task with a result that cannot be stored",
    "unencodable",
    "✗ fails#0 failed on worker W\n  result is a function, which cannot be stored or sent. Pass plain data, and call functions inside a task.\n"
  ]
]

describe.concurrent("weft run tells of", () => {
  it.each(failures)("%s", async (_, kind, text) => {
    const { code, stderr, stdout } = await weft(["run", "failing.ts", "--quiet", "-i", JSON.stringify(kind)])
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    const [said, end] = stderr.replace(/on worker \S+/, "on worker W").split("\n✗ failing failed after ")
    expect(said).toBe(text)
    expect(end).toMatch(/: 0 of 1 done\n$/)
  })

  it("a rejected promise that nothing awaits", async () => {
    const { code, stderr } = await weft(["run", "loose.ts", "-q"])
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^error: a promise that nothing awaits was rejected: Error: loose end\n {4}at .*loose\.ts:5:23\)?\n$/
    )
  })
})
