// The examples run as they are on processes that share a Redis, with the results that they have in one process.
import { join } from "node:path"
import { type RedisServer, startRedis } from "@weft/testing"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { weft } from "./weft.ts"

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const examples = join(import.meta.dirname, "../../../../examples")

describe("on processes", { timeout: 60_000 }, () => {
  it.each([
    ["custom-planner", "--planner", "src/planner.ts"],
    ["gemm", "--input", '{ "n": 100, "block": 30 }'],
    ["image-transform", "--input", '{ "size": 2 }'],
    ["streaming", "--input", '{ "count": 12 }'],
    ["text-analysis", "--input", '{ "chapters": 10 }'],
    ["tree-reduction", "--input", '{ "size": 1000, "leaf": 100 }'],
    ["word-count", "--input", '{ "chapters": 10, "partitions": 4 }']
  ])("%s has the same result", async (example, ...args) => {
    const command = ["run", "src/workflow.ts", "--json", "--quiet", ...args]
    const options = { cwd: join(examples, example) }
    const [here, there] = await Promise.all([
      weft(command, options),
      weft([...command, "--engine", "processes", "--store", redis.url], options)
    ])
    expect(here).toMatchObject({ code: 0, stderr: "" })
    expect(there).toMatchObject({ code: 0, stderr: "" })
    const resultOf = ({ stdout }: typeof here) => (JSON.parse(stdout) as { readonly result: unknown }).result
    expect(resultOf(there)).toEqual(resultOf(here))
  })
})
