/**
 * The code of functions and layers: zip files and what is in them, on disk, each once however many versions have it.
 */
import { createHash } from "node:crypto"
import { cp, mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { ApiError } from "../ApiError.ts"
import { extract } from "./Zip.ts"

/** A zip file that was unpacked. */
export interface Code {
  /** Base64 of the zip file's SHA-256. */
  readonly sha256: string
  /** The same, as it stands in paths. */
  readonly id: string
  /** Of the zip file, in bytes. */
  readonly size: number
  /** Where it is unpacked. Nothing writes there. */
  readonly folder: string
}

/** Keeps code under one folder until that is removed. */
export class CodeStore {
  private readonly known = new Map<string, Code>()
  private readonly merged = new Map<string, string>()
  private readonly turn = Semaphore.makeUnsafe(1)
  private readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  /** Keeps a zip file. */
  add(zip: Uint8Array): Effect.Effect<Code, ApiError> {
    const digest = createHash("sha256").update(zip).digest()
    const id = digest.toString("hex")
    const { folder: parent, known } = this
    return this.turn.withPermit(
      Effect.gen(function* () {
        const before = known.get(id)
        if (before !== undefined) return before
        const folder = join(parent, id)
        // Another name until it is whole: one that could not be unpacked leaves nothing behind that counts.
        const partial = join(parent, `partial-${crypto.randomUUID()}`)
        yield* extract(zip, partial)
        yield* Effect.promise(async () => {
          await rename(partial, folder)
          await writeFile(`${folder}.zip`, zip)
        })
        const code = { sha256: digest.toString("base64"), id, size: zip.byteLength, folder }
        known.set(id, code)
        return code
      })
    )
  }

  /** A zip file as it came; `undefined` if there is none with this id. */
  read(id: string): Effect.Effect<Uint8Array | undefined> {
    const code = this.known.get(id)
    return code === undefined
      ? Effect.succeed(undefined)
      : Effect.promise(() => readFile(`${code.folder}.zip`))
  }

  /** One folder with several layers over each other, the last on top; `undefined` without layers. */
  merge(layers: ReadonlyArray<Code>): Effect.Effect<string | undefined> {
    if (layers.length <= 1) return Effect.succeed(layers[0]?.folder)
    const key = createHash("sha256")
      .update(layers.map(({ id }) => id).join())
      .digest("hex")
    const { folder: parent, merged } = this
    return this.turn.withPermit(
      Effect.promise(async () => {
        const folder = merged.get(key) ?? join(parent, `layers-${key}`)
        if (merged.has(key)) return folder
        await mkdir(folder)
        for (const layer of layers)
          await cp(layer.folder, folder, { recursive: true, verbatimSymlinks: true })
        merged.set(key, folder)
        return folder
      })
    )
  }
}
