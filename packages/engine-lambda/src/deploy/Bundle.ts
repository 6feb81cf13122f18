/**
 * Bundles: a workflow, and all that it takes to run it, as the zip file that a Lambda function is made of.
 *
 * The same sources give the same bytes, on every machine, so that a deployment can tell that nothing has changed.
 */
import { createHash } from "node:crypto"
import { globSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { basename, dirname, join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { Failure } from "@weft/core"
import type * as Esbuild from "esbuild"
import { BundleFailed, BundleTooLarge, InvalidManifest, NativeDependency } from "./BundleErrors.ts"
import { assetsFolder, ENTRY, type Found, inputs, plugin } from "./BundlePlugin.ts"
import * as Entries from "./Entries.ts"
import * as Externals from "./Externals.ts"
import { type Manifest, Manifests } from "./Manifests.ts"
import { type Size, sorted } from "./Sizes.ts"
import * as SourceMaps from "./SourceMaps.ts"
import * as Zip from "./Zip.ts"

/** What a bundle is made of, and how. */
export interface BundleOptions {
  /** The URLs of modules that export behaviours, for annotations that the planner may emit. */
  readonly behaviours?: ReadonlyArray<string>
  /** Adapters of stores: the names under which functions know them, and the URLs of their modules. */
  readonly adapters?: Readonly<Record<string, string>>
  /** The processor of the functions. Default `"x64"`. */
  readonly arch?: Externals.Arch
  /** Where packages that were installed for bundles are kept. Default: `weft/lambda` in the user's cache folder. */
  readonly cache?: string
  /** Told what is being done that takes its time. */
  readonly onStep?: (step: BundleStep) => void
}

/** What takes its time. */
export type BundleStep =
  | { readonly type: "bundle"; readonly file: string }
  | { readonly type: "install"; readonly packages: ReadonlyArray<string>; readonly target: string }

/** A bundle. */
export interface Bundle {
  readonly zip: Uint8Array
  /** Of the zip file, as Lambda's `CodeSha256` has it. */
  readonly sha256: string
  /** Of all files, not zipped. */
  readonly unzippedBytes: number
  /** What brings how much, the largest first. */
  readonly sizes: ReadonlyArray<Size>
  /** What may go wrong in the function. */
  readonly warnings: ReadonlyArray<string>
}

/** What Lambda takes in one request: 70,167,211 bytes, of which base64 leaves three quarters, and little else. */
const MOST_ZIPPED = 50 * 2 ** 20
const MOST_UNZIPPED = 250 * 2 ** 20

/** Where output would lie, if it were written. */
const OUT = "weft-bundle"

/**
 * Bundles a workflow's file.
 *
 * @throws {BundleFailed} if its code cannot be bundled
 * @throws {NativeDependency} if it needs packages with native parts that are not declared
 * @throws {InvalidManifest} if the field `weft` of a package.json on the way is wrong
 * @throws {InstallFailed} if external packages cannot be installed
 * @throws {BundleTooLarge} if Lambda would not take it
 */
export const bundle = async (file: string, options: BundleOptions = {}): Promise<Bundle> => {
  const arch = options.arch ?? "x64"
  const workflow = resolve(file)
  options.onStep?.({ type: "bundle", file })
  const manifests = new Manifests()
  const own = manifests.of(workflow)
  const built = await build(workflow, own, manifests, options)
  refuseNatives(built, own, manifests)
  const assets = await assetsOf(built.found.withAssets.values(), own)
  const installed = await Externals.install([...built.found.externals.values()], manifests, {
    arch,
    cache: options.cache ?? Externals.CACHE,
    onInstall: (packages) => options.onStep?.({ type: "install", packages, target: `linux-${arch}` })
  })
  const files: Zip.Files = new Map([...built.files, ...assets.files, ...installed])
  const sizes = sorted([
    ...codeSizes(built.bytes, manifests),
    ...assets.sizes,
    ...externalSizes(installed, built.found)
  ])
  const unzippedBytes = [...files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
  const check = (what: "zipped" | "unzipped", bytes: number, mostBytes: number) => {
    if (bytes > mostBytes) throw new BundleTooLarge({ what, bytes, mostBytes, sizes })
  }
  check("unzipped", unzippedBytes, MOST_UNZIPPED)
  const zip = Zip.make(files)
  check("zipped", zip.byteLength, MOST_ZIPPED)
  return { zip, sha256: Zip.codeSha256(zip), unzippedBytes, sizes, warnings: built.warnings }
}

interface Built {
  readonly files: Zip.Files
  /** Bytes in the bundle by file on this machine. */
  readonly bytes: ReadonlyMap<string, number>
  readonly found: Found
  readonly warnings: ReadonlyArray<string>
}

const isSource = import.meta.url.endsWith(".ts")

const build = async (
  workflow: string,
  own: Manifest | undefined,
  manifests: Manifests,
  { adapters = {}, behaviours = [] }: BundleOptions
): Promise<Built> => {
  // Loaded when something is bundled: it starts a process.
  const esbuild = await import("esbuild")
  const root = own?.folder ?? dirname(workflow)
  const found: Found = { externals: new Map(), withAssets: new Map(), missing: new Set() }
  const carried = {
    workflow,
    source: basename(workflow),
    behaviours: [...new Set(behaviours)].map(fileOf),
    adapters: Object.fromEntries(Object.entries(adapters).map(([as, url]) => [as, fileOf(url)]))
  }
  const result = await esbuild
    .build({
      absWorkingDir: root,
      entryPoints: { index: "weft:index", renewal: "weft:renewal" },
      outdir: join(root, OUT),
      entryNames: "[name]",
      chunkNames: `${Failure.BUNDLED}.[name]-[hash]`,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      write: false,
      metafile: true,
      platform: "node",
      target: "node24",
      format: "esm",
      splitting: true,
      treeShaking: true,
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: "none",
      sourcemap: true,
      sourcesContent: false,
      logLevel: "silent",
      conditions: isSource ? ["@weft/source", "module"] : ["module"],
      loader: { ".node": "empty" },
      // A bundle is no program: what a file does when it is run as one is left out.
      define: {
        "import.meta.main": "false",
        __dirname: "import.meta.dirname",
        __filename: "import.meta.filename"
      },
      // For CommonJS.
      banner: {
        js: 'import{createRequire as __weftRequire}from"node:module";const require=__weftRequire(import.meta.url);'
      },
      plugins: [plugin(esbuild, carried, manifests, own, found)]
    })
    .catch((error: Esbuild.BuildFailure) => {
      throw failureOf(error, workflow, own)
    })
  if (found.missing.size > 0) {
    throw new BundleFailed({
      file: workflow,
      problems: [...found.missing].map(
        (missing) => `${missing} is declared to be external, but is not installed here`
      )
    })
  }
  const reachable = reachableFrom(result.metafile)
  const files = filesOf(result.outputFiles, reachable, root, (path) =>
    SourceMaps.isOwn(path, manifests) ? SourceMaps.nameOf(path, workflow) : undefined
  )
  writeVersion(files)
  const imported = [...reachable].flatMap((path) => result.metafile.outputs[path]?.imports ?? [])
  for (const name of found.externals.keys()) {
    const isUsed = imported.some(({ external, path }) => external && `${path}/`.startsWith(`${name}/`))
    if (!isUsed) found.externals.delete(name)
  }
  return {
    files,
    bytes: inputs(result.metafile, reachable, root),
    found,
    warnings: result.warnings.filter(concernsUsers).map(textOf)
  }
}

/** What of the output can be reached, with the maps of what is the user's. */
const filesOf = (
  outputFiles: ReadonlyArray<Esbuild.OutputFile>,
  reachable: ReadonlySet<string>,
  root: string,
  nameOf: (path: string) => string | undefined
) => {
  const out = join(root, OUT)
  const files = new Map<string, Uint8Array>()
  const byPath = new Map(outputFiles.map((file) => [file.path, file]))
  for (const path of reachable) {
    const full = resolve(root, path)
    const code = byPath.get(full)
    if (code === undefined) continue
    const name = relative(out, full).replaceAll("\\", "/")
    const map = byPath.get(`${full}.map`)
    const kept = map && SourceMaps.reduced(map.text, out, nameOf)
    if (kept === undefined) files.set(name, Buffer.from(code.text.replace(MAP_COMMENT, "")))
    else files.set(name, code.contents).set(`${name}.map`, Buffer.from(kept))
  }
  return files
}

const MAP_COMMENT = /\n\/\/# sourceMappingURL=.*\s*$/

/** What is imported in code that is left out is put out nevertheless. */
const reachableFrom = ({ outputs }: Esbuild.Metafile): ReadonlySet<string> => {
  const reached = new Set(
    Object.keys(outputs).filter((path) => outputs[path]?.entryPoint?.startsWith(`${ENTRY}:`))
  )
  for (const path of reached) {
    for (const { external, path: imported } of outputs[path]?.imports ?? [])
      if (external !== true) reached.add(imported)
  }
  return reached
}

/** The bundle's content, where its entry has to know it. */
const writeVersion = (files: Map<string, Uint8Array>) => {
  const hash = createHash("sha256")
  for (const path of [...files.keys()].sort()) hash.update(`${path}\n`).update(files.get(path)!)
  const version = hash.digest("hex").slice(0, Entries.VERSION.length)
  const text = Buffer.from(files.get(INDEX)!).toString()
  files.set(INDEX, Buffer.from(text.replace(Entries.VERSION, version)))
}

const INDEX = "index.mjs"

const fileOf = (url: string) => (url.startsWith("file:") ? fileURLToPath(url) : url)

/** What esbuild says about packages is their authors' concern, unless code will be missing. */
const concernsUsers = ({ id, location }: Esbuild.Message) =>
  !(location?.file ?? "").includes("node_modules") || id === "unsupported-require-call"

const textOf = ({ location, text }: Esbuild.Message) =>
  location === null ? text : `${location.file}:${location.line}:${location.column + 1}: ${text}`

const failureOf = (error: Esbuild.BuildFailure, file: string, own: Manifest | undefined) => {
  if (!Array.isArray(error.errors)) return error
  // What our plugin threw.
  const thrown = error.errors
    .map(({ detail }) => detail as unknown)
    .find((detail) => detail instanceof InvalidManifest)
  if (thrown !== undefined) return thrown
  const problems = error.errors.map((message) => {
    const missing = /^Could not resolve "([^"./][^"]*)"/.exec(message.text)?.[1]
    const advice =
      missing === undefined
        ? ""
        : `: install it, or, if it is optional, write in ${own?.file ?? "package.json"} "weft": { "omit": ["${missing}"] }`
    return `${textOf(message)}${advice}`
  })
  return new BundleFailed({ file, problems })
}

/** Packages with parts in machine code have to be declared. */
const refuseNatives = ({ bytes }: Built, own: Manifest | undefined, manifests: Manifests) => {
  const natives = new Set<string>()
  for (const file of bytes.keys()) {
    const manifest = manifests.of(file)
    if (manifest !== undefined && manifest !== own && (manifest.isNative || file.endsWith(".node"))) {
      natives.add(manifest.name)
    }
  }
  if (natives.size === 0) return
  throw new NativeDependency({ packages: [...natives].sort(), manifest: own?.file ?? "package.json" })
}

/** The files that packages declare their code to read. */
const assetsOf = async (packages: Iterable<Manifest>, own: Manifest | undefined) => {
  const files = new Map<string, Uint8Array>()
  const sizes: Array<Size> = []
  for (const manifest of packages) {
    const prefix = `node_modules/${manifest.name}/`
    const globs = [
      ...manifest.assets
        .filter((glob) => !glob.startsWith("node_modules/"))
        .map((glob) => ({ glob, declaredBy: manifest, shown: glob })),
      ...(own?.assets ?? [])
        .filter((glob) => glob.startsWith(prefix))
        .map((glob) => ({ glob: glob.slice(prefix.length), declaredBy: own ?? manifest, shown: glob }))
    ]
    let bytes = 0
    for (const { declaredBy, glob, shown } of globs) {
      const paths = globSync(glob, { cwd: manifest.folder, withFileTypes: true }).filter((entry) =>
        entry.isFile()
      )
      if (paths.length === 0) {
        throw new InvalidManifest({
          manifest: declaredBy.file,
          problem: `there is no file for the asset "${shown}"`
        })
      }
      for (const entry of paths) {
        const path = join(entry.parentPath, entry.name)
        const contents = await readFile(path)
        const place = relative(manifest.folder, path).replaceAll("\\", "/")
        files.set(`${assetsFolder(manifest.name)}/${place}`, contents)
        bytes += contents.byteLength
      }
    }
    sizes.push({ package: manifest.name, version: manifest.version, kind: "assets", bytes })
  }
  return { files, sizes: sizes.filter(({ bytes }) => bytes > 0) }
}

const codeSizes = (bytes: ReadonlyMap<string, number>, manifests: Manifests): ReadonlyArray<Size> => {
  const byPackage = new Map<string, Size>()
  for (const [file, count] of bytes) {
    const manifest = manifests.of(file)
    const name = manifest?.name ?? "(no package)"
    const before = byPackage.get(name)?.bytes ?? 0
    byPackage.set(name, { package: name, version: manifest?.version, kind: "code", bytes: before + count })
  }
  return [...byPackage.values()]
}

/** Each with all that it brings: by the packages that were asked for, as far as their names tell. */
const externalSizes = (installed: Zip.Files, { externals }: Found): ReadonlyArray<Size> => {
  const byPackage = new Map<string, number>()
  for (const [path, { byteLength }] of installed) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path
    byPackage.set(name, (byPackage.get(name) ?? 0) + byteLength)
  }
  return [...byPackage].map(([name, bytes]) => ({
    package: name,
    version: externals.get(name)?.version,
    kind: "external",
    bytes
  }))
}
