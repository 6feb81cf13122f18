// Apps of users, in folders of their own.
import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { unzipSync } from "fflate"
import { onTestFinished } from "vitest"

const repository = join(import.meta.dirname, "../../../..")
const linked = { "@weft/core": "packages/core", effect: "packages/core/node_modules/effect" }

export const WORKFLOW = `
import { task, workflow } from "@weft/core"
export const twice = task("twice", (n: number) => 2 * n)
export default workflow(import.meta, (n: number) => twice(n), { name: "app" })
`

export type Contents = Readonly<Record<string, string>>

/** Makes an app of these files, which is there until the test has ended, and gives its folder. */
export const makeApp = (files: Contents = {}): string => {
  const folder = mkdtempSync(join(tmpdir(), "weft-app-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const all = {
    "package.json": JSON.stringify({ name: "app", version: "1.0.0", type: "module" }),
    "flow.ts": WORKFLOW,
    ...files
  }
  for (const [path, contents] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), contents)
  }
  mkdirSync(join(folder, "node_modules/@weft"), { recursive: true })
  for (const [name, path] of Object.entries(linked)) {
    symlinkSync(join(repository, path), join(folder, "node_modules", name))
  }
  return folder
}

/** A package.json that says this about bundles. */
export const declaring = (weft: unknown): string =>
  JSON.stringify({ name: "app", version: "1.0.0", type: "module", weft })

/** A package that is installed. */
export const installed = (name: string, contents: string, manifest: object = {}): Contents => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({
    name,
    version: "2.3.4",
    main: "index.js",
    ...manifest
  }),
  [`node_modules/${name}/index.js`]: contents
})

/** The paths in a zip file. */
export const pathsIn = (zip: Uint8Array): ReadonlyArray<string> => Object.keys(unzipSync(zip))

/** Unzips a bundle, and gives what a program prints that imports its workflow as `workflow`. */
export const runIn = async (zip: Uint8Array, program: string): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), "weft-bundle-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [path, contents] of Object.entries(unzipSync(zip))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), contents)
  }
  // What the entry does, without what Lambda brings.
  const name = pathsIn(zip).find((path) => /^weft-bundle\.flow-\w+\.mjs$/.test(path))
  const text = `process.setSourceMapsEnabled(true); const workflow = await import("./${name}"); ${program}`
  writeFileSync(join(folder, "program.mjs"), text)
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "program.mjs")], {
    cwd: tmpdir()
  })
  return stdout.trim()
}
