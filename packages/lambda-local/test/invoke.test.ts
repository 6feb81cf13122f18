// A synchronous invocation answers what the function answers, and tells how it went.
import { randomBytes } from "node:crypto"
import { InvokeCommand, PublishLayerVersionCommand } from "@aws-sdk/client-lambda"
import { describe, expect, it } from "vitest"
import { deployed, ECHO, zipOf } from "./deployed.ts"

describe("a function's answer", () => {
  it("comes with the version that was executed", async () => {
    const { create, invoke } = await deployed()
    await create("echo", ECHO)
    expect(await invoke("echo", { a: [1, "ü", null] })).toMatchObject({
      result: { a: [1, "ü", null] },
      error: undefined,
      version: "$LATEST"
    })
  })

  it("is nothing if it returns nothing, and its event is empty if there is none", async () => {
    const { client, create, invoke } = await deployed()
    await create("event", "export const handler = async (event) => JSON.stringify(event)")
    await create("nothing", "export const handler = async () => {}")
    const { Payload, StatusCode } = await client.send(new InvokeCommand({ FunctionName: "event" }))
    expect([StatusCode, Buffer.from(Payload!).toString()]).toEqual([200, '"{}"'])
    expect((await invoke("nothing")).result).toBeNull()
  })

  it("may have 6 MB, as its event", async () => {
    const { client, create } = await deployed()
    await create("echo", ECHO)
    const Payload = Buffer.from(JSON.stringify(randomBytes(4_718_589).toString("base64")))
    expect(Payload.byteLength).toBeGreaterThan(6_291_450)
    const answer = await client.send(new InvokeCommand({ FunctionName: "echo", Payload }))
    expect(Buffer.compare(answer.Payload!, Payload)).toBe(0)
  })

  it("knows how it was invoked", async () => {
    const { client, create, lambda } = await deployed({ variables: { FOR_ALL: "yes", OWN: "no" } })
    const source = `export const handler = async (event, context) => ({
      arn: context.invokedFunctionArn,
      client: context.clientContext,
      id: context.awsRequestId,
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => /^AWS_(REGION|ENDPOINT)|^(FOR_ALL|OWN)$/.test(name)))
    })`
    await create("context", source, { Publish: true, Environment: { Variables: { OWN: "yes" } } })
    const { $metadata, Payload } = await client.send(
      new InvokeCommand({
        FunctionName: "context",
        Qualifier: "1",
        ClientContext: Buffer.from('{"custom":{"a":1}}').toString("base64")
      })
    )
    expect(JSON.parse(Buffer.from(Payload!).toString())).toEqual({
      arn: "arn:aws:lambda:us-east-1:000000000000:function:context:1",
      client: { custom: { a: 1 } },
      id: $metadata.requestId,
      env: { AWS_REGION: "us-east-1", AWS_ENDPOINT_URL_LAMBDA: lambda.url, FOR_ALL: "yes", OWN: "yes" }
    })
  })
})

describe("a function that fails", () => {
  it("answers its error with status 200", async () => {
    const { client, create } = await deployed()
    await create("fail", "export const handler = async () => { throw new TypeError('no') }")
    const answer = await client.send(new InvokeCommand({ FunctionName: "fail" }))
    expect([answer.StatusCode, answer.FunctionError]).toEqual([200, "Unhandled"])
    expect(JSON.parse(Buffer.from(answer.Payload!).toString())).toMatchObject({
      errorType: "TypeError",
      errorMessage: "no"
    })
  })

  it("takes too long", async () => {
    const { create, invoke, lambda } = await deployed()
    await create("late", "export const handler = () => new Promise(() => setInterval(() => {}, 1000))", {
      Timeout: 1
    })
    const { error, log, result } = await invoke("late", {}, { LogType: "Tail" })
    expect(error).toBe("Unhandled")
    expect(result).toMatchObject({
      errorType: "Sandbox.Timedout",
      errorMessage: expect.stringMatching(/timed out after 1\.00 seconds/)
    })
    expect(log).toMatch(/Task timed out after 1\.00 seconds\n(.*\n)*REPORT .*\tStatus: timeout\t/)
    const [record] = lambda.report().invocations
    expect(record!.error).toMatchObject({ type: "Sandbox.Timedout", unhandled: true })
    // Timers may be a millisecond early.
    expect(record!.durationMs).toBeGreaterThanOrEqual(999)
    // The next one gets another environment.
    await invoke("late")
    expect(lambda.report().invocations[1]).toMatchObject({ start: "cold" })
  })

  it("ends its process", async () => {
    const { create, invoke } = await deployed()
    await create("exit", "export const handler = () => process.exit(3)")
    expect(await invoke("exit", {}, { LogType: "Tail" })).toMatchObject({
      error: "Unhandled",
      result: { errorType: "Runtime.ExitError", errorMessage: expect.stringMatching(/exit status 3/) },
      log: expect.stringMatching(/\tStatus: error\tError Type: Runtime\.ExitError\t/)
    })
  })

  it("cannot be loaded", async () => {
    const { create, invoke, lambda } = await deployed()
    await create("broken", "throw new Error('not today')")
    await create("elsewhere", ECHO, { Handler: "other.handler" })
    expect(await invoke("broken")).toMatchObject({
      error: "Unhandled",
      result: { errorMessage: "not today" }
    })
    expect(await invoke("elsewhere")).toMatchObject({
      error: "Unhandled",
      result: { errorType: "Runtime.ImportModuleError" }
    })
    expect(lambda.report().totals).toMatchObject({ invocations: 2, errors: 2 })
  })
})

describe("the log's tail", () => {
  it("has what the function printed between Lambda's lines", async () => {
    const { create, invoke } = await deployed()
    await create("talk", "export const handler = async () => { console.log('said') }", { MemorySize: 256 })
    const { log } = await invoke("talk", {}, { LogType: "Tail" })
    const [id] = /(?<=RequestId: )\S+/.exec(log)!
    const lines = [
      `START RequestId: ${id} Version: \\$LATEST`,
      `\\S+\t${id}\tINFO\tsaid`,
      `END RequestId: ${id}`,
      `REPORT RequestId: ${id}\tDuration: [\\d.]+ ms\tBilled Duration: \\d+ ms\tMemory Size: 256 MB\t` +
        "Max Memory Used: \\d+ MB\tInit Duration: [\\d.]+ ms\t"
    ]
    expect(log).toMatch(new RegExp(`^${lines.join("\n")}\t?\n$`))
  })

  it("has 4 KB, and comes only if it is wanted", async () => {
    const { create, invoke } = await deployed()
    await create(
      "talk",
      "export const handler = async () => { for (let i = 0; i < 1000; i++) console.log(i) }"
    )
    const { log } = await invoke("talk", {}, { LogType: "Tail" })
    expect(log).toHaveLength(4096)
    expect(log).toContain("INFO\t999\n")
    expect((await invoke("talk")).log).toBe("")
  })
})

it("a dry run only looks", async () => {
  const { client, create, lambda } = await deployed()
  await create("echo", ECHO)
  const dry = (FunctionName: string) =>
    client.send(new InvokeCommand({ FunctionName, InvocationType: "DryRun" }))
  expect((await dry("echo")).StatusCode).toBe(204)
  await expect(dry("other")).rejects.toMatchObject({ name: "ResourceNotFoundException" })
  expect(lambda.report().totals.invocations).toBe(0)
})

it("layers lie over each other", async () => {
  const { client, create, invoke } = await deployed()
  const publish = async (LayerName: string, files: Readonly<Record<string, string>>) =>
    (await client.send(new PublishLayerVersionCommand({ LayerName, Content: { ZipFile: zipOf(files) } })))
      .LayerVersionArn!
  const module = (name: string) => `nodejs/node_modules/${name}/index.js`
  const Layers = [
    await publish("one", { [module("a")]: "module.exports = 'a1'", [module("b")]: "module.exports = 'b1'" }),
    await publish("two", { [module("b")]: "module.exports = 'b2'" })
  ]
  expect(Layers[1]).toBe("arn:aws:lambda:us-east-1:000000000000:layer:two:1")
  const source = "exports.handler = async () => [require('a'), require('b')]"
  await create("both", "", { Layers, Code: { ZipFile: zipOf({ "index.js": source }) } })
  expect((await invoke("both")).result).toEqual(["a1", "b2"])
})

it("files keep their modes, and links stay links", async () => {
  const { create, invoke } = await deployed()
  const { zipSync } = await import("fflate")
  const unix = (mode: number) => ({ os: 3, attrs: (mode << 16) >>> 0 })
  const source = `import { execFileSync } from "node:child_process"
    import { readlinkSync } from "node:fs"
    export const handler = async () => [execFileSync("./run.sh").toString(), readlinkSync("link")]`
  const ZipFile = zipSync({
    "index.mjs": Buffer.from(source),
    "run.sh": [Buffer.from("#!/bin/sh\nprintf ran"), unix(0o100755)],
    link: [Buffer.from("run.sh"), unix(0o120777)]
  })
  await create("modes", "", { Code: { ZipFile } })
  expect((await invoke("modes")).result).toEqual(["ran", "run.sh"])
})
