// Deployments from the command line.
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Cloud, startCloud } from "@weft/testing"
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest"
import { type Options, weft } from "./weft.ts"

vi.setConfig({ testTimeout: 120_000 })

let cloud: Cloud
let options: Options
beforeAll(async () => {
  cloud = await startCloud()
  options = { env: cloud.variables }
}, 60_000)
afterAll(() => cloud.stop(), 60_000)

const outside = {
  AWS_EC2_METADATA_DISABLED: "true",
  WEFT_STORE: "redis://10.0.0.1:6379",
  AWS_REGION: "eu-central-1"
}

describe("weft deploy", () => {
  it("says what it made, that nothing has changed, and what it removed", async () => {
    const first = await weft(["deploy", "words.ts"], options)
    expect(first).toMatchObject({ code: 0 })
    expect(first.stderr).toMatch(
      /^Bundling words\.ts\nUploading .* to weft-words-1024\nWaiting for weft-words-1024\nChecking weft-words-1024 from inside\n$/
    )
    expect(first.stdout).toMatch(
      /^function +memory +version +store\nweft-words-1024 +1,024 MiB +1 +created +redis:\S+ \+ s3:\S+ answers in .*ms\n\nThe bundle has /
    )
    expect(first.stdout).toMatch(/ kB +effect@\S+ +code\n/)
    const second = await weft(["deploy", "words.ts"], options)
    expect(second.stdout).toMatch(/ unchanged .*\n\n.*\nNothing has changed\.\n$/s)
    const dry = await weft(["undeploy", "words.ts", "--dry-run"], options)
    expect(dry).toEqual({
      code: 0,
      stdout: "weft-words-1024\n",
      stderr: "would remove 1 function of weft-words\n"
    })
    const done = await weft(["undeploy", "weft-words", "--json"], options)
    expect(JSON.parse(done.stdout)).toEqual({ name: "weft-words", removed: ["weft-words-1024"], foreign: [] })
    expect(await weft(["undeploy", "words.ts"], options)).toEqual({
      code: 0,
      stdout: "",
      stderr: "removed nothing of weft-words\n"
    })
  })

  it("gives JSON, and makes what it is told", async () => {
    const flags = [
      "--memory",
      "1300",
      "--memory",
      "1200",
      "--name",
      "mine",
      "--env",
      "COLOUR=red",
      "--timeout",
      "5m",
      "--no-check"
    ]
    const { code, stdout } = await weft(["deploy", "words.ts", "--json", ...flags], options)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      name: "mine",
      functions: [
        { name: "mine-1200", memoryMiB: 1200, version: "1", change: "created" },
        { name: "mine-1300", memoryMiB: 1300, version: "1", change: "created" }
      ],
      warnings: []
    })
    const ran = await weft(
      ["run", "words.ts", "--engine", "lambda", "--name", "mine", "--json", "--quiet"],
      options
    )
    expect(ran).toMatchObject({ code: 0, stderr: "" })
  })

  it("writes a template, without asking anybody", async () => {
    const folder = mkdtempSync(join(tmpdir(), "weft-template-"))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const target = join(folder, "stack.yaml")
    const { code, stdout } = await weft(["deploy", "words.ts", "--template", target], { env: outside })
    expect(code).toBe(0)
    expect(stdout).toMatch(/stack\.yaml and .*weft-words\.zip\n/)
    expect(readFileSync(target, "utf8")).toContain("FunctionName: weft-words-1024")
  })

  it("prints the role's policy, and nothing else", async () => {
    const { code, stderr, stdout } = await weft(["deploy", "words.ts", "--policy"], { env: outside })
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(JSON.parse(stdout)).toMatchObject({
      Version: "2012-10-17",
      Statement: [
        {
          Action: ["lambda:InvokeFunction"],
          Resource: "arn:aws:lambda:eu-central-1:*:function:weft-words-*"
        },
        { Sid: "WriteLogs" }
      ]
    })
  })
})

describe("weft explains", () => {
  const role = "arn:aws:iam::123456789012:role/weft"

  it.each<[string, ReadonlyArray<string>, Readonly<Record<string, string>>, number, RegExp]>([
    [
      "that credentials are missing",
      ["deploy", "words.ts", "--role", role],
      outside,
      1,
      /there are no AWS credentials/
    ],
    [
      "a region that cannot be",
      ["deploy", "words.ts"],
      { ...outside, AWS_REGION: "" },
      1,
      /there is no such region/
    ],
    [
      "a store that is missing",
      ["deploy", "words.ts"],
      { ...outside, WEFT_STORE: "" },
      2,
      /no store is named/
    ],
    [
      "a role's bare name",
      ["deploy", "words.ts", "--role", "weft"],
      outside,
      2,
      /"weft" is not the ARN of a role/
    ],
    ["memory that cannot be", ["deploy", "words.ts", "--memory", "64"], outside, 2, /between 128 and 10240/],
    [
      "a file that is no workflow's",
      ["deploy", "no-workflow.ts"],
      outside,
      1,
      /its default export is no workflow/
    ],
    ["a file that is not there", ["undeploy", "./nowhere.ts"], outside, 1, /there is no such file/],
    ["--deploy elsewhere", ["run", "words.ts", "--deploy"], outside, 2, /--deploy goes with --engine lambda/]
  ])("%s", async (_, args, env, code, message) => {
    const ended = await weft(args, { env })
    expect(ended).toMatchObject({ code, stdout: "" })
    expect(ended.stderr).toMatch(message)
    expect(ended.stderr).not.toContain("this should not have happened")
  })

  it("that nothing is deployed", async () => {
    const ended = await weft(["run", "twins.ts", "--engine", "lambda", "--name", "nowhere"], options)
    expect(ended).toMatchObject({ code: 1, stdout: "" })
  })

  it("that a run in memory cannot be on Lambda", async () => {
    const ended = await weft(["run", "words.ts", "--engine", "lambda"], {
      env: { AWS_REGION: "eu-central-1" }
    })
    expect(ended).toMatchObject({ code: 1 })
    expect(ended.stderr).toMatch(/functions have no memory in common, so runs need a store/)
  })
})

describe("a failure in a function", () => {
  it("shows the user's line", async () => {
    const command = ["run", "failing.ts", "--input", '"throws"']
    const { code, stderr } = await weft([...command, "--engine", "lambda", "--deploy"], options)
    expect(code).toBe(1)
    expect(stderr).toMatch(/TypeError: no such colour\n {4}at .*\(failing\.ts:6:11\)\n/)
  })
})
