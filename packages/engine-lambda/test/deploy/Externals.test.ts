// Externals are installed by npm: here by a program of that name, which writes down what it was asked for.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { type BundleOptions, type BundleStep, bundle } from "../../src/deploy/index.ts"
import { declaring, installed, makeApp, pathsIn } from "./app.ts"

vi.setConfig({ testTimeout: 120_000 })

const INSTALLS = `
import { mkdirSync, readFileSync, writeFileSync, appendFileSync } from "node:fs"
const { dependencies, overrides } = JSON.parse(readFileSync("package.json", "utf8"))
appendFileSync(process.env.ASKED, JSON.stringify({ args: process.argv.slice(2), dependencies, overrides }) + "\\n")
for (const name of Object.keys(dependencies)) {
  mkdirSync("node_modules/" + name, { recursive: true })
  writeFileSync("node_modules/" + name + "/package.json", "{}")
  writeFileSync("node_modules/" + name + "/addon.node", "machine code")
  writeFileSync("node_modules/" + name + "/README.md", "Read me.")
}
`
const FAILS = `
console.error("npm error code ENOTFOUND\\nnpm error request to https://registry.npmjs.org/native failed")
process.exit(1)
`

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-npm-"))
  vi.stubEnv("ASKED", join(folder, "asked"))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

const npm = (program: string) => {
  const file = join(folder, "bin/npm")
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(join(folder, "bin/npm.mjs"), program)
  writeFileSync(file, `#!/bin/sh\nexec "${process.execPath}" "$(dirname "$0")/npm.mjs" "$@"\n`)
  chmodSync(file, 0o755)
  vi.stubEnv("PATH", [dirname(file), process.env.PATH].join(delimiter))
}

const app = () =>
  makeApp({
    "package.json": declaring({ external: ["native", "unused"] }),
    "flow.ts": `
      import { task, workflow } from "@weft/core"
      import native from "native/fast"
      export const does = task("does", () => native)
      export default workflow(import.meta, () => does(), { name: "app" })
    `,
    ...installed("native", "", { gypfile: true, dependencies: { helper: "^1.0.0" } }),
    ...installed("helper", "", { version: "1.4.2" }),
    ...installed("unused", "")
  })

const bundled = (options: BundleOptions = {}) =>
  bundle(join(app(), "flow.ts"), { cache: join(folder, "cache"), ...options })

const asked = () =>
  readFileSync(join(folder, "asked"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly args: ReadonlyArray<string> })

describe("externals", () => {
  it("are installed for Lambda, in the versions that are here, once", async () => {
    npm(INSTALLS)
    const steps: Array<BundleStep> = []
    const options = { arch: "arm64", onStep: (step: BundleStep) => steps.push(step) } as const
    const { sha256, sizes, zip } = await bundled(options)
    expect(pathsIn(zip).filter((path) => path.startsWith("node_modules/"))).toEqual([
      "node_modules/native/addon.node",
      "node_modules/native/package.json"
    ])
    expect(sizes).toContainEqual({ package: "native", version: "2.3.4", kind: "external", bytes: 14 })
    expect((await bundled(options)).sha256).toBe(sha256)
    expect(steps.filter(({ type }) => type === "install")).toEqual([
      { type: "install", packages: ["native@2.3.4"], target: "linux-arm64" }
    ])
    expect(asked()).toMatchObject([{ dependencies: { native: "2.3.4" }, overrides: { helper: "1.4.2" } }])
    expect(asked()[0]?.args).toEqual(
      expect.arrayContaining(["install", "--os=linux", "--cpu=arm64", "--libc=glibc"])
    )
  })

  it("are others for another processor", async () => {
    npm(INSTALLS)
    await bundled({ arch: "arm64" })
    await bundled({ arch: "x64" })
    expect(asked().map(({ args }) => args.find((arg) => arg.startsWith("--cpu")))).toEqual([
      "--cpu=arm64",
      "--cpu=x64"
    ])
  })

  it("that npm cannot install are told with what it said, and leave nothing behind", async () => {
    npm(FAILS)
    await expect(bundled()).rejects.toMatchObject({
      _tag: "InstallFailed",
      packages: ["native@2.3.4"],
      target: "linux-x64",
      detail: expect.stringMatching(/^npm ended with code 1\. It said:\n {2}npm error code ENOTFOUND\n/)
    })
    npm(INSTALLS)
    await expect(bundled()).resolves.toBeDefined()
  })

  it("need npm", async () => {
    vi.stubEnv("PATH", folder)
    await expect(bundled()).rejects.toMatchObject({
      _tag: "InstallFailed",
      detail: "npm, which comes with Node.js, is not on the PATH"
    })
  })

  it("need a cache that can be written", async () => {
    npm(INSTALLS)
    const cache = join(folder, "file")
    writeFileSync(cache, "")
    await expect(bundled({ cache })).rejects.toMatchObject({
      _tag: "InstallFailed",
      detail: expect.stringContaining("cannot be written")
    })
  })
})
