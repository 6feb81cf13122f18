/**
 * The package.json files of what is bundled: whose a file is, and what its package says about bundles in the field `weft`.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { InvalidManifest } from "./BundleErrors.ts"

/**
 * What a package says about bundles that it is part of.
 *
 * - `assets`: files that code reads beside itself, as globs from the package's folder; `node_modules/<package>/…` for
 *   those of a dependency that does not say so itself
 * - `external`: packages that are installed into the bundle, not bundled: those with native parts
 * - `omit`: optional packages that bundles do without
 */
const Declared = Schema.Struct({
  assets: Schema.optionalKey(Schema.Array(Schema.String)),
  external: Schema.optionalKey(Schema.Array(Schema.String)),
  omit: Schema.optionalKey(Schema.Array(Schema.String))
})

const Names = Schema.Record(Schema.String, Schema.Unknown)

/** Of what npm writes into package.json only what is needed; what looks wrong is not our concern. */
const Contents = Schema.Struct({
  name: Schema.optionalKey(Schema.String),
  version: Schema.optionalKey(Schema.String),
  gypfile: Schema.optionalKey(Schema.Unknown),
  exports: Schema.optionalKey(Schema.Unknown),
  module: Schema.optionalKey(Schema.Unknown),
  dependencies: Schema.optionalKey(Names),
  optionalDependencies: Schema.optionalKey(Names),
  peerDependencies: Schema.optionalKey(Names),
  weft: Schema.optionalKey(Schema.Unknown)
})

/** A package, as it lies on this machine. */
export interface Manifest {
  /** The path of its package.json. */
  readonly file: string
  readonly folder: string
  readonly name: string
  readonly version: string | undefined
  readonly assets: ReadonlyArray<string>
  readonly external: ReadonlySet<string>
  readonly omit: ReadonlySet<string>
  /** The names of what it depends on, optional ones included. */
  readonly dependencies: ReadonlyArray<string>
  /** Its entry as an ECMAScript module, from its folder, if it has one and does not say so by `exports`. */
  readonly module: string | undefined
  /** Whether it needs machine code of its own, or of packages made for one platform each. */
  readonly isNative: boolean
}

const decodeContents = Schema.decodeUnknownOption(Contents)
const decodeDeclared = Schema.decodeUnknownOption(Declared, { onExcessProperty: "error" })

/** Manifests, each read once. */
export class Manifests {
  private readonly byFolder = new Map<string, Manifest | undefined>()

  /**
   * The package that a file belongs to; `undefined` if none.
   *
   * @throws {InvalidManifest} if its field `weft` is wrong
   */
  of(file: string): Manifest | undefined {
    return this.ofFolder(dirname(file))
  }

  /** The package of that name, as it is found from a folder. */
  find(name: string, from: string): Manifest | undefined {
    for (let folder = from; ; folder = dirname(folder)) {
      const file = join(folder, "node_modules", name, "package.json")
      // Where links lead: what a package needs lies beside that.
      if (existsSync(file)) return this.of(realpathSync(file))
      if (folder === dirname(folder)) return
    }
  }

  private ofFolder(folder: string): Manifest | undefined {
    if (this.byFolder.has(folder)) return this.byFolder.get(folder)
    const found = read(folder) ?? (folder === dirname(folder) ? undefined : this.ofFolder(dirname(folder)))
    this.byFolder.set(folder, found)
    return found
  }
}

const read = (folder: string): Manifest | undefined => {
  const file = join(folder, "package.json")
  if (!existsSync(file)) return
  const contents = Option.getOrUndefined(decodeContents(parse(file)))
  // A package.json without a name only says how the files below it are to be read.
  if (contents?.name === undefined) return
  const declared = declaredBy(contents.weft, file)
  return {
    file,
    folder,
    name: contents.name,
    version: contents.version,
    assets: declared.assets ?? [],
    external: new Set(declared.external),
    omit: new Set(declared.omit),
    dependencies: Object.keys({
      ...contents.dependencies,
      ...contents.optionalDependencies,
      ...contents.peerDependencies
    }),
    module:
      contents.exports === undefined && typeof contents.module === "string" ? contents.module : undefined,
    isNative: isNative(contents)
  }
}

const parse = (file: string): unknown => {
  try {
    return JSON.parse(readFileSync(file, "utf8"))
  } catch (error) {
    throw new InvalidManifest({ manifest: file, problem: `it is not JSON (${(error as Error).message})` })
  }
}

const declaredBy = (weft: unknown, manifest: string): typeof Declared.Type => {
  if (weft === undefined) return {}
  return Option.getOrElse(decodeDeclared(weft), () => {
    throw new InvalidManifest({
      manifest,
      problem: 'the field "weft" has something else than lists of texts named assets, external and omit'
    })
  })
}

/** What loads or builds addons. */
const LOADERS =
  /^(node-gyp(-build)?|bindings|prebuild-install|node-addon-api|@mapbox\/node-pre-gyp|pkg-prebuilds)$/
const PLATFORM = /(^|[-/])(linux|darwin|win32)-(x64|arm64)/

const isNative = ({ dependencies, gypfile, optionalDependencies }: typeof Contents.Type) =>
  gypfile === true ||
  Object.keys(dependencies ?? {}).some((name) => LOADERS.test(name)) ||
  Object.keys(optionalDependencies ?? {}).some((name) => PLATFORM.test(name))

/** The package that a specifier names: `sharp` of `sharp/lib/x.js`; `undefined` for files and what Node brings. */
export const packageOf = (specifier: string): string | undefined => {
  if (/^[./#]|^[a-z]+:|^[A-Z]:\\/.test(specifier)) return
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")
}
