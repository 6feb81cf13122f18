/**
 * Source maps that say where the user's own lines are, and nothing else: Node.js reads a map with the file that it belongs
 * to, and those of packages would take longer than the packages. Their paths are the same on every machine.
 */
import { existsSync } from "node:fs"
import { dirname, join, relative, resolve, sep } from "node:path"
import { decode, encode, type SourceMapSegment } from "@jridgewell/sourcemap-codec"
import { Schema } from "effect"
import type { Manifest, Manifests } from "./Manifests.ts"

/** Stands for `..`, which paths in URLs cannot have. */
const UP = "_up_"

/** What begins a repository. */
const BEGINNINGS = [".git", "pnpm-workspace.yaml"]

/** The folder that paths of the user's files begin at: the repository's, else that of the workflow's package. */
export const rootOf = (file: string, own: Manifest | undefined): string => {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (BEGINNINGS.some((name) => existsSync(join(folder, name)))) return folder
  }
  return own?.folder ?? dirname(file)
}

/** How stacks in functions call a file of the user's: `src/flow.ts`. */
export const nameOf = (file: string, root: string): string =>
  relative(root, file)
    .split(sep)
    .join("/")
    .replaceAll(/(?<=^|\/)\.\.(?=\/)/g, UP)

/** Whether a file is the user's own: not of a package that is installed, and not of weft. */
export const isOwn = (file: string, manifests: Manifests): boolean =>
  !/[\\/]node_modules[\\/]|weft-(entry|omitted):/.test(file) &&
  !/^(weft$|@weft\/)/.test(manifests.of(file)?.name ?? "")

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
