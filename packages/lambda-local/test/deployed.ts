// A service of a test's own, with small functions made of their source.
import { Buffer } from "node:buffer"
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  type CreateFunctionCommandOutput,
  InvokeCommand,
  type InvokeCommandInput,
  LambdaClient,
  type LambdaClientConfig
} from "@aws-sdk/client-lambda"
import { zipSync } from "fflate"
import { onTestFinished } from "vitest"
import { type InvocationRecord, type LambdaLocal, type LambdaOptions, startLambda } from "../src/index.ts"

export const ROLE = "arn:aws:iam::000000000000:role/lambda"

/** Answers its event. */
export const ECHO = "export const handler = async (event) => event"

/** A zip file with one module, or with the files given. */
export const zipOf = (files: string | Readonly<Record<string, string>>): Uint8Array =>
  zipSync(
    Object.fromEntries(
      Object.entries(typeof files === "string" ? { "index.mjs": files } : files).map(([name, text]) => [
        name,
        Buffer.from(text)
      ])
    )
  )

/** A service and a client of it. */
export interface Deployed {
  readonly lambda: LambdaLocal
  readonly client: LambdaClient
  /** Makes a function of a module's source, with time and CPU enough for a machine that has much else to do. */
  readonly create: (
    name: string,
    source: string,
    more?: Partial<CreateFunctionCommandInput>
  ) => Promise<CreateFunctionCommandOutput>
  /** Invokes, and reads the answer's JSON. */
  readonly invoke: (
    name: string,
    event?: unknown,
    more?: Partial<InvokeCommandInput>
  ) => Promise<{
    readonly result: unknown
    readonly error: string | undefined
    readonly version: string | undefined
    readonly log: string
  }>
  /** Leaves an event. Answers its request's id. */
  readonly send: (name: string, event?: unknown) => Promise<string>
  /** Waits until there are so many records of invocations. */
  readonly records: (count: number) => Promise<ReadonlyArray<InvocationRecord>>
}

/** Starts a service that ends with the test. The client does not try again unless told to. */
export const deployed = async (
  options: LambdaOptions = {},
  config: Partial<LambdaClientConfig> = {}
): Promise<Deployed> => {
  const invocations: Array<InvocationRecord> = []
  const waiting = new Set<() => void>()
  const lambda = await startLambda({
    ...options,
    onInvocation: (record) => {
      options.onInvocation?.(record)
      invocations.push(record)
      for (const check of waiting) check()
    }
  })
  const client = clientOf(lambda, config)
  onTestFinished(async () => {
    client.destroy()
    await lambda.close()
  })
  return {
    lambda,
    client,
    create: (name, source, more) =>
      client.send(
        new CreateFunctionCommand({
          FunctionName: name,
          Role: ROLE,
          Runtime: "nodejs24.x",
          Handler: "index.handler",
          Code: { ZipFile: zipOf(source) },
          MemorySize: 1024,
          Timeout: 30,
          ...more
        })
      ),
    invoke: async (name, event, more) => {
      const { ExecutedVersion, FunctionError, LogResult, Payload } = await client.send(
        new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event), ...more })
      )
      const text = Buffer.from(Payload!).toString()
      return {
        result: text === "" ? undefined : JSON.parse(text),
        error: FunctionError,
        version: ExecutedVersion,
        log: Buffer.from(LogResult ?? "", "base64").toString()
      }
    },
    send: async (name, event) => {
      const { $metadata } = await client.send(
        new InvokeCommand({ FunctionName: name, InvocationType: "Event", Payload: JSON.stringify(event) })
      )
      return $metadata.requestId!
    },
    records: (count) =>
      new Promise((resolve) => {
        const check = () => {
          if (invocations.length < count) return
          waiting.delete(check)
          resolve(invocations)
        }
        waiting.add(check)
        check()
      })
  }
}

/** A client of a service. */
export const clientOf = (
  { credentials, region, url }: LambdaLocal,
  config: Partial<LambdaClientConfig> = {}
): LambdaClient => new LambdaClient({ endpoint: url, region, credentials, maxAttempts: 1, ...config })
