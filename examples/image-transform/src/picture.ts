/** Raw pixels, and how sharp reads and writes them. */
import sharp, { type Sharp } from "sharp"

export interface Picture {
  readonly width: number
  readonly height: number
  /** Bytes for each pixel: 1 for grey, 3 for red, green and blue. */
  readonly channels: 1 | 3
  /** Line by line. */
  readonly pixels: Uint8Array
}

export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

export const open = ({ width, height, channels, pixels }: Picture): Sharp =>
  sharp(pixels, { raw: { width, height, channels } })

export const save = async (image: Sharp): Promise<Picture> => {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, channels: info.channels === 1 ? 1 : 3, pixels: data }
}

/** The pixels of one line. */
export const line = ({ width, channels, pixels }: Picture, y: number): Uint8Array =>
  pixels.subarray(y * width * channels, (y + 1) * width * channels)
