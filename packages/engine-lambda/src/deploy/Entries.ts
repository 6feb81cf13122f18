/**
 * The modules that a bundle begins with. They are written for each bundle: what runs in functions has no files to import.
 */
import { fileURLToPath } from "node:url"

/** What a bundle has of the user's. */
export interface Carried {
  /** The workflow's file. */
  readonly workflow: string
  /** What errors call it. */
  readonly source: string
  /** The files of modules that export behaviours. */
  readonly behaviours: ReadonlyArray<string>
  /** Adapters of stores: the names under which functions know them, and their files. */
  readonly adapters: Readonly<Record<string, string>>
}

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"

/** The folder that imports of the entries are resolved from: this package's. */
export const ENTRIES_FOLDER: string = fileURLToPath(new URL("./", import.meta.url))

/** Stands for what tells bundles of different content apart, until the content is known. */
export const VERSION = "weft-bundle-version-0000"

const quoted = (text: string) => JSON.stringify(text)
const importing = (file: string) => `() => import(${quoted(file)})`

const adaptersOf = ({ adapters }: Carried) =>
  `{ ${Object.entries(adapters)
    .map(([name, file]) => `${quoted(name)}: ${importing(file)}`)
    .join(", ")} }`

/**
 * What Lambda calls. Stacks show the user's lines: source maps are switched on when weft's own modules, which have none,
 * are loaded, and the workflow is not.
 */
export const index = (carried: Carried): string =>
  [
    `import { setSourceMapsSupport } from "node:module"`,
    `import { makeHandler } from "../handler/index.${extension}"`,
    "setSourceMapsSupport(true, { nodeModules: true })",
    "export const handler = await makeHandler({",
    `  source: ${quoted(carried.source)},`,
    `  workflow: ${importing(carried.workflow)},`,
    `  behaviours: [${carried.behaviours.map(importing).join(", ")}],`,
    `  adapters: ${adaptersOf(carried)},`,
    `  renewal: new URL("./renewal.mjs", import.meta.url),`,
    `  version: ${quoted(VERSION)}`,
    "})"
  ].join("\n")

/** The thread that renews leases. */
export const renewal = (carried: Carried): string =>
  [
    `import { carry } from "@weft/storage/carried"`,
    `import "@weft/worker/renewal"`,
    `carry(${adaptersOf(carried)})`
  ].join("\n")

/** Where the bundle lies, for modules that read files beside themselves. */
export const here = `
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
export const url = (path) => new URL(path, import.meta.url).href
export const filename = (path) => fileURLToPath(url(path))
export const folder = (path) => dirname(filename(path))
`
