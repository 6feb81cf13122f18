import { expect, test } from "vitest"
import { each, run, task } from "../src/index.ts"

const MiB = 2 ** 20
const range = task("range", (n: number) => Array.from({ length: n }, (_, i) => i))
const block = task("block", (i: number) => new Uint8Array(MiB).fill(i))
const check = task("check", (blocks: ReadonlyArray<Uint8Array>) =>
  blocks.map((bytes) => [bytes.length, bytes[0]])
)

test("a node may read more than a worker keeps of other values", async () => {
  const blocks = 100
  const expected = Array.from({ length: blocks }, (_, i) => [MiB, i])
  expect(await run(check(each(range(blocks), (i) => block(i))))).toEqual(expected)
  expect(await run(check(Array.from({ length: blocks }, (_, i) => block(i))))).toEqual(expected)
})
