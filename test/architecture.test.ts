// The direction of dependencies between the packages, and no cycles between source files.
import { globSync, readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { dirname, join, relative } from "node:path"
import { parseSync } from "oxc-parser"
import { describe, expect, it } from "vitest"

/** A package may depend on those of the rows above its own. */
const layers: ReadonlyArray<ReadonlyArray<string>> = [
  ["@weft/core", "@weft/lambda-local"],
  ["@weft/storage", "@weft/annotations", "@weft/testing"],
  [
    "@weft/storage-redis",
    "@weft/storage-s3",
    "@weft/storage-sqlite",
    "@weft/metrics",
    "@weft/planner-simple"
  ],
  ["@weft/worker"],
  ["@weft/engine-lambda", "@weft/planning", "@weft/fault-lab"],
  ["@weft/planner-uniform", "@weft/planner-report2", "@weft/planner-wukong", "@weft/planner-dask"],
  ["weft"]
]

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

interface Package {
  readonly name: string
  readonly folder: string
  readonly manifest: Manifest
  readonly declared: ReadonlySet<string>
  readonly files: ReadonlyArray<string>
}

const root = dirname(import.meta.dirname)

const packages: ReadonlyArray<Package> = globSync("packages/*/package.json", { cwd: root })
  .sort()
  .map((path) => {
    const folder = join(root, dirname(path))
    const manifest = readJson(join(folder, "package.json")) as Manifest
    return {
      name: manifest.name,
      folder,
      manifest,
      declared: new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })),
      files: globSync("src/**/*.ts", { cwd: folder }).map((file) => join(folder, file))
    }
  })

const byName = new Map(packages.map((pkg) => [pkg.name, pkg]))

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"))
}

function layerOf(name: string): number {
  return layers.findIndex((layer) => layer.includes(name))
}

/** What a file imports or re-exports, types included. */
function importsOf(file: string): ReadonlyArray<string> {
  const source = readFileSync(file, "utf8")
  const { errors, module } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  return [
    ...module.staticImports.map((statement) => statement.moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap((entry) => entry.moduleRequest?.value ?? [])
    ),
    ...module.dynamicImports.flatMap(({ moduleRequest }) => {
      const literal = /^(["'`])([^$]*)\1$/.exec(source.slice(moduleRequest.start, moduleRequest.end))
      return literal?.[2] ?? []
    })
  ]
}

function packageNameOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")
}

/** The source file of the workspace that an import leads to, if any. */
function resolve(file: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return join(dirname(file), specifier)
  const name = packageNameOf(specifier)
  const pkg = byName.get(name)
  const target = pkg?.manifest.exports[`.${specifier.slice(name.length)}`]
  return pkg && typeof target === "object" && target["@weft/source"]
    ? join(pkg.folder, target["@weft/source"])
    : undefined
}

describe.each(packages)("$name", (pkg) => {
  it("has its place in the order of the packages", () => {
    expect(layerOf(pkg.name)).not.toBe(-1)
  })

  it("depends on packages below it only", () => {
    const notBelow = [...pkg.declared].filter(
      (name) => byName.has(name) && layerOf(name) >= layerOf(pkg.name)
    )
    expect(notBelow).toEqual([])
  })

  it("refers to the packages it depends on in its tsconfig.json", () => {
    const { references = [] } = readJson(join(pkg.folder, "tsconfig.json")) as {
      references?: ReadonlyArray<{ path: string }>
    }
    expect(references.map(({ path }) => join(pkg.folder, path)).sort()).toEqual(
      [...pkg.declared].flatMap((name) => byName.get(name)?.folder ?? []).sort()
    )
  })

  it("imports only what it declares, and its own files", () => {
    const wrong = pkg.files.flatMap((file) =>
      importsOf(file)
        .filter((specifier) =>
          specifier.startsWith(".")
            ? relative(join(pkg.folder, "src"), join(dirname(file), specifier)).startsWith("..")
            : !isBuiltin(specifier) && !pkg.declared.has(packageNameOf(specifier))
        )
        .map((specifier) => `${relative(root, file)} imports ${specifier}`)
    )
    expect(wrong).toEqual([])
  })
})

it("has no import cycles", () => {
  const graph = new Map(
    packages.flatMap(({ files }) =>
      files.map((file) => [file, importsOf(file).flatMap((specifier) => resolve(file, specifier) ?? [])])
    )
  )
  const done = new Set<string>()
  const cycles: Array<string> = []
  const visit = (file: string, path: ReadonlyArray<string>) => {
    const start = path.indexOf(file)
    if (start !== -1) {
      cycles.push([...path.slice(start), file].map((step) => relative(root, step)).join(" -> "))
    } else if (!done.has(file)) {
      for (const next of graph.get(file) ?? []) visit(next, [...path, file])
      done.add(file)
    }
  }
  for (const file of graph.keys()) visit(file, [])
  expect(cycles).toEqual([])
})
