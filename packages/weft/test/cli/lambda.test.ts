// The examples run as they are on Lambda, as far as that can be had on this machine, with the results that they have in
// one process.
import { join } from "node:path"
import { type Cloud, startCloud } from "@weft/testing"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Options, weft } from "./weft.ts"

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
}, 60_000)
afterAll(() => cloud.stop(), 60_000)

const examples = join(import.meta.dirname, "../../../../examples")

describe("on lambda", { timeout: 240_000 }, () => {
  it.each([
    ["custom-planner", "--planner", "src/planner.ts"],
    ["gemm", "--input", '{ "n": 100, "block": 50 }'],
    ["image-transform", "--input", '{ "size": 2 }'],
    ["streaming", "--input", '{ "count": 6 }'],
    ["text-analysis", "--input", '{ "chapters": 4 }'],
    ["tree-reduction", "--input", '{ "size": 400, "leaf": 100 }'],
    ["word-count", "--input", '{ "chapters": 1, "partitions": 2 }']
  ])("%s has the same result", async (example, ...args) => {
    const command = ["run", "src/workflow.ts", "--json", "--quiet", ...args]
    const options: Options = { cwd: join(examples, example) }
    const here = await weft(command, options)
    const there = await weft([...command, "--engine", "lambda", "--deploy", "--concurrency", "4"], {
      ...options,
      env: cloud.variables
    })
    expect(here).toMatchObject({ code: 0, stderr: "" })
    expect(there).toMatchObject({ code: 0, stderr: "" })
    const resultOf = ({ stdout }: typeof here) => (JSON.parse(stdout) as { readonly result: unknown }).result
    expect(resultOf(there)).toEqual(resultOf(here))
  })
})
