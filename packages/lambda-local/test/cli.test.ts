// The command, as people run it.
import { spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { CreateFunctionCommand, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda"
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest"
import { ROLE, zipOf } from "./deployed.ts"

const bin = join(import.meta.dirname, "../src/bin.ts")
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lambda-local-cli-"))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What the tests' own process was started with must not decide how the command behaves. */
const clean = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(AWS_|CI$|FORCE_COLOR|NO_COLOR|NODE_OPTIONS)/.test(name))
)

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts the command. What it keeps on disk is in the tests' folder. */
const start = (...args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, ["--conditions=@weft/source", bin, ...args], {
    env: { ...clean, TMPDIR: folder }
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  let stdout = ""
  let stderr = ""
  const waiting = new Set<() => void>()
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text
    for (const check of waiting) check()
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject).on("close", (code) => resolve({ code, stdout, stderr }))
  })
  /** Waits until something has been written to stderr, and answers what matched. */
  const says = (form: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const check = () => {
        const match = form.exec(stderr)
        if (match !== null) resolve(match[1] ?? match[0])
      }
      waiting.add(check)
      check()
      void ended.then(() => reject(new Error(`it ended without saying ${form}:\n${stderr}`)))
    })
  return { child, ended, says }
}

const run = (...args: ReadonlyArray<string>) => start(...args).ended

/** A module that makes a function and invokes it, by an SDK that knows nothing but its environment. */
const user = (body: string) => {
  const file = join(folder, `user-${crypto.randomUUID()}.mjs`)
  const zip = Buffer.from(
    zipOf("export const handler = async (name) => { console.log('asked'); return 'hello ' + name }")
  )
  writeFileSync(
    file,
    `import { createRequire } from "node:module"
     const { LambdaClient, CreateFunctionCommand, InvokeCommand } =
       createRequire(${JSON.stringify(import.meta.url)})("@aws-sdk/client-lambda")
     const client = new LambdaClient()
     await client.send(new CreateFunctionCommand({
       FunctionName: "greet", Role: "${ROLE}", Runtime: "nodejs24.x", Handler: "index.handler",
       Code: { ZipFile: Buffer.from("${zip.toString("base64")}", "base64") }
     }))
     const { Payload } = await client.send(new InvokeCommand({ FunctionName: "greet", Payload: '"you"' }))
     console.log(Buffer.from(Payload).toString())
     ${body}`
  )
  return file
}

describe("with a command", () => {
  it("runs it against a service, and ends with its code", async () => {
    const report = join(folder, "report.json")
    const { code, stderr, stdout } = await run(
      "--report",
      report,
      "--",
      process.execPath,
      user("process.exit(5)")
    )
    expect([code, stdout]).toEqual([5, '"hello you"\n'])
    expect(stderr).toMatch(/1 invocation, 1 cold start, 0 errors, at most 1 environment at once/)
    expect(stderr).toMatch(/\nfunction +invoked .*\ngreet:\$LATEST +1 /)
    const { invocations, totals } = JSON.parse(readFileSync(report, "utf8"))
    expect(totals).toMatchObject({ invocations: 1, coldStarts: 1 })
    expect(invocations[0]).toMatchObject({ functionName: "greet", start: "cold" })
  })

  it("says nothing if that is asked for, but logs", async () => {
    const quiet = await run("--quiet", "--", process.execPath, user(""))
    expect(quiet).toEqual({ code: 0, stdout: '"hello you"\n', stderr: "" })
    const { stderr } = await run("--quiet", "--logs", "--", process.execPath, user(""))
    expect(stderr).toMatch(/^START .*\n.*\tINFO\tasked\nEND .*\nREPORT .*\n$/)
  })

  it("passes its flags on", async () => {
    const { code, stdout } = await run(
      "-q",
      "--region=eu-west-1",
      "--access-key",
      "AKIA",
      "--",
      "sh",
      "-c",
      "echo $AWS_REGION $AWS_ACCESS_KEY_ID --help"
    )
    expect([code, stdout]).toEqual([0, "eu-west-1 AKIA --help\n"])
  })

  it("that does not exist says so", async () => {
    const { code, stderr } = await run("-q", "--", "no-such-command")
    expect([code, stderr]).toEqual([1, "error: there is no command no-such-command\n"])
  })

  it("hands SIGTERM on", async () => {
    const { child, ended, says } = start(
      "-q",
      "--",
      "sh",
      "-c",
      "trap 'exit 9' TERM; echo ready >&2; while :; do sleep 0.05; done"
    )
    await says(/ready/)
    child.kill("SIGTERM")
    expect((await ended).code).toBe(9)
  })
})

/** Starts the command, and a function on it. Answers the id of the function's process, too. */
const startWithFunction = async () => {
  const command = start("--port", "0")
  const endpoint = await command.says(/AWS_ENDPOINT_URL_LAMBDA=(\S+)/)
  const client = new LambdaClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" }
  })
  onTestFinished(() => client.destroy())
  await client.send(
    new CreateFunctionCommand({
      FunctionName: "pid",
      Role: ROLE,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Code: { ZipFile: zipOf("export const handler = async () => process.pid") }
    })
  )
  const { Payload } = await client.send(new InvokeCommand({ FunctionName: "pid" }))
  const pid = Number(Buffer.from(Payload!).toString())
  return { ...command, pid }
}

/** What is left on disk. */
const left = () => readdirSync(folder).filter((name) => !/^(user-|report|node-compile-cache)/.test(name))

const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

it.each(["SIGINT", "SIGTERM"] as const)(
  "ends all functions on %s, removes what was on disk, and tells what there was",
  async (signal) => {
    const { child, ended, pid } = await startWithFunction()
    expect(isRunning(pid)).toBe(true)
    expect(left()).not.toEqual([])
    child.kill(signal)
    const { code, stderr } = await ended
    expect(code).toBe(0)
    expect(stderr).toMatch(/1 invocation, /)
    expect(isRunning(pid)).toBe(false)
    expect(left()).toEqual([])
  }
)

it("leaves nothing behind even if it is killed", async () => {
  const { child, ended, pid } = await startWithFunction()
  child.kill("SIGKILL")
  await ended
  await vi.waitFor(() => {
    expect(isRunning(pid)).toBe(false)
    expect(left()).toEqual([])
  }, 10_000)
})

describe("a wrong command line", () => {
  it.each([
    [["--drup", "1"], "error: Unrecognized flag: --drup"],
    [
      ["--idle", "5"],
      'error: Invalid value for flag --idle: "5". Expected a time such as 500ms, 90s, 10m or 1h'
    ],
    [
      ["--cold-start", "1s+"],
      "Expected a time, or a time and how much more it may be at most, such as 100ms+400ms"
    ],
    [["--retry-delays", "1s"], "Expected two times, such as 60s,120s"],
    [["--drop", "2"], "error: faults.drop must be a probability from 0 to 1, not 2"],
    [["--port", "99999"], "error: port must be a port from 0 to 65535, not 99999"],
    [["--recursion-guard", "maybe"], "--recursion-guard"]
  ])("%j is explained", async (args, text) => {
    const { code, stderr, stdout } = await run(...args)
    expect([code, stdout]).toEqual([2, ""])
    expect(stderr).toContain(text)
  })

  it("a port that is in use is named", async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { code, stderr } = await run("--port", String(port))
    expect([code, stderr]).toEqual([
      1,
      `error: 127.0.0.1:${port} is in use: choose another port, or 0 for any free one\n`
    ])
  })

  it("a report that cannot be written is told before anything is run", async () => {
    const { code, stderr, stdout } = await run("--report", join(folder, "no/such/file"), "--", "echo", "ran")
    expect([code, stdout]).toEqual([1, ""])
    expect(stderr).toMatch(/^error: the report cannot be written to .*ENOENT/)
  })
})

it("has help and a version", async () => {
  const { code, stderr, stdout } = await run("--help")
  expect([code, stderr]).toEqual([0, ""])
  for (const part of ["USAGE", "--cold-start TIME[+TIME]", "EXAMPLES", "EXIT CODES"])
    expect(stdout).toContain(part)
  expect((await run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})
