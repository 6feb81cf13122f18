// What is refused, under the names that AWS gives.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  GetFunctionCommand,
  type InvocationType,
  InvokeCommand,
  PutFunctionConcurrencyCommand,
  UpdateFunctionConfigurationCommand
} from "@aws-sdk/client-lambda"
import { describe, expect, it, onTestFinished } from "vitest"
import { startLambda } from "../src/index.ts"
import { clientOf, deployed, ECHO, ROLE, zipOf } from "./deployed.ts"

describe("a function that cannot be", () => {
  const good: CreateFunctionCommandInput = {
    FunctionName: "echo",
    Role: ROLE,
    Runtime: "nodejs24.x",
    Handler: "index.handler",
    Code: { ZipFile: zipOf(ECHO) }
  }
  it.each<[string, Partial<CreateFunctionCommandInput>, RegExp]>([
    ["too little memory", { MemorySize: 127 }, /'MemorySize' .*greater than or equal to 128/],
    ["too much memory", { MemorySize: 10_241 }, /'MemorySize' .*less than or equal to 10240/],
    ["no time", { Timeout: 0 }, /'Timeout' .*greater than or equal to 1/],
    ["too much time", { Timeout: 901 }, /'Timeout' .*less than or equal to 900/],
    ["too little storage", { EphemeralStorage: { Size: 511 } }, /'EphemeralStorage'/],
    ["no role", { Role: undefined as unknown as string }, /'role' .*must not be null/],
    ["what is no role", { Role: "me" }, /Value 'me' at 'role'/],
    [
      "a role that is not there",
      { Role: "arn:aws:iam::000000000000:role/other" },
      /cannot be assumed by Lambda/
    ],
    ["no runtime", { Runtime: undefined }, /Runtime and Handler are mandatory/],
    ["another runtime", { Runtime: "python3.13" }, /python3\.13 .*Node\.js functions only/],
    ["no handler", { Handler: undefined }, /'handler'/],
    ["what is no handler", { Handler: "handler" }, /Value 'handler' at 'handler'/],
    ["what is no name", { FunctionName: "my function" }, /'functionName'/],
    ["no code", { Code: {} }, /ZipFile, or S3Bucket and S3Key/],
    [
      "code that is no zip file",
      { Code: { ZipFile: Buffer.from("export const handler") } },
      /Could not unzip/
    ],
    ["a zip file that is cut off", { Code: { ZipFile: zipOf(ECHO).subarray(0, -30) } }, /Could not unzip/],
    ["code that lies outside", { Code: { ZipFile: zipOf({ "../index.mjs": ECHO }) } }, /outside its folder/],
    ["code from S3, of which nothing is known", { Code: { S3Bucket: "a", S3Key: "b" } }, /s3Endpoint/],
    ["an image", { PackageType: "Image", Code: { ImageUri: "a" } }, /no container images/],
    ["a reserved variable", { Environment: { Variables: { AWS_REGION: "x" } } }, /reserved keys.*AWS_REGION/],
    ["what is no variable", { Environment: { Variables: { "A B": "x" } } }, /'A B' is no name/],
    [
      "too many variables",
      { Environment: { Variables: { A1: "x".repeat(4096) } } },
      /exceeded the 4KB limit/
    ],
    [
      "a layer that is not there",
      { Layers: ["arn:aws:lambda:us-east-1:000000000000:layer:a:1"] },
      /does not exist/
    ]
  ])("has %s", async (_, change, message) => {
    const { client } = await deployed({ roles: [ROLE] })
    await expect(client.send(new CreateFunctionCommand({ ...good, ...change }))).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      message: expect.stringMatching(message),
      $metadata: { httpStatusCode: 400 }
    })
    await expect(client.send(new GetFunctionCommand({ FunctionName: "echo" }))).rejects.toThrow()
  })

  it("is there already", async () => {
    const { client } = await deployed()
    await client.send(new CreateFunctionCommand(good))
    await expect(client.send(new CreateFunctionCommand(good))).rejects.toMatchObject({
      name: "ResourceConflictException",
      message: "Function already exist: echo",
      $metadata: { httpStatusCode: 409 }
    })
  })

  it("is not changed by an update that is refused", async () => {
    const { client } = await deployed()
    await client.send(new CreateFunctionCommand(good))
    await expect(
      client.send(new UpdateFunctionConfigurationCommand({ FunctionName: "echo", Timeout: 5, MemorySize: 1 }))
    ).rejects.toMatchObject({ name: "InvalidParameterValueException" })
    const { Configuration } = await client.send(new GetFunctionCommand({ FunctionName: "echo" }))
    expect(Configuration).toMatchObject({ Timeout: 3, MemorySize: 128 })
  })
})

describe("an invocation is refused", () => {
  it.each([
    ["other", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:other"],
    ["echo:live", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:echo:live"],
    ["echo:1", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:echo:1"],
    [
      "arn:aws:lambda:eu-west-1:000000000000:function:echo",
      "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
    ]
  ])("if there is no %s", async (FunctionName, message) => {
    const { client, create } = await deployed()
    await create("echo", ECHO)
    await expect(client.send(new InvokeCommand({ FunctionName }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message,
      Type: "User",
      $metadata: { httpStatusCode: 404 }
    })
  })

  it.each([
    ["RequestResponse", 6_291_456],
    ["Event", 1_048_576]
  ] as const)("if the payload of a %s has more than %d bytes", async (InvocationType, most) => {
    const { client, create } = await deployed()
    await create("size", "export const handler = async (event) => event.length")
    const invoke = (bytes: number) =>
      client.send(
        new InvokeCommand({
          FunctionName: "size",
          InvocationType,
          Payload: Buffer.from(`"${"x".repeat(bytes - 2)}"`)
        })
      )
    await expect(invoke(most + 1)).rejects.toMatchObject({
      name: "RequestTooLargeException",
      message: `Request must be smaller than ${most} bytes for the InvokeFunction operation`,
      $metadata: { httpStatusCode: 413 }
    })
    await expect(invoke(4 * most)).rejects.toMatchObject({ name: "RequestTooLargeException" })
    const { FunctionError, StatusCode } = await invoke(most)
    expect([StatusCode, FunctionError]).toEqual([InvocationType === "Event" ? 202 : 200, undefined])
  })

  it.each(["RequestResponse", "Event"] as const)(
    "if the payload of a %s is no JSON",
    async (InvocationType) => {
      const { client, create } = await deployed()
      await create("echo", ECHO)
      const command = new InvokeCommand({ FunctionName: "echo", InvocationType, Payload: Buffer.from("{a") })
      await expect(client.send(command)).rejects.toMatchObject({
        name: "InvalidRequestContentException",
        $metadata: { httpStatusCode: 400 }
      })
    }
  )

  it("if two qualifiers disagree", async () => {
    const { client, create } = await deployed()
    await create("echo", ECHO)
    const command = new InvokeCommand({ FunctionName: "echo:1", Qualifier: "$LATEST" })
    await expect(client.send(command)).rejects.toMatchObject({ name: "InvalidParameterValueException" })
  })

  it("if its type is unknown", async () => {
    const { client, create } = await deployed()
    await create("echo", ECHO)
    const command = new InvokeCommand({ FunctionName: "echo", InvocationType: "Later" as InvocationType })
    await expect(client.send(command)).rejects.toMatchObject({ name: "InvalidParameterValueException" })
  })
})

describe("credentials", () => {
  it("have to be there", async () => {
    const { lambda } = await deployed()
    const response = await fetch(`${lambda.url}/2015-03-31/functions/`)
    expect(response.status).toBe(403)
    expect(response.headers.get("x-amzn-errortype")).toBe("MissingAuthenticationTokenException")
    expect(await response.json()).toEqual({ Type: "User", message: "Missing Authentication Token" })
  })

  it("have to be for the region", async () => {
    const { lambda } = await deployed({ region: "eu-central-1" })
    const client = clientOf(lambda, { region: "us-east-1" })
    await expect(client.send(new GetFunctionCommand({ FunctionName: "a" }))).rejects.toMatchObject({
      name: "InvalidSignatureException",
      message: expect.stringContaining(
        "this service is in eu-central-1, the request is signed for us-east-1"
      ),
      $metadata: { httpStatusCode: 403 }
    })
    client.destroy()
  })

  it("have to be those that are asked for", async () => {
    const { client, create, lambda } = await deployed({ accessKeyId: "AKIAEXAMPLE" })
    expect(lambda.credentials.accessKeyId).toBe("AKIAEXAMPLE")
    await create("echo", ECHO)
    const other = clientOf(lambda, { credentials: { accessKeyId: "test", secretAccessKey: "test" } })
    const command = new InvokeCommand({ FunctionName: "echo" })
    await expect(other.send(command)).rejects.toMatchObject({
      name: "UnrecognizedClientException",
      $metadata: { httpStatusCode: 403 }
    })
    await expect(client.send(command)).resolves.toMatchObject({ StatusCode: 200 })
    other.destroy()
  })
})

describe("the service is not started", () => {
  it.each([
    [{ port: 70_000 }, "port must be a port from 0 to 65535, not 70000"],
    [{ region: "mars" }, 'region must be a region such as us-east-1, not "mars"'],
    [{ account: "12" }, 'account must be twelve digits, not "12"'],
    [{ concurrency: 0 }, "concurrency must be a whole number of at least 1, not 0"],
    [{ cpuShare: 0 }, "cpuShare must be a number above 0 and up to 1, not 0"],
    [{ cpuShare: 1.5 }, "cpuShare must be a number above 0 and up to 1, not 1.5"],
    [{ idleMs: -1 }, "idleMs must be a number of at least 0, not -1"],
    [{ seed: 0.5 }, "seed must be a whole number, not 0.5"],
    [{ faults: { kill: 2 } }, "faults.kill must be a probability from 0 to 1, not 2"],
    [{ coldStart: { ms: Number.NaN } }, "coldStart.ms must be a number of at least 0, not null"]
  ])("with %j", async (options, message) => {
    await expect(startLambda(options)).rejects.toMatchObject({ name: "InvalidOption", message })
  })

  it("on a port that is in use", async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    await expect(startLambda({ port })).rejects.toMatchObject({
      name: "ListenError",
      message: `127.0.0.1:${port} is in use: choose another port, or 0 for any free one`
    })
  })
})

it("what the API does not have is said", async () => {
  const { lambda } = await deployed()
  const authorization =
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"
  const response = await fetch(`${lambda.url}/2015-03-31/event-source-mappings`, {
    headers: { authorization }
  })
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({
    message: "This local service does not know GET /2015-03-31/event-source-mappings"
  })
})

it("concurrency cannot be reserved that others need", async () => {
  const { client, create } = await deployed({ concurrency: 1000 })
  await create("echo", ECHO)
  const reserve = (ReservedConcurrentExecutions: number) =>
    client.send(new PutFunctionConcurrencyCommand({ FunctionName: "echo", ReservedConcurrentExecutions }))
  await reserve(900)
  await expect(reserve(901)).rejects.toMatchObject({
    name: "InvalidParameterValueException",
    message: expect.stringContaining("below its minimum value of [100]")
  })
})
