// The examples of README.md, type-checked and run, by a user with the rights that it names.
import { dirname } from "node:path"
import { type RedisServer, startRedis } from "@weft/testing"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { readmeOf, testPrograms } from "../../../test/readme.ts"
import { Settings } from "../src/Options.ts"

const home = dirname(import.meta.dirname)
const text = readmeOf(home)

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
  const [, rights] = /^ACL SETUSER (.*)$/m.exec(text)!
  await redis.command("ACL", "SETUSER", ...rights!.split(" "))
})
afterAll(() => redis.stop())

describe("README.md", () => {
  testPrograms(home, { env: () => ({ REDIS_URL: redis.url.replace("//", "//weft:password@") }) })

  it("has all options", () => {
    const table = text.slice(text.indexOf("## Options"), text.indexOf("## What Redis must be"))
    const named = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, names]) =>
      names!.replaceAll("`", "").split(", ")
    )
    expect(named.toSorted()).toEqual(Object.keys(Settings.fields).toSorted())
  })
})
