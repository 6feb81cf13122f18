// Concurrency, what becomes of events, and layers, by the API.
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  CreateAliasCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteFunctionEventInvokeConfigCommand,
  DeleteLayerVersionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionEventInvokeConfigCommand,
  GetLayerVersionByArnCommand,
  GetLayerVersionCommand,
  InvokeCommand,
  ListLayersCommand,
  ListLayerVersionsCommand,
  PublishLayerVersionCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  UpdateFunctionEventInvokeConfigCommand
} from "@aws-sdk/client-lambda"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { deployed, ECHO, zipOf } from "./deployed.ts"

const FunctionName = "f"

describe("reserved concurrency", () => {
  it("is set, read and taken away", async () => {
    const { client, create } = await deployed()
    await create(FunctionName, ECHO)
    const reserved = async () =>
      (await client.send(new GetFunctionConcurrencyCommand({ FunctionName }))).ReservedConcurrentExecutions
    expect(await reserved()).toBeUndefined()
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 3 }))
    expect(await reserved()).toBe(3)
    await client.send(new DeleteFunctionConcurrencyCommand({ FunctionName }))
    expect(await reserved()).toBeUndefined()
  })

  it("of 0 refuses every invocation, which the SDK tries again", async () => {
    const { create, client, invoke, lambda } = await deployed({}, { maxAttempts: 3 })
    await create(FunctionName, ECHO)
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }))
    await expect(invoke(FunctionName)).rejects.toMatchObject({
      name: "TooManyRequestsException",
      Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
      message: "Rate Exceeded.",
      $metadata: { httpStatusCode: 429, attempts: 3 }
    })
    expect(lambda.report().totals).toMatchObject({ throttles: 3, invocations: 0 })
  })
})

it("many at once are served by as many environments as there may be, and the others refused", async () => {
  const { client, create, lambda } = await deployed({ concurrency: 4 })
  const folder = await mkdtemp(join(tmpdir(), "lambda-local-test-"))
  onTestFinished(() => rm(folder, { recursive: true }))
  const gate = join(folder, "open")
  const source = `import { existsSync } from "node:fs"
    export const handler = async ({ gate }) => {
      while (!existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 20))
    }`
  await create("held", source, { Timeout: 60 })
  const command = new InvokeCommand({ FunctionName: "held", Payload: JSON.stringify({ gate }) })
  const refused: Array<unknown> = []
  const answers = Array.from({ length: 10 }, () =>
    client.send(command).catch((error: unknown) => {
      refused.push(error)
    })
  )
  await vi.waitFor(() => expect(refused).toHaveLength(6), 15_000)
  await writeFile(gate, "")
  const served = (await Promise.all(answers)).filter((answer) => answer !== undefined)
  expect(served.map(({ FunctionError }) => FunctionError)).toEqual(Array(4).fill(undefined))
  for (const error of refused) expect(error).toMatchObject({ Reason: "ConcurrentInvocationLimitExceeded" })
  expect(lambda.report().totals).toMatchObject({ environments: 4, mostEnvironments: 4, throttles: 6 })
})

describe("what becomes of events", () => {
  const OnFailure = { Destination: "arn:aws:sqs:us-east-1:000000000000:failures" }

  it("is set, changed, read and taken away", async () => {
    const { client, create } = await deployed()
    await create(FunctionName, ECHO)
    const get = () => client.send(new GetFunctionEventInvokeConfigCommand({ FunctionName }))
    await expect(get()).rejects.toMatchObject({ name: "ResourceNotFoundException" })
    await client.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName,
        MaximumRetryAttempts: 0,
        DestinationConfig: { OnFailure }
      })
    )
    await client.send(
      new UpdateFunctionEventInvokeConfigCommand({ FunctionName, MaximumEventAgeInSeconds: 60 })
    )
    const config = await get()
    expect(config).toMatchObject({
      FunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
      DestinationConfig: { OnFailure }
    })
    expect(Math.abs(config.LastModified!.getTime() - Date.now())).toBeLessThan(60_000)
    // Puts what it names, and nothing else.
    await client.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 1 }))
    expect((await get()).MaximumEventAgeInSeconds).toBeUndefined()
    await client.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName }))
    await expect(get()).rejects.toMatchObject({ name: "ResourceNotFoundException" })
  })

  it.each([
    [{ MaximumRetryAttempts: 3 }, /0, 1 or 2/],
    [{ MaximumEventAgeInSeconds: 59 }, /from 60 to 21600/],
    [{ DestinationConfig: { OnFailure: { Destination: "me" } } }, /destination is invalid/],
    [
      {
        DestinationConfig: { OnFailure: { Destination: "arn:aws:lambda:us-east-1:000000000000:function:no" } }
      },
      /does not exist/
    ]
  ])("cannot be %j", async (config, message) => {
    const { client, create } = await deployed()
    await create(FunctionName, ECHO)
    await expect(
      client.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, ...config }))
    ).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      message: expect.stringMatching(message)
    })
  })

  it("holds for the alias that was invoked", async () => {
    const { client, create, lambda, records, send } = await deployed({ retryDelaysMs: [1, 1] })
    await create(FunctionName, "export const handler = async () => { throw new Error('no') }", {
      Publish: true
    })
    await client.send(new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: "1" }))
    await client.send(
      new PutFunctionEventInvokeConfigCommand({ FunctionName, Qualifier: "live", MaximumRetryAttempts: 0 })
    )
    await send("f:live")
    await records(1)
    await send("f:1")
    const attempts = (await records(4)).map(({ attempt, version }) => [version, attempt])
    expect(attempts).toEqual([
      ["1", 1],
      ["1", 1],
      ["1", 2],
      ["1", 3]
    ])
    expect(lambda.report().totals.invocations).toBe(4)
  })
})

it("layers are published, found, listed and removed", async () => {
  const { client } = await deployed()
  const publish = (LayerName: string, text: string) =>
    client.send(
      new PublishLayerVersionCommand({
        LayerName,
        Content: { ZipFile: zipOf({ "nodejs/a.txt": text }) },
        CompatibleRuntimes: ["nodejs24.x"]
      })
    )
  const first = await publish("one", "a")
  expect(first).toMatchObject({ Version: 1, LayerArn: "arn:aws:lambda:us-east-1:000000000000:layer:one" })
  expect((await fetch(first.Content!.Location!)).status).toBe(200)
  await publish("one", "b")
  await publish("two", "c")
  const { Layers } = await client.send(new ListLayersCommand({}))
  expect(
    Layers!.map(({ LatestMatchingVersion, LayerName }) => [LayerName, LatestMatchingVersion!.Version])
  ).toEqual([
    ["two", 1],
    ["one", 2]
  ])
  const { LayerVersions } = await client.send(new ListLayerVersionsCommand({ LayerName: "one" }))
  expect(LayerVersions!.map(({ Version }) => Version)).toEqual([2, 1])
  const byArn = await client.send(new GetLayerVersionByArnCommand({ Arn: first.LayerVersionArn }))
  expect(byArn.Content!.CodeSha256).toBe(first.Content!.CodeSha256)
  await client.send(new DeleteLayerVersionCommand({ LayerName: "one", VersionNumber: 1 }))
  await expect(
    client.send(new GetLayerVersionCommand({ LayerName: "one", VersionNumber: 1 }))
  ).rejects.toMatchObject({ name: "ResourceNotFoundException" })
})
