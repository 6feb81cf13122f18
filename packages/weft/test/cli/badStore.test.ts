// Stores that cannot be used, as who calls the command is told: with the place and what to do, and without secrets.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type RedisServer, startRedis } from "@weft/testing"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { start, weft } from "./weft.ts"

const SECRET = "s3cret"

let server: RedisServer
let replica: RedisServer
beforeAll(async () => {
  server = await startRedis({ config: { requirepass: SECRET } })
  replica = await startRedis({ config: { replicaof: `${server.host} ${server.port}`, masterauth: SECRET } })
})
afterAll(() => Promise.all([server.stop(), replica.stop()]))

const at = (more = "", user = "") => `redis://${user}${server.host}:${server.port}${more}`

/** What is wrong, the store, the objects, what is said of it, and the code that the command ends with. */
const cases: ReadonlyArray<readonly [string, () => string, string | undefined, RegExp, 1 | 2]> = [
  [
    "no such host",
    () => `redis://u:${SECRET}@nowhere.invalid`,
    undefined,
    /no host of that name: redis:\/\/nowhere\.invalid:6379/,
    1
  ],
  [
    "nothing there",
    () => `redis://u:${SECRET}@127.0.0.1:1`,
    undefined,
    /nothing listens at redis:\/\/127\.0\.0\.1:1/,
    1
  ],
  [
    "no cluster there",
    () => `rediss+cluster://u:${SECRET}@127.0.0.1:1`,
    undefined,
    /nothing listens at rediss\+cluster:\/\//,
    1
  ],
  ["no password", () => at(), undefined, /wants a password: redis:\/\/user:password@host/, 1],
  ["a wrong password", () => at("", `:${SECRET}x@`), undefined, /does not accept this user and password/, 1],
  ["no such database", () => at("/99", `:${SECRET}@`), undefined, /\/99 has no such database/, 1],
  ["a replica", () => replica.url, undefined, /is a read-only replica\. Connect to the primary/, 1],
  [
    "no cluster",
    () => at("", `:${SECRET}@`).replace("redis:", "redis+cluster:"),
    undefined,
    /is not a cluster\. Connect with redis:\/\//,
    1
  ],
  [
    "a URL that cannot be read",
    () => at("/x", `:${SECRET}@`),
    undefined,
    /its URL cannot be read\. It looks like redis:\/\//,
    1
  ],
  [
    "another kind of store",
    () => `http://u:${SECRET}@host/`,
    undefined,
    /"http:\/\/host\/" cannot be used.* redis\+cluster:\/\//,
    2
  ],
  [
    "objects elsewhere",
    () => at(),
    `http://u:${SECRET}@host/`,
    /"http:\/\/host\/" cannot be used: objects go to S3/,
    2
  ],
  [
    "a secret for S3",
    () => at(),
    `s3://k:${SECRET}@bucket`,
    /"s3:\/\/bucket" cannot be used: credentials are not/,
    2
  ]
]

/** Which tell whether a command asks the store as the others do. */
const some = cases.filter(([what]) =>
  /^(nothing there|a wrong password|a URL .*|a secret for S3)$/.test(what)
)

describe.concurrent("a store", { timeout: 60_000 }, () => {
  describe.each([
    ["run", ["words.ts", "--quiet"], cases],
    ["run", ["words.ts", "--quiet", "--engine", "processes"], some],
    ["runs", [], some],
    ["resume", ["some-run"], some]
  ] as const)("weft %s %j", (command, args, refused) => {
    it.each(refused)("is refused: %s", async (_, store, objects, message, code) => {
      const flags = ["--store", store(), ...(objects === undefined ? [] : ["--objects", objects])]
      const ended = await weft([command, ...args, ...flags])
      expect(ended).toMatchObject({ code, stdout: "" })
      expect(ended.stderr).toMatch(message)
      expect(ended.stderr).toMatch(/^error: .*\n$/)
      expect(ended.stderr).not.toContain(SECRET)
    })
  })
})

describe("a run whose keys become another's", { timeout: 60_000 }, () => {
  it.each(["inline", "threads", "processes"])(
    "on %s ends with what to do, and so does the command",
    async (engine) => {
      const folder = mkdtempSync(join(tmpdir(), "weft-bad-"))
      const input = JSON.stringify({ folder, count: 2 })
      const command = start(["run", "gated.ts", "--engine", engine, "--input", input], {
        env: { WEFT_STORE: at("", `:${SECRET}@`) }
      })
      await command.says("│ at 0 in ")
      const [, run] = /run (\S+) in /.exec(command.stderr())!
      const [, pid] = /at 0 in (\d+)/.exec(command.stderr())!
      await server.command("DEL", `weft:{${run}}:p`)
      await server.command("SET", `weft:{${run}}:p`, "theirs")
      for (const n of [0, 1]) writeFileSync(join(folder, String(n)), "")
      const { code, stderr, stdout } = await command.ended
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
      expect(stderr).toMatch(/✗ \S+ failed on worker \S+\n {2}the store could not .* holds something else/)
      expect(stderr).toContain(`(weft:{${run}}:…)`)
      expect(stderr).not.toMatch(new RegExp(`${SECRET}|\\n\\s+at `))
      await expect.poll(() => isAlive(Number(pid)), { timeout: 10_000 }).toBe(false)
      expect(await server.command("KEYS", `weft:{${run}}*`)).toEqual([])
      rmSync(folder, { recursive: true })
    }
  )
})

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe("runs beside one that is damaged", { timeout: 60_000 }, () => {
  const env = () => ({ WEFT_STORE: at("", `:${SECRET}@`) })
  const keys = { state: "weft:{bad-state}:s", garbage: "weft:{bad-fields}:s" }

  it("are listed, cancelled and cleaned; the damaged one is told of when it is asked for", async () => {
    await server.command("SET", keys.state, "theirs")
    await server.command("HSET", keys.garbage, "status", "sleeping")
    expect(await weft(["run", "words.ts", "--quiet"], { env: env() })).toMatchObject({ code: 0, stderr: "" })
    expect(await weft(["runs", "--json"], { env: env() })).toMatchObject({ code: 0, stdout: "[]\n" })
    expect(await weft(["clean", "--older", "1h"], { env: env() })).toMatchObject({ code: 0 })
    for (const command of ["cancel", "watch", "resume"]) {
      const state = await weft([command, "bad-state"], { env: env() })
      expect(state.code).toBe(1)
      expect(state.stderr).toMatch(/^error: .*holds something else \(weft:\{bad-state\}:…\).*\n$/)
      const garbage = await weft([command, "bad-fields"], { env: env() })
      expect(garbage.code).toBe(1)
      expect(garbage.stderr).toMatch(
        /^error: .*what is kept of run bad-fields cannot be read: its status is "sleeping".*remove the run's keys.*\n$/
      )
    }
    expect(await server.command("GET", keys.state)).toBe("theirs")
  })
})
