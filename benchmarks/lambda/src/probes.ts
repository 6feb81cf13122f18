/** Functions beside those of the deployment: an empty one, and the deployment's code with something that looks at it. */
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  PublishVersionCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand
} from "@aws-sdk/client-lambda"
import { Naming } from "@weft/engine-lambda"
import type { InvocationRecord, LambdaLocal } from "@weft/lambda-local"
import { strToU8, type Unzipped, unzipSync, zipSync } from "fflate"
import { type Deployed, FUNCTION, ROLE } from "./cloud.ts"

/** A function's code and its variables. */
export interface Code {
  readonly files: Unzipped
  readonly variables: Readonly<Record<string, string>>
}

/** Says nothing, needs nothing. */
export const empty: Code = {
  files: { "index.mjs": strToU8("export const handler = async () => {}\n") },
  variables: {}
}

/** Tells how long the handler's module took to import, in ms, with all that it imports and does at once. */
const IMPORT_PROBE = `
performance.mark("import")
await import("./index.mjs")
const { duration } = performance.measure("imported", "import")
export const handler = async () => duration
`

/** Writes down which modules were loaded before the first invocation, and which later. */
const LOAD_PROBE = `
import { randomUUID } from "node:crypto"
import { writeFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { join } from "node:path"
const urls = []
registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) })
const { handler: real } = await import("./index.mjs")
const atStart = urls.splice(0)
export const handler = async (event, context) => {
  try {
    return await real(event, context)
  } finally {
    const file = join(process.env.WEFT_TIMED, randomUUID() + ".loaded")
    writeFileSync(file, JSON.stringify({ atStart, later: urls.splice(0) }))
  }
}
`

/** What the deployment's function loaded. */
export interface Loaded {
  readonly atStart: ReadonlyArray<string>
  readonly later: ReadonlyArray<string>
}

/** The same code, with both probes: the handlers are `import.handler` and `load.handler`. */
export const withProbes = ({ files, variables }: Code): Code => ({
  files: { ...files, "import.mjs": strToU8(IMPORT_PROBE), "load.mjs": strToU8(LOAD_PROBE) },
  variables
})

export const clientOf = ({ credentials, region, url }: LambdaLocal): LambdaClient =>
  new LambdaClient({ endpoint: url, region, credentials, maxAttempts: 1 })

/** The code that was deployed. */
export const deployedCode = async ({ lambda }: Deployed): Promise<Code> => {
  const client = clientOf(lambda)
  try {
    const { Code, Configuration } = await client.send(
      new GetFunctionCommand({ FunctionName: FUNCTION, Qualifier: Naming.ALIAS })
    )
    const response = await fetch(Code?.Location ?? "")
    return {
      files: unzipSync(await response.bytes()),
      variables: Configuration?.Environment?.Variables ?? {}
    }
  } finally {
    client.destroy()
  }
}

/** Has the deployment's function load its code under the probe, from the next run on. */
export const probeLoads = async ({ lambda }: Deployed, { files, variables }: Code): Promise<void> => {
  const client = clientOf(lambda)
  const name = { FunctionName: FUNCTION }
  try {
    await client.send(
      new UpdateFunctionConfigurationCommand({
        ...name,
        Handler: "load.handler",
        Environment: { Variables: { ...variables } }
      })
    )
    await client.send(new UpdateFunctionCodeCommand({ ...name, ZipFile: zipSync(files) }))
    const { Version } = await client.send(new PublishVersionCommand(name))
    await client.send(new UpdateAliasCommand({ ...name, Name: Naming.ALIAS, FunctionVersion: Version }))
  } finally {
    client.destroy()
  }
}

/** A function that is invoked by hand, and removed with its environment in the end. */
export interface Probe extends AsyncDisposable {
  /** Invokes it and waits: what it answered, and the service's account of it. */
  readonly invoke: (
    event?: object
  ) => Promise<{ readonly answer: unknown; readonly record: InvocationRecord }>
}

/** @param memory in MB */
export const makeProbe = async (
  lambda: LambdaLocal,
  client: LambdaClient,
  { files, variables }: Code,
  { handler, memory, name }: { readonly handler: string; readonly memory: number; readonly name: string }
): Promise<Probe> => {
  await client.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: "nodejs24.x",
      Role: ROLE,
      Handler: handler,
      Code: { ZipFile: zipSync(files) },
      MemorySize: memory,
      Timeout: 60,
      Environment: { Variables: { ...variables } }
    })
  )
  return {
    invoke: async (event = {}) => {
      const { FunctionError, Payload } = await client.send(
        new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event) })
      )
      const answer: unknown = JSON.parse(Payload?.transformToString() ?? "null")
      if (FunctionError !== undefined) throw new Error(`${name}: ${JSON.stringify(answer)}`)
      const record = lambda.report().invocations.findLast(({ functionName }) => functionName === name)
      return { answer, record: record! }
    },
    [Symbol.asyncDispose]: async () => {
      await client.send(new DeleteFunctionCommand({ FunctionName: name }))
    }
  }
}
