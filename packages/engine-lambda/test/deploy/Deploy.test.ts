// Deployments on a Lambda of this machine.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  CreateFunctionCommand,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  GetFunctionEventInvokeConfigCommand,
  GetFunctionRecursionConfigCommand,
  LambdaClient,
  ListVersionsByFunctionCommand
} from "@aws-sdk/client-lambda"
import { type LambdaLocal, startLambda } from "@weft/lambda-local"
import { Stores } from "@weft/storage"
import { redis } from "@weft/storage-redis"
import { type RedisServer, startRedis } from "@weft/testing"
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { type DeployOptions, type DeployStep, deploy, undeploy } from "../../src/deploy/index.ts"
import { makeApp, WORKFLOW } from "./app.ts"

vi.setConfig({ testTimeout: 180_000 })

const ROLE = "arn:aws:iam::000000000000:role/weft"

let server: RedisServer
let lambda: LambdaLocal
let client: LambdaClient
beforeAll(async () => {
  server = await startRedis()
  lambda = await startLambda({ roles: [ROLE] })
  client = new LambdaClient({ endpoint: lambda.url, region: lambda.region, credentials: lambda.credentials })
}, 60_000)
afterAll(async () => {
  client.destroy()
  await lambda.close()
  await server.stop()
})

/** Each test has functions of its own. */
let name: string
let tests = 0
beforeEach(() => {
  name = `weft-app${tests++}`
})

const place = () => ({ endpoint: lambda.url, region: lambda.region, credentials: lambda.credentials })

const options = (changes: Partial<DeployOptions> = {}): DeployOptions => ({
  ...place(),
  stores: redis(server.url),
  role: ROLE,
  memory: [1000],
  name,
  ...changes
})

const deployed = (folder: string, changes?: Partial<DeployOptions>) =>
  deploy(join(folder, "flow.ts"), options(changes))

const versionsOf = async (FunctionName: string) => {
  const { Versions = [] } = await client.send(new ListVersionsByFunctionCommand({ FunctionName }))
  return Versions.map(({ Version }) => Version)
}

describe("deploy", () => {
  it("makes a function of each size, which answer from inside", async () => {
    const steps: Array<DeployStep> = []
    const made = await deployed(makeApp(), { memory: [2000, 1000], onStep: (step) => steps.push(step) })
    expect(made).toMatchObject({
      name,
      functions: [1000, 2000].map((memoryMiB) => ({
        name: `${name}-${memoryMiB}`,
        memoryMiB,
        version: "1",
        change: "created",
        checked: { functionVersion: "1", memoryMiB, tasks: ["twice"], problems: [], store: server.url }
      })),
      warnings: []
    })
    expect(made.zippedBytes).toBeLessThan(made.unzippedBytes)
    expect(steps.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["bundle", "upload", "wait", "check"])
    )
  })

  it("sets what workers need beside the function", async () => {
    await deployed(makeApp(), { timeoutSeconds: 60, environment: { COLOUR: "red" } })
    const of = { FunctionName: `${name}-1000` }
    expect(await client.send(new GetFunctionRecursionConfigCommand(of))).toMatchObject({
      RecursiveLoop: "Allow"
    })
    expect(
      await client.send(new GetFunctionEventInvokeConfigCommand({ ...of, Qualifier: "1" }))
    ).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 })
    const is = await client.send(new GetFunctionConfigurationCommand({ ...of, Qualifier: "live" }))
    expect(is).toMatchObject({ Timeout: 60, Runtime: "nodejs24.x", Role: ROLE, MemorySize: 1000 })
    expect(is.Environment?.Variables).toEqual({
      COLOUR: "red",
      WEFT_STORES: JSON.stringify({ module: "@weft/storage-redis", options: server.url })
    })
  })

  it("changes nothing the second time", async () => {
    const folder = makeApp()
    await deployed(folder)
    const before = await client.send(new GetFunctionConfigurationCommand({ FunctionName: `${name}-1000` }))
    const { functions } = await deployed(folder)
    expect(functions).toMatchObject([{ version: "1", change: "unchanged", checked: { problems: [] } }])
    const after = await client.send(new GetFunctionConfigurationCommand({ FunctionName: `${name}-1000` }))
    expect(after.RevisionId).toBe(before.RevisionId)
    expect(await versionsOf(`${name}-1000`)).toEqual(["$LATEST", "1"])
    const unasked = await deployed(folder, { check: "changed" })
    expect(unasked.functions).toMatchObject([{ change: "unchanged", checked: undefined }])
  })

  it("keeps the version that runs have begun with, and in the end only the newest", async () => {
    const folder = makeApp()
    for (let i = 1; i <= 7; i++) {
      writeFileSync(join(folder, "flow.ts"), WORKFLOW.replace("2 * n", `${i} * n`))
      const { functions } = await deployed(folder, { check: "never" })
      expect(functions).toMatchObject([{ version: String(i), change: i === 1 ? "created" : "updated" }])
    }
    expect(await versionsOf(`${name}-1000`)).toEqual(["$LATEST", "3", "4", "5", "6", "7"])
    const alias = await client.send(new GetAliasCommand({ FunctionName: `${name}-1000`, Name: "live" }))
    expect(alias.FunctionVersion).toBe("7")
  })

  it("leaves as it is what it is not told, and makes a new version of what it is", async () => {
    const folder = makeApp()
    await deployed(folder, { timeoutSeconds: 60, environment: { COLOUR: "red" } })
    const { role: _, ...unsaid } = options()
    const again = await deploy(join(folder, "flow.ts"), unsaid)
    expect(again.functions).toMatchObject([{ change: "unchanged" }])
    const changed = await deployed(folder, { timeoutSeconds: 90 })
    expect(changed.functions).toMatchObject([{ change: "updated", version: "2" }])
    const is = await client.send(
      new GetFunctionConfigurationCommand({ FunctionName: `${name}-1000`, Qualifier: "live" })
    )
    expect(is).toMatchObject({ Timeout: 90, Environment: { Variables: { COLOUR: "red" } } })
  })

  it("brings sizes up to date that it is not asked for", async () => {
    const folder = makeApp()
    await deployed(folder, { memory: [1000, 2000] })
    writeFileSync(join(folder, "flow.ts"), WORKFLOW.replace("2 * n", "3 * n"))
    const { functions } = await deployed(folder, { memory: [3000] })
    expect(functions.map(({ change, memoryMiB, version }) => [memoryMiB, change, version])).toEqual([
      [1000, "updated", "2"],
      [2000, "updated", "2"],
      [3000, "created", "1"]
    ])
  })
})

describe("deploy refuses", () => {
  it.each<[string, Partial<DeployOptions>, string, RegExp]>([
    ["a role's bare name", { role: "weft" }, "role", /"weft" is not the ARN of a role.*role\/weft/],
    ["too little memory", { memory: [64] }, "memory", /64 MiB.*between 128 and 10240/],
    ["too much memory", { memory: [20_000] }, "memory", /20000 MiB/],
    ["no memory", { memory: [] }, "memory", /no memory size/],
    [
      "a store that only this process has",
      { stores: Stores.memory() },
      "stores",
      /functions do not get at the store "memory"/
    ],
    ["a time that is too long", { timeoutSeconds: 1000 }, "timeout", /1 to 900 seconds, not 1000/],
    ["half a VPC", { vpc: { subnets: ["subnet-1"], securityGroups: [] } }, "vpc", /--security-group/],
    ["weft's own variables", { environment: { WEFT_STORES: "x" } }, "environment", /WEFT_STORES/],
    ["a name that cannot be", { name: "my functions" }, "name", /"my functions" cannot be/]
  ])("%s", async (_, changes, about, message) => {
    await expect(deployed(makeApp(), changes)).rejects.toMatchObject({
      _tag: "InvalidDeployment",
      about,
      message: expect.stringMatching(message)
    })
  })

  it("to deploy without a role, the first time", async () => {
    const { role: _, ...unsaid } = options()
    await expect(deploy(join(makeApp(), "flow.ts"), unsaid)).rejects.toMatchObject({
      _tag: "InvalidDeployment",
      about: "role",
      message: expect.stringContaining("--policy")
    })
  })

  it("a role that Lambda may not assume", async () => {
    await expect(deployed(makeApp(), { role: "arn:aws:iam::000000000000:role/other" })).rejects.toMatchObject(
      {
        _tag: "LambdaError",
        reason: "role",
        detail: expect.stringContaining("trust the service lambda.amazonaws.com")
      }
    )
  })

  it("a function that somebody else has made", async () => {
    await client.send(
      new CreateFunctionCommand({
        FunctionName: `${name}-1000`,
        Role: ROLE,
        Runtime: "nodejs24.x",
        Handler: "index.handler",
        Code: { ZipFile: Buffer.from("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==", "base64") }
      })
    )
    await expect(deployed(makeApp())).rejects.toMatchObject({ _tag: "InvalidDeployment", about: "name" })
    expect(await undeploy(name, place())).toEqual({ name, removed: [], foreign: [`${name}-1000`] })
  })

  it("the wrong region", async () => {
    await expect(deployed(makeApp(), { region: "eu-central-1" })).rejects.toMatchObject({
      _tag: "LambdaError",
      reason: "credentials"
    })
  })

  it("a Lambda that does not answer", async () => {
    await expect(deployed(makeApp(), { endpoint: "http://127.0.0.1:9" })).rejects.toMatchObject({
      _tag: "LambdaError",
      reason: "unreachable"
    })
  })

  it("a file that is no workflow's", async () => {
    const folder = makeApp({ "flow.ts": "export const x = 1" })
    await expect(deployed(folder)).rejects.toMatchObject({ _tag: "ModuleError" })
  })
})

describe("a function that cannot do its work", () => {
  it("is told, and runs go on to begin with the version before", async () => {
    const folder = makeApp()
    await deployed(folder)
    const failed = deployed(folder, { stores: redis("redis://127.0.0.1:9") })
    await expect(failed).rejects.toMatchObject({
      _tag: "CheckFailed",
      function: `${name}-1000:2`,
      message: expect.stringMatching(/localhost is the function itself/)
    })
    const alias = await client.send(new GetAliasCommand({ FunctionName: `${name}-1000`, Name: "live" }))
    expect(alias.FunctionVersion).toBe("1")
    expect((await deployed(folder)).functions).toMatchObject([
      { change: "updated", checked: { problems: [] } }
    ])
  })

  it("is told, if its code throws where it is imported", async () => {
    const folder = makeApp({
      "flow.ts": `${WORKFLOW}\nif (process.env.AWS_LAMBDA_FUNCTION_NAME) throw new Error("not here")`
    })
    await expect(deployed(folder)).rejects.toMatchObject({
      _tag: "CheckFailed",
      problems: [expect.stringContaining("not here")]
    })
  })
})

describe("undeploy", () => {
  it("removes all sizes, and says so; or only says so", async () => {
    await deployed(makeApp(), { memory: [1000, 2000], check: "never" })
    const removed = [`${name}-1000`, `${name}-2000`]
    expect(await undeploy(name, { ...place(), dryRun: true })).toEqual({ name, removed, foreign: [] })
    expect(await undeploy(name, place())).toEqual({ name, removed, foreign: [] })
    expect(await undeploy(name, place())).toEqual({ name, removed: [], foreign: [] })
  })

  it("leaves deployments alone whose names begin alike", async () => {
    await deployed(makeApp(), { name: `${name}-1000`, check: "never" })
    expect(await undeploy(name, place())).toMatchObject({ removed: [] })
  })
})
