/**
 * What a bundle needs besides what esbuild does: entries that are written for it, what packages declare about bundles,
 * and modules that know where files beside them lie.
 */
import { readFile } from "node:fs/promises"
import { dirname, extname, relative, resolve, sep } from "node:path"
import type * as Esbuild from "esbuild"
import type { Loader, Metafile, OnLoadResult, OnResolveArgs, Plugin, PluginBuild } from "esbuild"
import * as Entries from "./Entries.ts"
import { type Manifest, type Manifests, packageOf } from "./Manifests.ts"

/** What was found out while bundling. */
export interface Found {
  /** The packages that are imported from outside the bundle. */
  readonly externals: Map<string, Manifest>
  /** The packages whose modules were told where files beside them lie. */
  readonly withAssets: Map<string, Manifest>
  /** Packages that were imported, and are nowhere. */
  readonly missing: Set<string>
}

/** The namespace of the modules that are written for a bundle. */
export const ENTRY = "weft-entry"
const LOADERS: Readonly<Record<string, Loader>> = {
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".jsx": "jsx"
}
const BESIDE = /import\.meta\.(url|filename|dirname)|\b__(filename|dirname)\b/

/** The plugin. `own` is the workflow's package. */
export const plugin = (
  esbuild: typeof Esbuild,
  carried: Entries.Carried,
  manifests: Manifests,
  own: Manifest | undefined,
  found: Found
): Plugin => ({
  name: "weft",
  setup: (build) => {
    entries(build, carried)
    declared(build, manifests, own, found)
    sdk(build, manifests)
    besides(build, esbuild, manifests, own, found)
  }
})

/** `weft:index`, `weft:renewal` and `weft:here`. */
const entries = (build: PluginBuild, carried: Entries.Carried) => {
  const texts: Readonly<Record<string, string>> = {
    index: Entries.index(carried),
    renewal: Entries.renewal(carried),
    here: Entries.here
  }
  build.onResolve({ filter: /^weft:/ }, ({ path }) => ({
    path: path.slice("weft:".length),
    namespace: ENTRY,
    ...(path === "weft:here" ? { sideEffects: false } : {})
  }))
  build.onLoad({ filter: /.*/, namespace: ENTRY }, ({ path }) => ({
    contents: texts[path] ?? "",
    resolveDir: Entries.ENTRIES_FOLDER,
    loader: "js"
  }))
}

/** Packages that are declared to be external, or left out. */
const declared = (build: PluginBuild, manifests: Manifests, own: Manifest | undefined, found: Found) => {
  // This package is part of every bundle.
  const ours = manifests.of(Entries.ENTRIES_FOLDER)
  build.onResolve({ filter: /^[^./#]/ }, (args) => {
    const name = packageOf(args.path)
    if (name === undefined || args.namespace === ENTRY) return
    const importer = manifests.of(args.importer)
    const declares = (which: "external" | "omit") =>
      [own, importer, ours].find((manifest) => manifest?.[which].has(name))
    if (declares("omit") !== undefined) return { path: name, namespace: OMITTED }
    if (declares("external") === undefined) return
    external(args, name, manifests, own, found)
    return { path: args.path, external: true }
  })
  build.onLoad({ filter: /.*/, namespace: OMITTED }, ({ path }) => ({
    contents: `throw Object.assign(new Error(${JSON.stringify(`the bundle does without ${path}`)}), { code: "MODULE_NOT_FOUND" })`
  }))
}

const OMITTED = "weft-omitted"

/**
 * The AWS SDK, of which functions are to load little: its ECMAScript modules, of which bundlers can leave out what is not used.
 * Node.js itself would take the others.
 */
const sdk = (build: PluginBuild, manifests: Manifests) => {
  build.onResolve({ filter: /^@(aws-sdk|smithy)\/[^/]+$/ }, ({ kind, path, resolveDir }) => {
    const manifest = manifests.find(path, resolveDir)
    return manifest?.module === undefined
      ? undefined
      : build.resolve(`./${manifest.module}`, { kind, resolveDir: manifest.folder })
  })
}

const external = (
  { importer, resolveDir }: OnResolveArgs,
  name: string,
  manifests: Manifests,
  own: Manifest | undefined,
  { externals, missing }: Found
) => {
  // The bundle has one version of each: the workflow's own, if it has one.
  const manifest =
    (own === undefined ? undefined : manifests.find(name, own.folder)) ??
    manifests.find(name, resolveDir === "" ? dirname(importer) : resolveDir)
  if (manifest === undefined) missing.add(name)
  else externals.set(name, manifest)
}

/** Modules of packages that have assets. */
const besides = (
  build: PluginBuild,
  esbuild: typeof Esbuild,
  manifests: Manifests,
  own: Manifest | undefined,
  { withAssets }: Found
) => {
  build.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: "file" }, async ({ path }) => {
    const manifest = manifests.of(path)
    if (manifest === undefined) return
    if (!hasAssets(manifest, own)) return
    withAssets.set(manifest.name, manifest)
    const source = await readFile(path, "utf8")
    return BESIDE.test(source) ? await rewritten(esbuild, path, source, manifest) : undefined
  })
}

const loaderOf = (path: string) => LOADERS[extname(path)] ?? "js"

const hasAssets = (manifest: Manifest, own: Manifest | undefined) =>
  manifest.assets.length > 0 ||
  (own?.assets.some((glob) => glob.startsWith(`node_modules/${manifest.name}/`)) ?? false)

/** Where the files of a package lie in a bundle. */
export const assetsFolder = (name: string): string => `assets/${name}`

/** The module, which takes itself to lie in the package's folder of assets. */
const rewritten = async (
  esbuild: typeof Esbuild,
  path: string,
  source: string,
  manifest: Manifest
): Promise<OnLoadResult> => {
  const place = relative(manifest.folder, path).split(sep).join("/")
  const at = JSON.stringify(`./${assetsFolder(manifest.name)}/${place}`)
  const loader = loaderOf(path)
  const used = new Set(source.match(new RegExp(BESIDE, "g")))
  const isModule = [...used].some((name) => name.startsWith("import.meta"))
  const here = "__weftHere"
  const names = [
    ["import.meta.url", "__weftUrl", "url"],
    ["import.meta.filename", "__weftFilename", "filename"],
    ["import.meta.dirname", "__weftDirname", "folder"],
    ["__filename", "__weftFilename", "filename"],
    ["__dirname", "__weftDirname", "folder"]
  ].filter(([name = ""]) => used.has(name))
  const declarations = new Map(names.map(([, as, by]) => [as, `const ${as} = ${here}.${by}(${at});`]))
  const { code } = await esbuild.transform(source, {
    loader,
    sourcefile: path,
    sourcemap: "inline",
    sourcesContent: false,
    define: Object.fromEntries(names.map(([name, as]) => [name, as])) as Record<string, string>,
    // Text that begins with an import makes CommonJS a module, which it is not.
    banner: `${isModule ? `import * as ${here} from "weft:here";` : `const ${here} = require("weft:here");`}${[...declarations.values()].join("")}`
  })
  return { contents: code, loader: "js", resolveDir: dirname(path) }
}

/** The files on this machine that output was made of, and how many bytes of each are in it. */
export const inputs = (
  { outputs }: Metafile,
  paths: Iterable<string>,
  folder: string
): ReadonlyMap<string, number> => {
  const bytes = new Map<string, number>()
  for (const path of paths) {
    for (const [input, { bytesInOutput }] of Object.entries(outputs[path]?.inputs ?? {})) {
      if (input.startsWith("weft-") || bytesInOutput === 0) continue
      const file = resolve(folder, input)
      bytes.set(file, (bytes.get(file) ?? 0) + bytesInOutput)
    }
  }
  return bytes
}
