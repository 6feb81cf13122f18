/**
 * AWS's own runtime interface client (`aws-lambda-ric`), installed with npm when it is first wanted.
 *
 * It is no dependency, because npm builds it from C and C++, which takes about a minute and needs tools that not every
 * machine has.
 */
import { execFile } from "node:child_process"
import { access, constants, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises"
import { homedir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { promisify } from "node:util"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

const VERSION = "4.0.2"

/** Programs that the build runs: any of each row. */
const TOOLS: ReadonlyArray<ReadonlyArray<string>> = [
  ["npm"],
  ["cmake", "cmake3"],
  ["make"],
  ["g++", "c++", "clang++"],
  ["tar"],
  ["xz"],
  ["python3", "python"]
]

/** How often it is looked whether another process has finished its installation, in ms. */
const LOOKED_MS = 250

export class RicError extends Data.TaggedError("RicError")<{
  readonly reason: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return `aws-lambda-ric ${VERSION} cannot be installed: ${this.reason}`
  }
}

/** Where it is installed unless told otherwise: the user's cache. */
const defaultRicFolder = (): string =>
  join(
    process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
    "lambda-local",
    `aws-lambda-ric-${VERSION}-${process.platform}-${process.arch}`
  )

/**
 * Installs it into the folder unless it is there, and gives the folder, for `EnvironmentSettings.ricFolder`. Of processes
 * that do so at the same time one installs it and the others wait.
 */
export const installRic = (folder: string = defaultRicFolder()): Effect.Effect<string, RicError> =>
  Effect.tryPromise({
    try: () => install(folder),
    catch: (cause) => (cause instanceof RicError ? cause : new RicError({ reason: String(cause), cause }))
  })

/** The tools that the build needs and that are not on the PATH. */
export const missingRicTools = async (): Promise<ReadonlyArray<string>> => {
  const found = await Promise.all(TOOLS.map((names) => Promise.all(names.map(isProgram))))
  return TOOLS.flatMap((names, index) => (found[index]!.includes(true) ? [] : [names[0]!]))
}

const install = async (folder: string): Promise<string> => {
  const lock = `${folder}.lock`
  await mkdir(dirname(folder), { recursive: true })
  while (!(await isThere(join(folder, "package.json")))) {
    if (await take(lock)) {
      try {
        if (!(await isThere(join(folder, "package.json")))) await build(folder)
      } finally {
        await rm(lock, { force: true })
      }
    } else {
      await setTimeout(LOOKED_MS)
    }
  }
  return folder
}

/** Whether the lock is this process's now. One whose process has ended is nobody's. */
const take = async (lock: string): Promise<boolean> => {
  try {
    await writeFile(lock, String(process.pid), { flag: "wx" })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  }
  const owner = Number(await readFile(lock, "utf8").catch(() => ""))
  // Without a number it is being written.
  if (owner > 0 && !isAlive(owner)) await rm(lock, { force: true })
  return false
}

/** Beside the folder, which is there only when all is in it. */
const build = async (folder: string): Promise<void> => {
  if (process.platform !== "linux")
    throw new RicError({ reason: `it builds on Linux only, not on ${process.platform}` })
  const missing = await missingRicTools()
  if (missing.length > 0) {
    throw new RicError({
      reason:
        `it is built from source and needs ${missing.join(", ")}, not found on the PATH ` +
        "(Debian, Ubuntu: apt-get install npm cmake make g++ xz-utils python3)"
    })
  }
  const made = await mkdtemp(`${folder}.`)
  try {
    await writeFile(join(made, "package.json"), '{ "private": true }\n')
    await promisify(execFile)(
      "npm",
      ["install", "--no-audit", "--no-fund", "--no-package-lock", `aws-lambda-ric@${VERSION}`],
      {
        cwd: made,
        // The Node.js that will load it is the one that builds it.
        env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}` },
        maxBuffer: 64 * 1024 * 1024
      }
    ).catch((cause: { readonly stderr?: string }) => {
      throw new RicError({ reason: `npm failed:\n${(cause.stderr ?? "").trim().slice(-4_000)}`, cause })
    })
    await rename(made, folder)
  } finally {
    await rm(made, { recursive: true, force: true })
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false
  )

const isProgram = async (name: string): Promise<boolean> => {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const isIt = await access(join(folder, name), constants.X_OK).then(
      () => true,
      () => false
    )
    if (isIt) return true
  }
  return false
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}
