/**
 * Source maps that say where the user's own lines are, and nothing else: Node.js reads a map with the file that it belongs
 * to, and those of packages would take longer than the packages. Their paths are the same on every machine.
 */
import { dirname, relative, resolve, sep } from "node:path"
import { decode, encode, type SourceMapSegment } from "@jridgewell/sourcemap-codec"
import { Failure } from "@weft/core"
import * as Schema from "effect/Schema"
import type { Manifests } from "./Manifests.ts"

/** How stacks in functions call a file of the user's. */
export const nameOf = (file: string, workflow: string): string =>
  Failure.sourceOf(relative(dirname(workflow), file).split(sep).join("/"))

/** Whether a file is the user's own: not of a package that is installed, and not of weft. */
export const isOwn = (file: string, manifests: Manifests): boolean => {
  if (/[\\/]node_modules[\\/]|weft-(entry|omitted):/.test(file)) return false
  const manifest = manifests.of(file)
  if (manifest === undefined || !/^(weft$|@weft\/)/.test(manifest.name)) return true
  return !/^(src|dist)[\\/]/.test(relative(manifest.folder, file))
}

const Contents = Schema.fromJsonString(
  Schema.Struct({ sources: Schema.Array(Schema.String), mappings: Schema.String })
)
const parse = Schema.decodeUnknownSync(Contents)

/**
 * The part of a map that is about some of its sources; `undefined` if that is nothing.
 *
 * @param folder the one that the map's paths begin at
 * @param name how a source is called then; `undefined` for those that are left out
 */
export const reduced = (
  text: string,
  folder: string,
  name: (file: string) => string | undefined
): string | undefined => {
  const { mappings, sources } = parse(text)
  const kept: Array<string> = []
  const places = sources.map((source) => {
    const shown = name(resolve(folder, source))
    return shown === undefined ? undefined : kept.push(shown) - 1
  })
  if (kept.length === 0) return
  const lines = decode(mappings).map((segments) => {
    const left: Array<SourceMapSegment> = []
    for (const [column, source, line, place] of segments) {
      const at = source === undefined ? undefined : places[source]
      if (at !== undefined && line !== undefined && place !== undefined) left.push([column, at, line, place])
      // What follows is not what was before.
      else if ((left.at(-1)?.length ?? 1) > 1) left.push([column])
    }
    return left
  })
  return JSON.stringify({ version: 3, sources: kept, names: [], mappings: encode(lines) })
}
