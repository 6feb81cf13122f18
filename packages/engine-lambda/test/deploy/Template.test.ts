import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { redis } from "@weft/storage-redis"
import { withS3 } from "@weft/storage-s3"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { parse } from "yaml"
import { type Deployed, policy, writeTemplate } from "../../src/deploy/index.ts"
import { makeApp, pathsIn, WORKFLOW } from "./app.ts"

vi.setConfig({ testTimeout: 120_000 })

interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
}
interface Document {
  readonly Parameters: { readonly Stores: Readonly<Record<string, unknown>> }
  readonly Resources: Readonly<Record<string, Resource>>
}

const REDIS = "redis://10.0.0.1:6379"
const options = (changes: Partial<Deployed> = {}): Deployed => ({ stores: redis(REDIS), ...changes })

const written = async (folder: string, changes?: Partial<Deployed>) => {
  const out = mkdtempSync(join(tmpdir(), "weft-template-"))
  onTestFinished(() => rmSync(out, { recursive: true, force: true }))
  const target = join(out, "stacks/app.yaml")
  const template = await writeTemplate(join(folder, "flow.ts"), target, options(changes))
  const text = readFileSync(target, "utf8")
  return { ...template, text, document: parse(text) as Document }
}

const idsOf = ({ Resources }: Document, type: string) =>
  Object.keys(Resources).filter((id) => Resources[id]?.Type === type)

describe("a template", () => {
  it("has all that a deployment makes, with the bundle beside it", async () => {
    const { document, text, zip } = await written(makeApp(), { memory: [512, 1024], timeoutSeconds: 60 })
    expect(pathsIn(readFileSync(zip))).toContain("index.mjs")
    expect(document.Resources.Function512?.Properties).toMatchObject({
      FunctionName: "weft-app-512",
      MemorySize: 512,
      Timeout: 60,
      Runtime: "nodejs24.x",
      Code: "./weft-app.zip",
      RecursiveLoop: "Allow",
      Role: { "Fn::GetAtt": ["Role", "Arn"] },
      Environment: { Variables: { WEFT_STORES: { Ref: "Stores" } } },
      Tags: [{ Key: "weft", Value: "weft-app" }]
    })
    expect(idsOf(document, "AWS::Lambda::Version")).toHaveLength(2)
    const [version] = idsOf(document, "AWS::Lambda::Version")
    expect(document.Resources.Alias512?.Properties).toEqual({
      FunctionName: { Ref: "Function512" },
      Name: "live",
      FunctionVersion: { "Fn::GetAtt": [version, "Version"] }
    })
    const [events] = idsOf(document, "AWS::Lambda::EventInvokeConfig")
    expect(document.Resources[events!]?.Properties).toMatchObject({
      Qualifier: { "Fn::GetAtt": [version, "Version"] },
      MaximumRetryAttempts: 0
    })
    expect(text).toMatch(/^#.*\n# {3}aws cloudformation package --template-file app\.yaml/)
    expect(text).toContain('AWSTemplateFormatVersion: "2010-09-09"')
  })

  it("has another version when the code is another, and the same when it is not", async () => {
    const folder = makeApp()
    const versions = async (changes?: Partial<Deployed>) =>
      idsOf((await written(folder, changes)).document, "AWS::Lambda::Version")
    const before = await versions()
    expect(await versions()).toEqual(before)
    expect(await versions({ environment: { COLOUR: "red" } })).not.toEqual(before)
    const other = makeApp({ "flow.ts": WORKFLOW.replace("2 * n", "3 * n") })
    expect(idsOf((await written(other)).document, "AWS::Lambda::Version")).not.toEqual(before)
  })

  it("makes no role where one is named", async () => {
    const role = "arn:aws:iam::123456789012:role/mine"
    const { document } = await written(makeApp(), { role })
    expect(document.Resources.Role).toBeUndefined()
    expect(document.Resources.Function1024?.Properties.Role).toBe(role)
  })

  it("says no password", async () => {
    const { document, text } = await written(makeApp(), {
      stores: redis("redis://:secret-word@10.0.0.1:6379")
    })
    expect(text).not.toContain("secret-word")
    expect(document.Parameters.Stores).toMatchObject({ NoEcho: true })
    expect(document.Parameters.Stores.Default).toBeUndefined()
    const open = await written(makeApp())
    expect(JSON.parse(String(open.document.Parameters.Stores.Default))).toEqual({
      module: "@weft/storage-redis",
      options: REDIS
    })
  })

  it("lies in a VPC if it is to, and may", async () => {
    const vpc = { subnets: ["subnet-1"], securityGroups: ["sg-1"] }
    const { document } = await written(makeApp(), { vpc })
    expect(document.Resources.Function1024?.Properties.VpcConfig).toEqual({
      SubnetIds: ["subnet-1"],
      SecurityGroupIds: ["sg-1"]
    })
    expect(JSON.stringify(document.Resources.Role)).toContain("ec2:CreateNetworkInterface")
    expect(JSON.stringify((await written(makeApp())).document.Resources.Role)).not.toContain("ec2:")
  })

  it("is not written if something is wrong", async () => {
    const target = join(tmpdir(), "weft-never.yaml")
    const failed = writeTemplate(join(makeApp(), "flow.ts"), target, options({ memory: [1] }))
    await expect(failed).rejects.toMatchObject({ _tag: "InvalidDeployment" })
    expect(existsSync(target)).toBe(false)
  })
})

describe("the policy", () => {
  it("allows functions what they do, on what is theirs", async () => {
    const role = "arn:aws-cn:iam::123456789012:role/mine"
    const stores = withS3(redis(REDIS), { bucket: "shared", prefix: "runs" })
    const { Statement } = await policy(join(makeApp(), "flow.ts"), { stores, role, region: "cn-north-1" })
    expect(Statement.map(({ Action, Resource }) => [Action[0], Resource])).toEqual([
      ["lambda:InvokeFunction", "arn:aws-cn:lambda:cn-north-1:123456789012:function:weft-app-*"],
      ["logs:CreateLogGroup", "arn:aws-cn:logs:cn-north-1:123456789012:log-group:/aws/lambda/weft-app-*"],
      ["s3:GetObject", "arn:aws-cn:s3:::shared/runs/*"],
      ["s3:ListBucket", "arn:aws-cn:s3:::shared"],
      ["s3:ListBucketMultipartUploads", "arn:aws-cn:s3:::shared"]
    ])
    expect(Statement[3]?.Condition).toEqual({ StringLike: { "s3:prefix": "runs/*" } })
  })
})
