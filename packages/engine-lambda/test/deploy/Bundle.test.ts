import { randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Failure } from "@weft/core"
import { redis } from "@weft/storage-redis"
import { describe, expect, it, vi } from "vitest"
import { type BundleOptions, type BundleStep, bundle } from "../../src/deploy/index.ts"
import { declaring, installed, makeApp, pathsIn, runIn, WORKFLOW } from "./app.ts"

vi.setConfig({ testTimeout: 120_000 })

const adapters = { "@weft/storage-redis": redis("redis://localhost").reference!.module }

const bundled = (folder: string, options: BundleOptions = {}) => bundle(join(folder, "flow.ts"), options)

const flow = (code: string, imports = "") => `
import { task, workflow } from "@weft/core"
${imports}
export const does = task("does", () => ${code})
export default workflow(import.meta, () => does(), { name: "app" })
`

describe("a bundle", () => {
  it("is the same, byte for byte, wherever and whenever it is made", async () => {
    const [here, there] = [makeApp(), makeApp()]
    const made = await Promise.all([
      bundled(here, { adapters }),
      bundled(there, { adapters }),
      bundled(here, { adapters })
    ])
    expect(new Set(made.map(({ sha256 }) => sha256)).size).toBe(1)
    writeFileSync(join(here, "flow.ts"), WORKFLOW.replace("2 * n", "3 * n"))
    expect((await bundled(here, { adapters })).sha256).not.toBe(made[0].sha256)
  })

  it("has code of its own, and none that it does not use", async () => {
    const folder = makeApp({
      "flow.ts": `
        import { task, workflow } from "@weft/core"
        const program = async () => console.log((await import("unused")).default)
        export const twice = task("twice", (n: number) => 2 * n)
        export default workflow(import.meta, (n: number) => twice(n), { name: "app" })
        if (import.meta.main) await program()
      `,
      ...installed("unused", "module.exports = 1")
    })
    const { sizes, zip } = await bundled(folder, { adapters: {} })
    const names = sizes.map((size) => size.package)
    expect(names).toContain("app")
    expect(names).not.toContain("ioredis")
    expect(names).not.toContain("unused")
    expect(await runIn(zip, "console.log(Object.keys(workflow))")).toBe("[ 'default', 'twice' ]")
  })

  it("has of the AWS SDK what invoking takes, and not much more", async () => {
    const { sizes } = await bundled(makeApp(), { adapters })
    const sdk = sizes.find((size) => size.package === "@aws-sdk/client-lambda")!
    expect(sdk.bytes).toBeGreaterThan(10_000)
    expect(sdk.bytes).toBeLessThan(150_000)
  })

  it("brings the files that packages say they read", async () => {
    const folder = makeApp({
      "package.json": declaring({ assets: ["data/*.txt", "node_modules/book/text/*"] }),
      "data/own.txt": "my own",
      "data/other.json": "{}",
      "flow.ts": flow(
        "[readFileSync(new URL('./data/own.txt', import.meta.url), 'utf8'), book()]",
        "import { readFileSync } from 'node:fs'; import book from 'book'"
      ),
      ...installed(
        "book",
        "module.exports = () => require('fs').readFileSync(require('path').join(__dirname, 'text/one.txt'), 'utf8')"
      ),
      "node_modules/book/text/one.txt": "call me Ishmael"
    })
    const { zip } = await bundled(folder, { adapters })
    const assets = pathsIn(zip).filter((path) => path.startsWith("assets/"))
    expect(assets.filter((path) => !path.endsWith(".lua"))).toEqual([
      "assets/app/data/own.txt",
      "assets/book/text/one.txt"
    ])
    expect(assets).toContain("assets/@weft/storage-redis/lua/begin.lua")
    expect(await runIn(zip, "console.log(workflow.does['~task'].run().join())")).toBe(
      "my own,call me Ishmael"
    )
  })

  it("takes CommonJS, and modules that make a require of their own", async () => {
    const folder = makeApp({
      "flow.ts": flow(
        "[path.sep, common.folder !== '', typeof __dirname]",
        "import { createRequire } from 'node:module'; import common from 'common'\n" +
          "const require = createRequire(import.meta.url); const path = require('node:path')\n" +
          "const __dirname = import.meta.dirname"
      ),
      ...installed("common", "exports.folder = __dirname; exports.os = require('os')")
    })
    const { zip } = await bundled(folder)
    expect(await runIn(zip, "console.log(workflow.does['~task'].run().join())")).toBe("/,true,string")
  })

  it("does without optional packages that are left out", async () => {
    const optional =
      "let fast = 'slow'; try { fast = require('fast') } catch (error) { fast = error.code }; module.exports = fast"
    const folder = makeApp({
      "package.json": declaring({ omit: ["fast"] }),
      "flow.ts": flow("has", "import has from 'has'"),
      ...installed("has", optional),
      ...installed("fast", "module.exports = 'native'", { gypfile: true })
    })
    const { zip } = await bundled(folder)
    expect(await runIn(zip, "console.log(workflow.does['~task'].run())")).toBe("MODULE_NOT_FOUND")
  })

  it("shows the user's lines in stacks, where the files are for whoever begins the run", async () => {
    const folder = makeApp({
      "src/flow.ts": flow("broken([])", "import { broken } from '../lib/broken.ts'; import 'noise'"),
      "lib/broken.ts":
        "import { call } from 'noise'\nexport const broken = (list: Array<{ at: string }>): string => call(() => list[0]!.at)",
      ...installed("noise", "exports.call = (f) => f()")
    })
    const file = join(folder, "src/flow.ts")
    const { zip } = await bundle(file)
    const stack = await runIn(
      zip,
      "try { workflow.does['~task'].run() } catch (error) { console.log(error.stack) }"
    )
    expect(stack).toMatch(/^TypeError: Cannot read properties of undefined \(reading 'at'\)/)
    const seen = Failure.located(stack, pathToFileURL(file).href)
    expect(Failure.userLine(seen)).toContain(`${pathToFileURL(join(folder, "lib/broken.ts")).href}:2:`)
  })

  it("has source maps of what is the user's only", async () => {
    const { zip } = await bundled(makeApp(), { adapters })
    const maps = pathsIn(zip).filter((path) => path.endsWith(".map"))
    expect(maps).toEqual([expect.stringMatching(/^weft-bundle\.flow-\w+\.mjs\.map$/)])
  })

  it("tells what is being done", async () => {
    const steps: Array<BundleStep> = []
    const file = join(makeApp(), "flow.ts")
    await bundle(file, { onStep: (step) => steps.push(step) })
    expect(steps).toEqual([{ type: "bundle", file }])
  })
})

describe("a bundle is refused", () => {
  it("if a package with native parts is not declared", async () => {
    const folder = makeApp({
      "flow.ts": flow("sharpish", "import sharpish from 'sharpish'"),
      ...installed("sharpish", "module.exports = 1", {
        optionalDependencies: { "@img/sharpish-linux-x64": "1" }
      })
    })
    await expect(bundled(folder)).rejects.toMatchObject({
      _tag: "NativeDependency",
      packages: ["sharpish"],
      manifest: join(folder, "package.json"),
      message: expect.stringContaining(`"weft": { "external": ["sharpish"] }`)
    })
  })

  it("if an addon is loaded", async () => {
    const folder = makeApp({
      "flow.ts": flow("addon", "import addon from 'addon'"),
      ...installed("addon", "module.exports = require('./addon.node')"),
      "node_modules/addon/addon.node": "no machine code"
    })
    await expect(bundled(folder)).rejects.toMatchObject({ _tag: "NativeDependency", packages: ["addon"] })
  })

  it("if something that it imports is not there", async () => {
    const folder = makeApp({ "flow.ts": flow("nowhere", "import nowhere from 'nowhere'") })
    await expect(bundled(folder)).rejects.toMatchObject({
      _tag: "BundleFailed",
      problems: [
        expect.stringMatching(
          /^flow\.ts:3:\d+: Could not resolve "nowhere": install it, or, if it is optional, .*"omit": \["nowhere"\]/
        )
      ]
    })
  })

  it("if it has a syntax error", async () => {
    const folder = makeApp({ "flow.ts": "export default (" })
    await expect(bundled(folder)).rejects.toMatchObject({
      _tag: "BundleFailed",
      problems: [expect.stringMatching(/^flow\.ts:1:17: Unexpected end of file/)]
    })
  })

  it.each([
    [{ assets: "data/*" }, "lists of texts"],
    [{ asset: ["data/*"] }, "lists of texts"],
    [{ assets: ["data/*.txt"] }, 'there is no file for the asset "data/*.txt"']
  ])("if its package.json says %o", async (weft, problem) => {
    const folder = makeApp({ "package.json": declaring(weft) })
    await expect(bundled(folder)).rejects.toMatchObject({
      _tag: "InvalidManifest",
      manifest: join(folder, "package.json"),
      problem: expect.stringContaining(problem)
    })
  })

  it("if an external is not installed", async () => {
    const folder = makeApp({
      "package.json": declaring({ external: ["absent"] }),
      "flow.ts": flow("absent", "import absent from 'absent'")
    })
    await expect(bundled(folder)).rejects.toMatchObject({
      _tag: "BundleFailed",
      problems: ["absent is declared to be external, but is not installed here"]
    })
  })

  it("if Lambda would not take it", async () => {
    const folder = makeApp({ "package.json": declaring({ assets: ["data/*"] }), "data/none.bin": "" })
    for (const name of ["one", "two"])
      writeFileSync(join(folder, `data/${name}.bin`), randomBytes(30 * 2 ** 20))
    await expect(bundled(folder)).rejects.toMatchObject({
      _tag: "BundleTooLarge",
      what: "zipped",
      mostBytes: 50 * 2 ** 20,
      message: expect.stringMatching(/The largest parts:\n {2}62\.9 MB {2}app@1\.0\.0 +assets\n/)
    })
  })
})
