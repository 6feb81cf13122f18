// The command as people run it: a process of its own, in the folder of the fixtures.
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { vi } from "vitest"

// Each command is a Node.js of its own that loads all of weft's source: a second of a processor, for each of several in a test.
vi.setConfig({ testTimeout: 90_000 })

const fixtures = join(import.meta.dirname, "../fixtures")

const bin = join(import.meta.dirname, "../../src/bin.ts")

/** How the command ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that is under way. */
export interface Running {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  /** Waits until a text has been written to stderr. */
  readonly says: (text: string) => Promise<void>
  /** What has been written to stderr so far. */
  readonly stderr: () => string
}

export interface Options {
  readonly cwd?: string
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** What the tests' own process was started with must not decide how the command behaves. */
const {
  CI: _,
  FORCE_COLOR: __,
  NO_COLOR: ___,
  NODE_OPTIONS: ____,
  WEFT_STORE: _____,
  WEFT_OBJECTS: ______,
  ...clean
} = process.env

/** Starts the command. */
export const start = (args: ReadonlyArray<string>, options: Options = {}): Running => {
  const child = spawn(process.execPath, ["--conditions=@weft/source", bin, ...args], {
    cwd: options.cwd ?? fixtures,
    env: { ...clean, ...options.env },
    stdio: "pipe"
  })
  let stdout = ""
  let stderr = ""
  const waiting = new Set<{ readonly text: string; readonly heard: () => void }>()
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text
    for (const one of waiting) if (stderr.includes(one.text)) one.heard()
  })
  // A command that ends without reading its input breaks the pipe.
  child.stdin.on("error", () => {}).end(options.input)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject).on("close", (code) => resolve({ code, stdout, stderr }))
  })
  const says = (text: string) =>
    new Promise<void>((resolve, reject) => {
      if (stderr.includes(text)) resolve()
      waiting.add({ text, heard: resolve })
      void ended.then(() => reject(new Error(`it ended without saying "${text}":\n${stderr}`)))
    })
  return { process: child, ended, says, stderr: () => stderr }
}

/** Runs the command to its end. */
export const weft = (args: ReadonlyArray<string>, options?: Options): Promise<Ended> =>
  start(args, options).ended
