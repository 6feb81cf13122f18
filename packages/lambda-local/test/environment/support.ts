/** Environments for tests, with code from texts, and what to find of them on this machine. */
import { randomUUID } from "node:crypto"
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import {
  type Done,
  type Environment,
  type EnvironmentSettings,
  start
} from "../../src/environment/Environment.ts"
import { detect } from "../../src/environment/Limits.ts"

export const limits = await Effect.runPromise(detect())

/** The code of a function, by file names. */
export type Files = Readonly<Record<string, string>>

/** What came of an invocation, with its payload as a value. */
export interface Answer extends Omit<Done, "outcome"> {
  /** Undefined after an error. */
  readonly value: unknown
  readonly error:
    | { readonly errorType: string; readonly errorMessage: string; readonly trace?: ReadonlyArray<string> }
    | undefined
  readonly unhandled: boolean
}

export interface InvokeOptions {
  readonly id?: string
  readonly traceId?: string
  readonly clientContext?: string
  readonly cognitoIdentity?: string
}

/** One environment, which ends with the test. */
export class Lab implements AsyncDisposable {
  readonly environment: Environment
  readonly folder: string

  constructor(environment: Environment, folder: string) {
    this.environment = environment
    this.folder = folder
  }

  /** Whether a cgroup knows all its processes. */
  get isConfined(): boolean {
    return limits.type !== "none"
  }

  async invoke(event: unknown = {}, options: InvokeOptions = {}): Promise<Answer> {
    const request = {
      id: randomUUID(),
      payload: Buffer.from(JSON.stringify(event)),
      traceId: "Root=1-5759e988-bd862e3fe1be46a994272793",
      arn: "arn:aws:lambda:eu-west-1:123456789012:function:tested:live",
      ...options
    }
    const { outcome, ...done } = await Effect.runPromise(this.environment.invoke(request))
    const payload = JSON.parse(Buffer.from(outcome.payload).toString())
    return outcome.type === "response"
      ? { ...done, value: payload, error: undefined, unhandled: false }
      : { ...done, value: undefined, error: payload, unhandled: outcome.unhandled }
  }

  end(): Promise<void> {
    return Effect.runPromise(this.environment.end("the test is over"))
  }

  ended(): Promise<string> {
    return Effect.runPromise(this.environment.ended)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
    await rm(this.folder, { recursive: true, force: true })
  }
}

const writeCode = async (files: Files, parent: string = tmpdir()): Promise<string> => {
  const folder = await mkdtemp(join(parent, "weft-code-"))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

export const settingsFor = (codeFolder: string): EnvironmentSettings => ({
  functionName: "tested",
  version: "3",
  arn: "arn:aws:lambda:eu-west-1:123456789012:function:tested",
  region: "eu-west-1",
  handler: "index.handler",
  codeFolder,
  memoryMiB: 512,
  timeoutMs: 15_000,
  variables: {},
  client: "built-in",
  limits
})

/** Starts an environment. A text alone is `index.mjs`. The code is written below `parent`. */
export const open = async (
  code: string | Files,
  settings: Partial<EnvironmentSettings> = {},
  parent?: string
): Promise<Lab> => {
  const folder = await writeCode(typeof code === "string" ? { "index.mjs": code } : code, parent)
  const environment = await Effect.runPromise(start({ ...settingsFor(folder), ...settings }))
  return new Lab(environment, folder)
}

/** The processes that have this in their variables or arguments. */
export const processesWith = async (text: string): Promise<ReadonlyArray<number>> => {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const read = (file: string) => readFile(`/proc/${pid}/${file}`, "latin1").catch(() => "")
      const texts = await Promise.all([read("environ"), read("cmdline")])
      return texts.some((it) => it.includes(text)) && Number(pid) !== process.pid ? [Number(pid)] : []
    })
  )
  return found.flat()
}

/** What a process has made for its environments and not removed: processes, cgroups, folders. */
export const leftOf = async (pid: number): Promise<ReadonlyArray<string>> => {
  const name = `lambda-local-${pid}.`
  const places = [tmpdir(), "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/memory", "/sys/fs/cgroup"]
  const entries = await Promise.all(
    places.map(async (place) =>
      (await readdir(place).catch(() => []))
        .filter((entry) => entry.startsWith(name))
        .map((entry) => join(place, entry))
    )
  )
  const processes = await processesWith(join(tmpdir(), name))
  return [...entries.flat(), ...processes.map((process) => `process ${process}`)]
}

/** The state of a process: "T" if it is stopped; undefined if there is none, or only its exit code. */
export const stateOf = async (pid: number): Promise<string | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => undefined)
  const state = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[0]
  return state === "Z" || state === "X" ? undefined : state
}
