/**
 * Packages that are installed into a bundle instead of being bundled: by npm, for the machines of Lambda, in the versions
 * that the workflow has here. What was installed once is kept in a cache.
 */
import { spawn } from "node:child_process"
import { createHash, randomUUID } from "node:crypto"
import { existsSync } from "node:fs"
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import { InstallFailed } from "./BundleErrors.ts"
import type { Manifest, Manifests } from "./Manifests.ts"
import type { Files } from "./Zip.ts"

/** The processors that Lambda has. */
export type Arch = "x64" | "arm64"

/** Where installed packages are kept, unless it is said. */
export const CACHE: string = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "weft", "lambda")

/** Changes when the same packages would be installed in another way. */
const EDITION = 1
/** Files that nothing loads. */
const USELESS = /(^|\/)(\.bin\/|\.package-lock\.json$)|\.(md|map|d\.[cm]?ts)$/i
/** How much of what npm said is shown, in lines. */
const SHOWN = 6

/** What installing takes. */
export interface InstallOptions {
  readonly arch: Arch
  readonly cache: string
  /** Told once, if something has to be installed. */
  readonly onInstall: (packages: ReadonlyArray<string>) => void
}

/**
 * The packages' files, below `node_modules/`.
 *
 * @throws {InstallFailed} if npm cannot be run, or cannot install them
 */
export const install = async (
  externals: ReadonlyArray<Manifest>,
  manifests: Manifests,
  { arch, cache, onInstall }: InstallOptions
): Promise<Files> => {
  if (externals.length === 0) return new Map()
  const manifest = JSON.stringify(manifestOf(externals, manifests))
  const key = createHash("sha256")
    .update(`${EDITION} linux-${arch} glibc ${manifest}`)
    .digest("hex")
    .slice(0, 24)
  const folder = join(cache, key)
  if (!existsSync(folder)) {
    const packages = externals.map(({ name, version }) => `${name}@${version ?? "latest"}`)
    onInstall(packages)
    await installInto(folder, manifest, arch, packages)
  }
  return await read(folder)
}

/** What npm is asked for: the packages and all that they need, in the versions that are here. */
const manifestOf = (externals: ReadonlyArray<Manifest>, manifests: Manifests) => {
  const wanted = [...externals].sort((a, b) => (a.name < b.name ? -1 : 1))
  const dependencies = Object.fromEntries(wanted.map(({ name, version = "latest" }) => [name, version]))
  const needed = new Map<string, Set<string>>()
  const visited = new Set<string>()
  const visit = (manifest: Manifest) => {
    if (visited.has(manifest.folder)) return
    visited.add(manifest.folder)
    for (const name of manifest.dependencies) {
      const found = manifests.find(name, manifest.folder)
      if (found?.version === undefined) continue
      needed.set(name, (needed.get(name) ?? new Set()).add(found.version))
      visit(found)
    }
  }
  wanted.forEach(visit)
  const overrides = Object.fromEntries(
    [...needed]
      // Those of which there are several versions are left to npm.
      .filter(([name, versions]) => versions.size === 1 && dependencies[name] === undefined)
      .map(([name, [version = "latest"]]) => [name, version] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
  )
  return { private: true, dependencies, overrides }
}

const installInto = async (
  folder: string,
  manifest: string,
  arch: Arch,
  packages: ReadonlyArray<string>
): Promise<void> => {
  const making = `${folder}.${randomUUID()}`
  const fail = (detail: string) => new InstallFailed({ packages, target: `linux-${arch}`, detail })
  try {
    await mkdir(making, { recursive: true })
    await writeFile(join(making, "package.json"), manifest)
    await npm(making, arch, fail)
    // Another deployment may have been quicker.
    await rename(making, folder).catch((error: NodeJS.ErrnoException) => {
      if (!existsSync(folder)) throw error
    })
  } catch (error) {
    if (error instanceof InstallFailed) throw error
    throw fail(`the cache in ${dirname(folder)} cannot be written: ${(error as Error).message}`)
  } finally {
    // What is wrong with the cache has been said.
    await rm(making, { recursive: true, force: true }).catch(() => {})
  }
}

/** What their install scripts make is of use only where machines are like those of Lambda. */
const hasScripts = (arch: Arch) => process.platform === "linux" && process.arch === arch

const npm = (folder: string, arch: Arch, fail: (detail: string) => InstallFailed) => {
  const args = [
    "install",
    "--omit=dev",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--loglevel=error",
    "--os=linux",
    `--cpu=${arch}`,
    "--libc=glibc",
    ...(hasScripts(arch) ? [] : ["--ignore-scripts"])
  ]
  return new Promise<void>((resolve, reject) => {
    const child = spawn("npm", args, {
      cwd: folder,
      env: environment(),
      shell: process.platform === "win32",
      stdio: ["ignore", "pipe", "pipe"]
    })
    let said = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text
      })
    }
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        fail(
          error.code === "ENOENT"
            ? "npm, which comes with Node.js, is not on the PATH"
            : `npm cannot be run: ${error.message}`
        )
      )
    )
    child.once("close", (code) => {
      if (code === 0) resolve()
      else reject(fail(`npm ended with code ${code}. It said:\n${shownOf(said)}`))
    })
  })
}

/** What the npm, or another package manager, that started us told its children about their folder is not for this one. */
const environment = () => {
  const { NODE_OPTIONS: _, NODE_PATH: __, ...rest } = process.env
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !OF_ANOTHER.test(name)))
}

const OF_ANOTHER =
  /^npm_config_(global|location|prefix|local_prefix|workspaces?|include_workspace_root|omit|include|production)$/i

const shownOf = (said: string) =>
  said
    .split("\n")
    .filter((line) => line.trim() !== "" && !/A complete log|warn Unknown/.test(line))
    .slice(0, SHOWN)
    .map((line) => `  ${line}`)
    .join("\n")

const read = async (folder: string): Promise<Files> => {
  const files = new Map<string, Uint8Array>()
  const entries = await readdir(join(folder, "node_modules"), { recursive: true, withFileTypes: true })
  await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name)
        const name = path.slice(folder.length + 1).replaceAll("\\", "/")
        if (!USELESS.test(name)) files.set(name, await readFile(path))
      })
  )
  return files
}
