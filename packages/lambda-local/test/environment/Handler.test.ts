/** What a handler sees and what comes of it: the same under our runtime loop and under AWS's own client. */
import * as Effect from "effect/Effect"
import { beforeAll, describe, expect, it } from "vitest"
import type { EnvironmentSettings } from "../../src/environment/Environment.ts"
import { installRic, missingRicTools } from "../../src/environment/Ric.ts"
import { type Files, open } from "./support.ts"

const missing =
  process.platform === "linux" ? await missingRicTools() : [`Linux (this is ${process.platform})`]

const clients = [
  { client: "built-in", reason: undefined },
  {
    client: "aws-lambda-ric",
    reason: missing.length === 0 ? undefined : `its build needs ${missing.join(", ")}`
  }
] as const

for (const { client, reason } of clients) {
  describe.skipIf(reason !== undefined)(
    `under ${client}${reason === undefined ? "" : ` (skipped: ${reason})`}`,
    () => {
      // The first time it is built, from C and C++.
      if (client === "aws-lambda-ric") beforeAll(() => Effect.runPromise(installRic()), 600_000)

      const begin = (code: string | Files, settings: Partial<EnvironmentSettings> = {}) =>
        open(code, { client, ...settings })

      describe("the handler is found", () => {
        const answer = "export const handler = async (event) => ({ got: event })"
        const cases: ReadonlyArray<readonly [what: string, handler: string, files: Files]> = [
          ["in an .mjs file", "index.handler", { "index.mjs": answer }],
          [
            "in a .js file of a package of modules",
            "index.handler",
            { "index.js": answer, "package.json": '{ "type": "module" }' }
          ],
          [
            "in a CommonJS file",
            "index.handler",
            { "index.js": "exports.handler = async (event) => ({ got: event })" }
          ],
          [
            "in a .cjs file",
            "index.handler",
            { "index.cjs": "module.exports = { handler: async (event) => ({ got: event }) }" }
          ],
          ["in a folder", "lib/deep/task.run", { "lib/deep/task.mjs": answer.replace("handler", "run") }],
          [
            "inside another export",
            "index.api.v1.get",
            { "index.mjs": "export const api = { v1: { get: async (event) => ({ got: event }) } }" }
          ],
          [
            "in the default export",
            "index.handler",
            { "index.mjs": "export default { handler: async (event) => ({ got: event }) }" }
          ]
        ]
        it.for(cases)("%s", async ([, handler, files]) => {
          await using lab = await begin(files, { handler })
          expect(await lab.invoke({ a: ["ä", 1] })).toMatchObject({
            value: { got: { a: ["ä", 1] } },
            isUsable: true
          })
        })
      })

      it("it may be synchronous, and what it does not return is null", async () => {
        await using lab = await begin(
          "export const handler = (event) => (event.returns ? { is: event.returns } : undefined)"
        )
        expect((await lab.invoke({ returns: 7 })).value).toEqual({ is: 7 })
        expect((await lab.invoke({})).value).toBeNull()
      })

      it("it has the context and the trace of its invocation", async () => {
        await using lab = await begin(`export const handler = async (event, context) => {
        const { getRemainingTimeInMillis, ...rest } = context
        return { ...rest, left: getRemainingTimeInMillis(), trace: process.env._X_AMZN_TRACE_ID }
      }`)
        const { value } = await lab.invoke(
          {},
          {
            id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            traceId: "Root=1-a;Parent=b;Sampled=0",
            clientContext: '{"custom":\n{"name":"Zoë 🚀"}}',
            cognitoIdentity: '{"cognitoIdentityId":"x"}'
          }
        )
        expect(value).toMatchObject({
          functionName: "tested",
          functionVersion: "3",
          invokedFunctionArn: "arn:aws:lambda:eu-west-1:123456789012:function:tested:live",
          memoryLimitInMB: "512",
          awsRequestId: "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
          logGroupName: "/aws/lambda/tested",
          logStreamName: lab.environment.logStreamName,
          clientContext: { custom: { name: "Zoë 🚀" } },
          identity: { cognitoIdentityId: "x" },
          trace: "Root=1-a;Parent=b;Sampled=0"
        })
        const { left } = value as { readonly left: number }
        expect(left).toBeGreaterThan(0)
        expect(left).toBeLessThanOrEqual(15_000)
        const next = await lab.invoke({}, { traceId: "Root=2" })
        expect(next.value).toMatchObject({ trace: "Root=2" })
        expect(next.value).not.toHaveProperty("clientContext")
      })

      it("it keeps its state while the environment is warm, and only the first invocation is cold", async () => {
        await using lab = await begin("let n = 0; export const handler = async () => ++n")
        const answers = [await lab.invoke(), await lab.invoke(), await lab.invoke()]
        expect(answers.map(({ value }) => value)).toEqual([1, 2, 3])
        expect(answers.map(({ initMs }) => initMs !== undefined)).toEqual([true, false, false])
      })

      it("it has the variables that were given and those of AWS, and nothing else of this process", async () => {
        process.env.WEFT_SECRET_OF_THE_SERVICE = "1"
        try {
          await using lab = await begin(
            "export const handler = async () => ({ ...process.env, cwd: process.cwd() })",
            {
              variables: {
                MINE: "yes",
                AWS_ACCESS_KEY_ID: "key",
                AWS_LAMBDA_FUNCTION_NAME: "not mine to set"
              }
            }
          )
          const { value } = await lab.invoke()
          expect(value).toMatchObject({
            MINE: "yes",
            AWS_ACCESS_KEY_ID: "key",
            AWS_REGION: "eu-west-1",
            AWS_DEFAULT_REGION: "eu-west-1",
            AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
            AWS_LAMBDA_FUNCTION_NAME: "tested",
            AWS_LAMBDA_FUNCTION_VERSION: "3",
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
            AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
            LAMBDA_TASK_ROOT: lab.folder,
            _HANDLER: "index.handler",
            TZ: ":UTC",
            cwd: lab.folder
          })
          expect(value).not.toHaveProperty("WEFT_SECRET_OF_THE_SERVICE")
        } finally {
          delete process.env.WEFT_SECRET_OF_THE_SERVICE
        }
      })

      it("it can collect garbage", async () => {
        await using lab = await begin("export const handler = async () => { gc(); return typeof gc }")
        expect((await lab.invoke()).value).toBe("function")
      })

      it("it loads packages from its layers", async () => {
        await using layer = await begin({
          "nodejs/node_modules/greet/index.js": "exports.greet = (who) => 'hello ' + who"
        })
        await using lab = await begin(
          { "index.cjs": "const { greet } = require('greet'); exports.handler = async () => greet('you')" },
          { layersFolder: layer.folder }
        )
        expect((await lab.invoke()).value).toBe("hello you")
      })

      it("payloads of 5 MB pass in both directions", async () => {
        await using lab = await begin("export const handler = async (event) => event")
        const text = "ü".repeat(2_500_000)
        expect((await lab.invoke({ text })).value).toEqual({ text })
      })

      it("a response of more than 6 MB is an error, after which the environment serves on", async () => {
        await using lab = await begin("export const handler = async ({ size }) => 'x'.repeat(size)")
        expect(await lab.invoke({ size: 6_291_555 })).toMatchObject({
          error: {
            errorType: "Function.ResponseSizeTooLarge",
            errorMessage: "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
          },
          unhandled: true,
          isUsable: true
        })
        expect((await lab.invoke({ size: 6_291_554 })).value).toHaveLength(6_291_554)
      })

      describe("what it throws is reported, and the environment serves on:", () => {
        it("errors with type, message and trace", async () => {
          await using lab = await begin(`export const handler = async () => {
          throw Object.assign(new RangeError("too far"), { code: "E_FAR" })
        }`)
          const { error, isUsable, log, unhandled } = await lab.invoke()
          expect(error).toMatchObject({ errorType: "RangeError", errorMessage: "too far" })
          expect(error?.trace?.[0]).toBe("RangeError: too far")
          expect(error?.trace?.[1]).toContain("index.mjs:2")
          expect({ isUsable, unhandled }).toEqual({ isUsable: true, unhandled: false })
          expect(log).toMatch(
            /\tERROR\tInvoke Error \t\{"errorType":"RangeError","errorMessage":"too far","code":"E_FAR"/
          )
          expect((await lab.invoke()).error?.errorType).toBe("RangeError")
        })

        it("values that are no errors", async () => {
          await using lab = await begin("export const handler = async () => { throw 'just text' }")
          expect((await lab.invoke()).error).toEqual({
            errorType: "string",
            errorMessage: "just text",
            trace: []
          })
        })

        it("a value that JSON cannot say", async () => {
          await using lab = await begin("export const handler = async () => 1n")
          expect((await lab.invoke()).error).toMatchObject({
            errorType: "Runtime.JSONStringifyError",
            errorMessage: "Unable to stringify response body"
          })
        })
      })

      describe("a function that cannot be loaded fails each invocation, in a new process:", () => {
        const cases: ReadonlyArray<
          readonly [what: string, handler: string, code: string, type: string, message: RegExp]
        > = [
          [
            "no such file",
            "other.handler",
            "",
            "Runtime.ImportModuleError",
            /^Error: Cannot find module 'other'/
          ],
          [
            "no such export",
            "index.other",
            "",
            "Runtime.HandlerNotFound",
            /^index.other is undefined or not exported$/
          ],
          [
            "no function",
            "index.handler",
            "export const handler = 1",
            "Runtime.HandlerNotFound",
            /^index.handler is not a function$/
          ],
          ["bad syntax", "index.handler", "export const = 1", "Runtime.UserCodeSyntaxError", /SyntaxError/],
          [
            "an error of its own",
            "index.handler",
            "throw new TypeError('no config')",
            "TypeError",
            /^no config$/
          ],
          ["a bad name", "index", "", "Runtime.MalformedHandlerName", /^Bad handler$/],
          [
            "a path upwards",
            "../index.handler",
            "",
            "Runtime.MalformedHandlerName",
            /is not a valid handler name/
          ],
          [
            "a callback",
            "index.handler",
            "export const handler = (event, context, callback) => callback(null, 1)",
            "Runtime.CallbackHandlerDeprecated",
            /removed support for callback-based function handlers/
          ]
        ]
        it.for(cases)("%s", async ([, handler, code, errorType, message]) => {
          await using lab = await begin(code, { handler })
          const answer = await lab.invoke()
          expect(answer).toMatchObject({ error: { errorType, errorMessage: expect.stringMatching(message) } })
          expect(answer.isUsable).toBe(false)
          // The attempt of the initialisation, and that of the invocation.
          expect(answer.log.split("Init Error").length - 1).toBe(2)
          expect(await lab.ended()).toBe(errorType)
        })
      })

      describe("a process that ends is an error of the platform:", () => {
        const cases: ReadonlyArray<readonly [what: string, code: string, words: string]> = [
          [
            "by an exit code",
            "export const handler = async () => process.exit(3)",
            "exited with error: exit status 3"
          ],
          [
            "by exit code 0",
            "export const handler = async () => process.exit(0)",
            "exited without providing a reason"
          ],
          [
            "by waiting for nothing",
            "export const handler = () => new Promise(() => {})",
            "exited without providing a reason"
          ],
          [
            "by a rejection that nobody handles",
            "export const handler = () => new Promise(() => Promise.reject(new Error('forgotten')))",
            "exited with error: exit status 1"
          ],
          [
            "by an error in a callback",
            "export const handler = () => new Promise(() => setTimeout(() => { throw new Error('late') }, 1))",
            "exited with error: exit status 1"
          ],
          [
            "by a signal",
            "export const handler = () => new Promise(() => { process.kill(process.pid, 'SIGKILL'); setTimeout(() => {}, 1e6) })",
            "exited with error: signal: killed"
          ],
          [
            "by an abort",
            "export const handler = async () => process.abort()",
            "exited with error: signal: aborted (core dumped)"
          ]
        ]
        it.for(cases)("%s", async ([, code, words]) => {
          await using lab = await begin(code)
          expect(await lab.invoke({}, { id: "r-1" })).toMatchObject({
            error: { errorType: "Runtime.ExitError", errorMessage: `RequestId: r-1 Error: Runtime ${words}` },
            unhandled: true,
            isUsable: false
          })
          expect(await lab.ended()).toBe("Runtime.ExitError")
        })
      })

      it("what it prints is in the log of its invocation, with time, request and level", async () => {
        await using lab = await begin(`console.log("loading")
      export const handler = async ({ n }) => {
        console.log("number %d", n, { a: 1 })
        console.error("two\\nlines")
        process.stdout.write("raw ")
        process.stderr.write("text\\n")
      }`)
        const first = await lab.invoke({ n: 1 }, { id: "id-1" })
        const second = await lab.invoke({ n: 2 }, { id: "id-2" })
        const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
        expect(first.log).toMatch(new RegExp(`^${time}\t-\tINFO\tloading\n`))
        expect(first.log).toMatch(new RegExp(`${time}\tid-1\tINFO\tnumber 1 { a: 1 }\n`))
        expect(first.log).toMatch(new RegExp(`${time}\tid-1\tERROR\ttwo\rlines\n`))
        expect(first.log).toContain("raw ")
        expect(first.log).toContain("text\n")
        expect(second.log).not.toContain("id-1")
        expect(second.log).toContain("id-2\tINFO\tnumber 2")
      })

      it("all that it prints is there, also if it is much", async () => {
        await using lab = await begin(`export const handler = async () => {
        for (let n = 0; n < 3000; n++) console.log(n)
        for (let n = 0; n < 100; n++) process.stdout.write(n + "=" + "x".repeat(1000) + "\\n")
      }`)
        for (const time of [1, 2]) {
          const { log } = await lab.invoke()
          // The last of it is kept.
          expect(log, `time ${time}`).toMatch(/\n99=x{1000}\n$/)
          expect(log).toHaveLength(65_536)
        }
      })

      describe("a streamed response", () => {
        it("comes as a whole", async () => {
          await using lab =
            await begin(`export const handler = awslambda.streamifyResponse(async (event, stream) => {
          stream.write('{"a":')
          await new Promise((resume) => setTimeout(resume, 5))
          stream.write("1}")
          stream.end()
        })`)
          expect((await lab.invoke()).value).toEqual({ a: 1 })
          expect((await lab.invoke()).value).toEqual({ a: 1 })
        })

        it("may be piped from another stream", async () => {
          await using lab = await begin(`import { Readable } from "node:stream"
        import { pipeline } from "node:stream/promises"
        export const handler = awslambda.streamifyResponse(async (event, stream) => {
          const pieces = Array.from({ length: 1000 }, (_, n) => (n === 0 ? "[0" : "," + n)).concat("]")
          await pipeline(Readable.from(pieces), stream)
        })`)
          expect((await lab.invoke()).value).toEqual(Array.from({ length: 1000 }, (_, n) => n))
        })

        it("that fails on its way is an error", async () => {
          await using lab =
            await begin(`export const handler = awslambda.streamifyResponse(async (event, stream) => {
          stream.write('{"a":')
          throw new RangeError("halfway")
        })`)
          expect((await lab.invoke()).error).toMatchObject({
            errorType: "RangeError",
            errorMessage: "halfway"
          })
          expect((await lab.invoke()).error).toMatchObject({ errorType: "RangeError" })
        })
      })
    }
  )
}
