/**
 * The same deployment as a CloudFormation template, for those who deploy their own way: the functions, their versions
 * and aliases, and the role. It is YAML, with the bundle's zip file beside it, which `aws cloudformation package` uploads.
 */
import { createHash } from "node:crypto"
import { mkdir, writeFile } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { ALIAS, functionName, STORES_VARIABLE } from "../Naming.ts"
import { bundled, type Deployed, type Prepared, prepare, sizesOf } from "./Deploy.ts"
import { type Policy, type PolicySettings, policyOf, TRUST } from "./Policy.ts"
import { bucketsOf, hasSecrets } from "./Reference.ts"
import { type Complete, complete, EVENT_AGE_SECONDS, HANDLER, NO_ROLE, RUNTIME, TAG } from "./Settings.ts"
import type { Size } from "./Sizes.ts"

/** What was written. */
export interface Template {
  /** The base name of the functions. */
  readonly name: string
  /** The paths of the template and of the zip file beside it. */
  readonly file: string
  readonly zip: string
  readonly zippedBytes: number
  readonly unzippedBytes: number
  /** What brings how much to the bundle, the largest first. */
  readonly sizes: ReadonlyArray<Size>
  readonly warnings: ReadonlyArray<string>
}

/**
 * Writes a template instead of deploying. Needs neither credentials nor a network. Without `role` the template makes a
 * role, which allows what functions need and nothing else.
 *
 * @param target the path of the template
 * @throws {ModuleError | BundleFailed | NativeDependency | InvalidManifest | InstallFailed | BundleTooLarge | InvalidDeployment}
 */
export const writeTemplate = async (file: string, target: string, options: Deployed): Promise<Template> => {
  const prepared = await prepare(file, options)
  const settings = complete({ ...options, role: options.role ?? NO_ROLE }, undefined)
  const made = await bundled(file, prepared.carried, options, settings.arch)
  const path = resolve(target)
  const zip = join(dirname(path), `${prepared.base}.zip`)
  const document = documentOf(prepared, settings, {
    sizes: sizesOf(options),
    sha256: made.sha256,
    zip: `./${basename(zip)}`,
    hasRole: options.role !== undefined
  })
  // As CloudFormation reads it: a date without quotes is no text.
  const { stringify } = await import("yaml")
  const text = stringify(document, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false })
  await mkdir(dirname(path), { recursive: true })
  await writeFile(zip, made.zip)
  await writeFile(path, `${headOf(basename(path), prepared.base)}${text}`)
  const { sizes, unzippedBytes, warnings } = made
  return {
    name: prepared.base,
    file: path,
    zip,
    zippedBytes: made.zip.byteLength,
    unzippedBytes,
    sizes,
    warnings
  }
}

/**
 * The policy of the role that functions need.
 *
 * @throws {ModuleError | InvalidDeployment}
 */
export const policy = async (
  file: string,
  options: Deployed & { readonly region?: string | undefined }
): Promise<Policy> => {
  const prepared = await prepare(file, options)
  const [, partition = "aws", account = "*"] = /^arn:([\w-]+):iam::(\d+):/.exec(options.role ?? "") ?? []
  const region = options.region ?? process.env.AWS_REGION ?? "*"
  return policyOf({ ...policySettings(prepared, options.vpc !== undefined), partition, region, account })
}

const policySettings = (
  { base, carried }: Prepared,
  inVpc: boolean
): Pick<PolicySettings, "base" | "buckets" | "inVpc"> => ({
  base,
  buckets: bucketsOf(carried.reference),
  inVpc
})

const headOf = (file: string, base: string) =>
  [
    "# Made by `weft deploy --template`. To deploy it:",
    `#   aws cloudformation package --template-file ${file} --s3-bucket BUCKET --output-template-file packaged.yaml`,
    `#   aws cloudformation deploy --template-file packaged.yaml --stack-name ${base} --capabilities CAPABILITY_IAM`,
    ""
  ].join("\n")

interface Code {
  readonly sizes: ReadonlyArray<number>
  readonly sha256: string
  /** As seen from the template. */
  readonly zip: string
  readonly hasRole: boolean
}

const get = (resource: string, attribute: string) => ({ "Fn::GetAtt": [resource, attribute] })
const ref = (name: string) => ({ Ref: name })
const sub = (text: string) => ({ "Fn::Sub": text })

const documentOf = (prepared: Prepared, settings: Complete, code: Code) => {
  const { base, carried, workflow } = prepared
  const reference = JSON.stringify(carried.reference)
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: `weft: workers of ${workflow}`,
    Parameters: {
      Stores: {
        Type: "String",
        NoEcho: true,
        Description: "How functions open their stores: the JSON of a reference to stores of weft",
        // A password belongs into no file.
        ...(hasSecrets(carried.reference) ? {} : { Default: reference })
      }
    },
    Resources: {
      ...(code.hasRole ? {} : { Role: roleOf(prepared, settings.subnets.length > 0) }),
      ...Object.fromEntries(
        code.sizes.flatMap((memoryMiB) => functionOf(prepared, settings, code, memoryMiB))
      )
    },
    Outputs: Object.fromEntries(
      code.sizes.map((memoryMiB) => [
        `Function${memoryMiB}`,
        {
          Value: ref(`Alias${memoryMiB}`),
          Description: `${functionName(base, memoryMiB)}, as new runs begin with it`
        }
      ])
    )
  }
}

/** What CloudFormation knows where it deploys. */
const pseudo = (name: string) => `\${AWS::${name}}`

const roleOf = (prepared: Prepared, inVpc: boolean) => {
  const inTemplate = {
    partition: pseudo("Partition"),
    region: pseudo("Region"),
    account: pseudo("AccountId")
  }
  const { Statement, Version } = policyOf({ ...policySettings(prepared, inVpc), ...inTemplate })
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      AssumeRolePolicyDocument: TRUST,
      Policies: [
        {
          PolicyName: "weft",
          PolicyDocument: {
            Version,
            Statement: Statement.map(({ Resource, ...statement }) => ({
              ...statement,
              Resource: typeof Resource === "string" && Resource !== "*" ? sub(Resource) : Resource
            }))
          }
        }
      ]
    }
  }
}

const functionOf = (
  { base, carried, workflow }: Prepared,
  settings: Complete,
  { hasRole, sha256, zip }: Code,
  memoryMiB: number
): ReadonlyArray<readonly [string, unknown]> => {
  const properties = {
    FunctionName: functionName(base, memoryMiB),
    Description: `weft: workers of ${workflow}`,
    Runtime: RUNTIME,
    Handler: HANDLER,
    Architectures: [settings.arch === "arm64" ? "arm64" : "x86_64"],
    MemorySize: memoryMiB,
    Timeout: settings.timeoutSeconds,
    Role: hasRole ? settings.role : get("Role", "Arn"),
    Code: zip,
    Environment: { Variables: { ...settings.environment, [STORES_VARIABLE]: ref("Stores") } },
    ...(settings.subnets.length === 0
      ? {}
      : { VpcConfig: { SubnetIds: settings.subnets, SecurityGroupIds: settings.securityGroups } }),
    RecursiveLoop: "Allow",
    Tags: [{ Key: TAG, Value: base }]
  }
  // A version is never changed: another one takes its place, and it stays for runs at work with it.
  const content = createHash("sha256")
    .update(JSON.stringify([sha256, properties, carried.reference]))
    .digest("hex")
    .slice(0, 12)
  const version = `Version${memoryMiB}x${content}`
  return [
    [`Function${memoryMiB}`, { Type: "AWS::Lambda::Function", Properties: properties }],
    [
      version,
      {
        Type: "AWS::Lambda::Version",
        DeletionPolicy: "Retain",
        UpdateReplacePolicy: "Retain",
        Properties: { FunctionName: ref(`Function${memoryMiB}`), Description: content }
      }
    ],
    [
      `Events${memoryMiB}x${content}`,
      {
        Type: "AWS::Lambda::EventInvokeConfig",
        DeletionPolicy: "Retain",
        UpdateReplacePolicy: "Retain",
        Properties: {
          FunctionName: ref(`Function${memoryMiB}`),
          Qualifier: get(version, "Version"),
          MaximumRetryAttempts: 0,
          MaximumEventAgeInSeconds: EVENT_AGE_SECONDS
        }
      }
    ],
    [
      `Alias${memoryMiB}`,
      {
        Type: "AWS::Lambda::Alias",
        Properties: {
          FunctionName: ref(`Function${memoryMiB}`),
          Name: ALIAS,
          FunctionVersion: get(version, "Version")
        }
      }
    ]
  ]
}
