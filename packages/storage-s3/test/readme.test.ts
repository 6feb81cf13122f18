// The examples of README.md, type-checked and run, on servers of their own. A program's output is the block of text
// after it. The policy and the lifecycle rule are what the code needs.
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { type RedisServer, type S3Server, startRedis, startS3 } from "@weft/testing"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { RIGHTS } from "../src/Errors.ts"

const run = promisify(execFile)
const home = dirname(import.meta.dirname)
const root = dirname(dirname(home))
// Inside the package, so that the examples can import it by name.
const folder = mkdtempSync(join(import.meta.dirname, ".readme-"))
afterAll(() => rmSync(folder, { recursive: true }))

let redis: RedisServer
let s3: S3Server
beforeAll(async () => {
  ;[redis, s3] = await Promise.all([startRedis(), startS3()])
  await s3.createBucket("my-bucket")
})
afterAll(() => Promise.all([redis.stop(), s3.stop()]))

const text = readFileSync(join(home, "README.md"), "utf8")
const blocks = text.matchAll(
  /^```ts\n\/\/ (?<name>\S+)\n(?<code>.*?)^```\n(?:(?:(?!^```).)*^```text\n(?<output>.*?)^```)?/gms
)
const examples = [...blocks].map(({ groups }) => groups as { name: string; code: string; output?: string })
for (const { code, name } of examples) writeFileSync(join(folder, name), code)

const [policy, lifecycle] = [...text.matchAll(/^```json\n(?<json>.*?)^```/gms)].map(({ groups }) =>
  JSON.parse(groups!.json!)
)

describe("README.md", () => {
  it("has all its programs tested", () => {
    expect(examples.length).toBeGreaterThan(0)
    expect(examples).toHaveLength(text.match(/^```ts$/gm)!.length)
  })

  it("has programs that compile", async () => {
    const config = {
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: { noEmit: true, composite: false, declaration: false, declarationMap: false },
      include: ["*.ts"]
    }
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
    const tsc = join(root, "node_modules/typescript/bin/tsc")
    const { stdout } = await run(process.execPath, [tsc, "-p", folder]).catch(
      (error: { stdout: string }) => error
    )
    expect(stdout).toBe("")
  })

  it.each(examples)("$name prints what it says", async ({ name, output = "" }) => {
    const { accessKeyId, secretAccessKey } = s3.credentials
    const env = {
      ...process.env,
      REDIS_URL: redis.url,
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_REGION: s3.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey
    }
    const program = join(folder, name)
    const { stderr, stdout } = await run(process.execPath, ["--conditions=@weft/source", program], { env })
    expect(stderr).toBe("")
    expect(stdout).toBe(output)
  })

  it("has a policy with all the rights that errors name, and no more", () => {
    const granted = policy.Statement.flatMap(({ Action }: { Action: ReadonlyArray<string> }) => Action)
    expect(granted.toSorted()).toEqual([...new Set(Object.values(RIGHTS).flat())].sort())
  })

  it("has a lifecycle rule for the default prefix", () => {
    expect(lifecycle.Rules).toMatchObject([{ Status: "Enabled", Filter: { Prefix: "weft/" } }])
  })
})
