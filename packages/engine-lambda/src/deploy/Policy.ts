/**
 * What the role of functions has to allow, and no more.
 */
import type { Bucket } from "./Reference.ts"

/** One statement of a policy. */
export interface Statement {
  readonly Sid: string
  readonly Effect: "Allow"
  readonly Action: ReadonlyArray<string>
  readonly Resource: string | ReadonlyArray<string>
  readonly Condition?: unknown
}

/** A policy, as IAM takes it. */
export interface Policy {
  readonly Version: "2012-10-17"
  readonly Statement: ReadonlyArray<Statement>
}

/** What functions do with what. */
export interface PolicySettings {
  /** The base name of the functions. */
  readonly base: string
  readonly buckets: ReadonlyArray<Bucket>
  readonly inVpc: boolean
  /** `aws`, `eu-central-1`, `123456789012`: or what stands for them in a template. */
  readonly partition: string
  readonly region: string
  readonly account: string
}

/** What the role has to allow. */
export const policyOf = ({ account, base, buckets, inVpc, partition, region }: PolicySettings): Policy => {
  const arn = (service: string, resource: string) =>
    `arn:${partition}:${service}:${region}:${account}:${resource}`
  const s3 = (resource: string) => `arn:${partition}:s3:::${resource}`
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "InvokeWorkers",
        Effect: "Allow",
        Action: ["lambda:InvokeFunction"],
        Resource: arn("lambda", `function:${base}-*`)
      },
      {
        Sid: "WriteLogs",
        Effect: "Allow",
        Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        Resource: arn("logs", `log-group:/aws/lambda/${base}-*`)
      },
      ...buckets.flatMap(
        ({ bucket, prefix }, i): ReadonlyArray<Statement> => [
          {
            Sid: `KeepObjects${i === 0 ? "" : i + 1}`,
            Effect: "Allow",
            Action: [
              "s3:GetObject",
              "s3:PutObject",
              "s3:DeleteObject",
              "s3:AbortMultipartUpload",
              "s3:ListMultipartUploadParts"
            ],
            Resource: s3(`${bucket}/${prefix}/*`)
          },
          {
            Sid: `ListObjects${i === 0 ? "" : i + 1}`,
            Effect: "Allow",
            Action: ["s3:ListBucket"],
            Resource: s3(bucket),
            Condition: { StringLike: { "s3:prefix": `${prefix}/*` } }
          },
          {
            // There is no condition for a prefix.
            Sid: `ListUploads${i === 0 ? "" : i + 1}`,
            Effect: "Allow",
            Action: ["s3:ListBucketMultipartUploads"],
            Resource: s3(bucket)
          }
        ]
      ),
      ...(inVpc ? [IN_VPC] : [])
    ]
  }
}

/** Lambda does these in the role's name, and they know no resources. */
const IN_VPC: Statement = {
  Sid: "LieInVpc",
  Effect: "Allow",
  Action: [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses"
  ],
  Resource: "*"
}

/** Who may have the role: functions. */
export const TRUST = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }]
} as const
