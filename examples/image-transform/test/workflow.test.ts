import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import sharp from "sharp"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { run } from "weft"
import { printWhole } from "../src/direct.ts"
import imageTransform from "../src/workflow.ts"

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-image-transform-"))
})
afterAll(() => rm(folder, { recursive: true }))

/** A picture of random pixels: no two places are alike, so no seam goes unnoticed. */
const noise = async (width: number, height: number, channels: 3 | 4) => {
  const file = join(folder, `${width}x${height}x${channels}.png`)
  let state = 1
  const pixels = Uint8Array.from({ length: width * height * channels }, () => {
    state = (state * 48_271) % 2_147_483_647
    return state
  })
  await sharp(pixels, { raw: { width, height, channels } }).png().toFile(file)
  return file
}

describe.each(["inline", "threads"] as const)("on %s", (engine) => {
  it("prints the photograph as if it had never been cut", async () => {
    expect((await run(imageTransform, { engine })).equals(await printWhole())).toBe(true)
  })

  it.each([
    { width: 203, height: 101, channels: 3, size: 3 },
    { width: 23, height: 37, channels: 4, size: 4 },
    { width: 7, height: 7, channels: 3, size: 7 },
    { width: 64, height: 48, channels: 3, size: 1 }
  ] as const)(
    "prints a picture of $width × $height in $size × $size tiles",
    async ({ width, height, channels, size }) => {
      const file = await noise(width, height, channels)
      const print = await run(imageTransform, { engine, input: { file, size } })
      expect(print.equals(await printWhole(file))).toBe(true)
      expect(await sharp(print).metadata()).toMatchObject({ width, height, channels: 3 })
    }
  )

  it("fails for a file that is not there", async () => {
    await expect(
      run(imageTransform, { engine, input: { file: join(folder, "nowhere.png") } })
    ).rejects.toThrow("nowhere.png")
  })
})
