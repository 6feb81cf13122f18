// The examples of README.md, type-checked and run, on servers of their own. The policy and the lifecycle rule are what the
// code needs.
import { dirname } from "node:path"
import { type RedisServer, type S3Server, startRedis, startS3 } from "@weft/testing"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { readmeOf, testPrograms } from "../../../test/readme.ts"
import { RIGHTS } from "../src/Errors.ts"

const home = dirname(import.meta.dirname)

let redis: RedisServer
let s3: S3Server
beforeAll(async () => {
  ;[redis, s3] = await Promise.all([startRedis(), startS3()])
  await s3.createBucket("my-bucket")
})
afterAll(() => Promise.all([redis.stop(), s3.stop()]))

const [policy, lifecycle] = [...readmeOf(home).matchAll(/^```json\n(?<json>.*?)^```/gms)].map(({ groups }) =>
  JSON.parse(groups!.json!)
)

describe("README.md", () => {
  testPrograms(home, {
    env: () => ({
      REDIS_URL: redis.url,
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_REGION: s3.region,
      AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey
    })
  })

  it("has a policy with all the rights that errors name, and no more", () => {
    const granted = policy.Statement.flatMap(({ Action }: { Action: ReadonlyArray<string> }) => Action)
    expect(granted.toSorted()).toEqual([...new Set(Object.values(RIGHTS).flat())].sort())
  })

  it("has a lifecycle rule for the default prefix", () => {
    expect(lifecycle.Rules).toMatchObject([{ Status: "Enabled", Filter: { Prefix: "weft/" } }])
  })
})
