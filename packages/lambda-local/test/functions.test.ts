// Functions are made, changed, listed and removed as on AWS.
import { createHash } from "node:crypto"
import {
  DeleteFunctionCommand,
  GetAccountSettingsCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  ListFunctionsCommand,
  ListTagsCommand,
  paginateListFunctions,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2
} from "@aws-sdk/client-lambda"
import { unzipSync } from "fflate"
import { describe, expect, it } from "vitest"
import { deployed, ECHO, ROLE, zipOf } from "./deployed.ts"

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("base64")

describe("a function that is created", () => {
  it("is active, with the defaults of AWS", async () => {
    const { client, create } = await deployed({ region: "eu-central-1", account: "123456789012" })
    const zip = zipOf(ECHO)
    await expect(create("echo", ECHO, { MemorySize: undefined, Timeout: undefined })).resolves.toMatchObject({
      $metadata: { httpStatusCode: 201 },
      FunctionName: "echo",
      FunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:echo",
      Runtime: "nodejs24.x",
      Role: ROLE,
      Handler: "index.handler",
      CodeSize: zip.byteLength,
      CodeSha256: sha256(zip),
      Timeout: 3,
      MemorySize: 128,
      Version: "$LATEST",
      State: "Active",
      LastUpdateStatus: "Successful",
      PackageType: "Zip",
      Architectures: ["x86_64"]
    })
    const waited = await waitUntilFunctionActiveV2({ client, maxWaitTime: 10 }, { FunctionName: "echo" })
    expect(waited.state).toBe("SUCCESS")
  })

  it("has what it was given", async () => {
    const { client, create } = await deployed()
    await create("echo", ECHO, {
      MemorySize: 1769,
      Timeout: 900,
      Description: "says it again",
      Environment: { Variables: { GREETING: "hello" } },
      Architectures: ["arm64"],
      EphemeralStorage: { Size: 1024 },
      Tags: { team: "a" }
    })
    const { Concurrency, Configuration, Tags } = await client.send(
      new GetFunctionCommand({ FunctionName: "echo" })
    )
    expect(Configuration).toMatchObject({
      MemorySize: 1769,
      Timeout: 900,
      Description: "says it again",
      Environment: { Variables: { GREETING: "hello" } },
      Architectures: ["arm64"],
      EphemeralStorage: { Size: 1024 }
    })
    expect(Tags).toEqual({ team: "a" })
    expect(Concurrency).toBeUndefined()
  })

  it("can be made as a version at once", async () => {
    const { create } = await deployed()
    await expect(create("echo", ECHO, { Publish: true })).resolves.toMatchObject({
      Version: "1",
      FunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:echo:1"
    })
  })

  it("gives its code back", async () => {
    const { client, create } = await deployed()
    await create("echo", ECHO)
    const { Code, Configuration } = await client.send(new GetFunctionCommand({ FunctionName: "echo" }))
    const zip = new Uint8Array(await (await fetch(Code!.Location!)).arrayBuffer())
    expect(sha256(zip)).toBe(Configuration!.CodeSha256)
    expect(Buffer.from(unzipSync(zip)["index.mjs"]!).toString()).toBe(ECHO)
  })

  it.each([
    ["its name", "echo"],
    ["its name and a qualifier", "echo:$LATEST"],
    ["a part of its ARN", "000000000000:function:echo"],
    ["its ARN", "arn:aws:lambda:us-east-1:000000000000:function:echo"],
    ["its ARN and a qualifier", "arn:aws:lambda:us-east-1:000000000000:function:echo:$LATEST"]
  ])("is found by %s", async (_, FunctionName) => {
    const { client, create } = await deployed()
    await create("echo", ECHO)
    const configuration = await client.send(new GetFunctionConfigurationCommand({ FunctionName }))
    expect(configuration.FunctionName).toBe("echo")
  })

  it("has tags that can be changed", async () => {
    const { client, create } = await deployed()
    const { FunctionArn: Resource } = await create("echo", ECHO, { Tags: { a: "1", b: "2" } })
    await client.send(new TagResourceCommand({ Resource, Tags: { c: "3" } }))
    await client.send(new UntagResourceCommand({ Resource, TagKeys: ["a", "b"] }))
    expect((await client.send(new ListTagsCommand({ Resource }))).Tags).toEqual({ c: "3" })
  })
})

describe("an update", () => {
  it("of the configuration changes what it names only, and the function is invoked with it", async () => {
    const source =
      "export const handler = async () => [process.env.WHO, process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE]"
    const { client, create, invoke } = await deployed()
    await create("who", source, { MemorySize: 256, Environment: { Variables: { WHO: "before" } } })
    expect((await invoke("who")).result).toEqual(["before", "256"])
    const updated = await client.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: "who",
        Environment: { Variables: { WHO: "after" } }
      })
    )
    expect(updated).toMatchObject({ MemorySize: 256, Timeout: 30, LastUpdateStatus: "Successful" })
    await waitUntilFunctionUpdatedV2({ client, maxWaitTime: 10 }, { FunctionName: "who" })
    expect((await invoke("who")).result).toEqual(["after", "256"])
  })

  it("of the code is invoked from then on, also by who comes at once", async () => {
    const { client, create, invoke } = await deployed()
    await create("one", "export const handler = async () => 1")
    expect((await invoke("one")).result).toBe(1)
    const ZipFile = zipOf("export const handler = async () => 2")
    const dry = await client.send(
      new UpdateFunctionCodeCommand({ FunctionName: "one", ZipFile, DryRun: true })
    )
    expect(dry.CodeSha256).toBe(sha256(ZipFile))
    expect((await invoke("one")).result).toBe(1)
    const updated = await client.send(new UpdateFunctionCodeCommand({ FunctionName: "one", ZipFile }))
    expect(updated).toMatchObject({ CodeSha256: sha256(ZipFile), Version: "$LATEST" })
    expect((await invoke("one")).result).toBe(2)
  })

  it("with Publish makes a version", async () => {
    const { client, create } = await deployed()
    await create("one", ECHO)
    const ZipFile = zipOf("export const handler = async () => 2")
    const command = new UpdateFunctionCodeCommand({ FunctionName: "one", ZipFile, Publish: true })
    expect((await client.send(command)).Version).toBe("1")
  })

  it("from an older revision is refused", async () => {
    const { client, create } = await deployed()
    const { RevisionId } = await create("one", ECHO)
    const update = () =>
      client.send(new UpdateFunctionConfigurationCommand({ FunctionName: "one", Timeout: 5, RevisionId }))
    await update()
    await expect(update()).rejects.toMatchObject({ name: "PreconditionFailedException" })
  })
})

describe("the list of functions", () => {
  it("comes in pages, by name", async () => {
    const { client, create } = await deployed()
    for (const name of ["c", "a", "d", "b", "e"]) await create(name, ECHO)
    const names: Array<string> = []
    const sizes: Array<number> = []
    for await (const { Functions = [] } of paginateListFunctions({ client, pageSize: 2 }, {})) {
      names.push(...Functions.map(({ FunctionName }) => FunctionName!))
      sizes.push(Functions.length)
    }
    expect(names).toEqual(["a", "b", "c", "d", "e"])
    expect(sizes).toEqual([2, 2, 1])
  })

  it("can have all versions", async () => {
    const { client, create } = await deployed()
    await create("a", ECHO, { Publish: true })
    const { Functions } = await client.send(new ListFunctionsCommand({ FunctionVersion: "ALL" }))
    expect(Functions!.map(({ FunctionArn }) => FunctionArn!.split(":").slice(6).join(":"))).toEqual([
      "a:$LATEST",
      "a:1"
    ])
  })

  it("is empty at first, and functions leave it", async () => {
    const { client, create } = await deployed()
    const functions = async () => (await client.send(new ListFunctionsCommand({}))).Functions
    expect(await functions()).toEqual([])
    await create("a", ECHO)
    expect(await functions()).toHaveLength(1)
    const removed = await client.send(new DeleteFunctionCommand({ FunctionName: "a" }))
    expect(removed.$metadata.httpStatusCode).toBe(204)
    expect(await functions()).toEqual([])
    await expect(create("a", ECHO)).resolves.toMatchObject({ FunctionName: "a" })
  })
})

it("tells the account's limits", async () => {
  const { client, create } = await deployed({ concurrency: 20 })
  await create("a", ECHO)
  const { AccountLimit, AccountUsage } = await client.send(new GetAccountSettingsCommand({}))
  expect(AccountLimit).toMatchObject({ ConcurrentExecutions: 20, UnreservedConcurrentExecutions: 20 })
  expect(AccountUsage).toEqual({ FunctionCount: 1, TotalCodeSize: zipOf(ECHO).byteLength })
})
