/**
 * Zip files of functions and layers, unpacked into folders.
 */
import { mkdir, symlink, writeFile } from "node:fs/promises"
import { dirname, join, normalize } from "node:path"
import * as Effect from "effect/Effect"
import { unzip } from "fflate"
import { type ApiError, invalid } from "../ApiError.ts"

/** Code and layers together may have so many bytes, unpacked. */
const MOST_UNZIPPED_BYTES = 262_144_000

/** Unpacks a zip file into a new folder. Files are executable, and links are links, where the zip file says so. */
export const extract = (zip: Uint8Array, folder: string): Effect.Effect<void, ApiError> =>
  Effect.gen(function* () {
    const modes = yield* Effect.try({ try: () => readModes(zip), catch: () => unreadable })
    const files = yield* Effect.callback<Readonly<Record<string, Uint8Array>>, ApiError>((resume) => {
      let bytes = 0
      const options = {
        filter: ({ originalSize }: { readonly originalSize: number }) => {
          bytes += originalSize
          return bytes < MOST_UNZIPPED_BYTES
        }
      }
      unzip(zip, options, (error, unzipped) => {
        if (error !== null) resume(Effect.fail(unreadable))
        else if (bytes >= MOST_UNZIPPED_BYTES) resume(Effect.fail(tooLarge))
        else resume(Effect.succeed(unzipped))
      })
    })
    const names = Object.keys(files)
    const outside = names.find((name) => /^([/\\]|\.\.([/\\]|$)|[A-Za-z]:)/.test(normalize(name)))
    if (outside !== undefined) return yield* invalid(`The zip file has a file outside its folder: ${outside}`)
    yield* Effect.promise(async () => {
      await mkdir(folder, { recursive: true })
      const folders = new Set(names.map((name) => join(folder, name.endsWith("/") ? name : dirname(name))))
      for (const path of folders) await mkdir(path, { recursive: true })
      await Promise.all(
        names
          .filter((name) => !name.endsWith("/"))
          .map(async (name) => {
            const mode = modes.get(name) ?? 0
            const path = join(folder, name)
            if ((mode & 0o170000) === 0o120000) await symlink(Buffer.from(files[name]!).toString(), path)
            else await writeFile(path, files[name]!, { mode: (mode & 0o111) === 0 ? 0o644 : 0o755 })
          })
      )
    })
  })

const unreadable = invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
const tooLarge = invalid(`Unzipped size must be smaller than ${MOST_UNZIPPED_BYTES} bytes`)

/** The Unix modes of files, by name: of the central directory, which fflate does not tell. */
const readModes = (zip: Uint8Array): ReadonlyMap<string, number> => {
  const view = Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength)
  const end = view.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  const modes = new Map<string, number>()
  let at = view.readUInt32LE(end + 16)
  for (let entry = view.readUInt16LE(end + 10); entry > 0; entry--) {
    const length = view.readUInt16LE(at + 28)
    const madeOnUnix = view.readUInt8(at + 5) === 3
    const name = view.toString("utf8", at + 46, at + 46 + length)
    if (madeOnUnix) modes.set(name, view.readUInt32LE(at + 38) >>> 16)
    at += 46 + length + view.readUInt16LE(at + 30) + view.readUInt16LE(at + 32)
  }
  return modes
}
