/** Grey pictures, and what is done to them pixel by pixel. */

export interface Frame {
  readonly width: number
  readonly height: number
  /** A byte for each pixel, line by line: 0 is black. */
  readonly pixels: Uint8Array
}

/** Samples in each direction that a pixel of a frame is the mean of. */
const SAMPLES = 3

/** What a camera sees that moves from the left to the right of a photograph, and closer: at `time` from 0 to 1. */
export const look = (photo: Frame, width: number, height: number, time: number): Frame => {
  const zoom = 1 - 0.5 * time
  const scale = Math.min(photo.width / width, photo.height / height) * zoom
  const left = (photo.width - width * scale) * time
  const top = (photo.height - height * scale) / 2
  const pixels = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let light = 0
      for (let i = 0; i < SAMPLES; i++) {
        for (let j = 0; j < SAMPLES; j++) {
          light += between(photo, left + (x + j / SAMPLES) * scale, top + (y + i / SAMPLES) * scale)
        }
      }
      pixels[y * width + x] = light / SAMPLES ** 2
    }
  }
  return { width, height, pixels }
}

/** The light at a place between pixels. */
const between = (photo: Frame, x: number, y: number): number => {
  const [left, top] = [Math.floor(x), Math.floor(y)]
  const [right, bottom] = [x - left, y - top]
  const above = at(photo, left, top) * (1 - right) + at(photo, left + 1, top) * right
  const below = at(photo, left, top + 1) * (1 - right) + at(photo, left + 1, top + 1) * right
  return above * (1 - bottom) + below * bottom
}

const at = ({ height, pixels, width }: Frame, x: number, y: number): number =>
  pixels[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))]!

/** How far the etcher looks around a pixel to tell its tone. */
const REACH = 4

/** The same picture as an etching: lines where the light changes, and hatching, denser the darker it is. */
export const etch = (frame: Frame): Frame => {
  const { height, width } = frame
  const pixels = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let tone = 0
      for (let i = -REACH; i <= REACH; i++) tone += at(frame, x + i, y) + at(frame, x, y + i)
      tone /= 2 * (2 * REACH + 1)
      const across = at(frame, x + 1, y) - at(frame, x - 1, y)
      const down = at(frame, x, y + 1) - at(frame, x, y - 1)
      const isLine = Math.hypot(across, down) > 48
      const isHatched =
        (tone < 160 && (x + y) % 6 === 0) || (tone < 100 && (x - y + height) % 6 === 0) || tone < 28
      pixels[y * width + x] = isLine || isHatched ? 24 : 248
    }
  }
  return { width, height, pixels }
}
