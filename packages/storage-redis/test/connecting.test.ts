// What people are told when Redis cannot be used: each with a real server, as far as there is one that is wrong that way.
import { once } from "node:events"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import { inspect } from "node:util"
import type { StoreError } from "@weft/storage"
import { type RedisServer, startRedis, startRedisCluster } from "@weft/testing"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { RedisClient, type RedisOptions } from "../src/Redis.ts"

/** Connects, and writes a value. */
const attempt = (options: RedisOptions | string) =>
  RedisClient.use(({ ask, commands }) => ask("set a value", () => commands.set("weft:{a}", "1"))).pipe(
    Effect.provide(RedisClient.layer(options))
  )

const connected = (options: RedisOptions | string) => Effect.runPromise(attempt(options))
const failed = (options: RedisOptions | string): Promise<StoreError> =>
  Effect.runPromise(Effect.flip(attempt(options)))

/** What is on a socket's other end in place of Redis. */
const listen = async (onSocket: (socket: Socket) => void): Promise<Server & AsyncDisposable> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}))
    onSocket(socket)
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  return Object.assign(server, {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  })
}

const urlOf = (server: Server) => `redis://127.0.0.1:${(server.address() as AddressInfo).port}`

/** Answers the first commands as a server of this kind and version would. */
const introducing = (server: string, version: string, role = "master") =>
  listen((socket) => {
    const fields = ["server", server, "version", version, "mode", "standalone", "role", role]
    const hello = `%${fields.length / 2}\r\n${fields.map((field) => `+${field}\r\n`).join("")}`
    socket.on("data", (data) => {
      for (const [command] of data.toString("latin1").matchAll(/hello|ping|set/gi)) {
        socket.write(command.toLowerCase() === "hello" ? hello : "+OK\r\n")
      }
    })
  })

let open: RedisServer
let closed: RedisServer
let secure: RedisServer
beforeAll(async () => {
  open = await startRedis()
  closed = await startRedis({ config: { requirepass: "s3cret" } })
  secure = await startRedis({ tls: true })
})
afterAll(() => Promise.all([open.stop(), closed.stop(), secure.stop()]))

describe("connects", () => {
  it("with a URL", async () => {
    expect(await connected(open.url)).toBe("OK")
    expect(await connected(`${open.url}/3`)).toBe("OK")
    await open.command("SELECT", 3)
    expect(await open.command("GET", "weft:{a}")).toBe("1")
  })

  it("with a password, in the URL or beside it", async () => {
    expect(await connected(closed.url)).toBe("OK")
    expect(await connected({ url: `redis://127.0.0.1:${closed.port}`, password: "s3cret" })).toBe("OK")
  })

  it("as a user with few rights", async () => {
    await closed.command(
      "ACL",
      "SETUSER",
      "carol",
      "on",
      ">p@ss:word/",
      "~weft:*",
      "&weft:*",
      "+@all",
      "-@admin",
      "-info"
    )
    const user = `carol:${encodeURIComponent("p@ss:word/")}`
    expect(await connected(`redis://${user}@127.0.0.1:${closed.port}`)).toBe("OK")
  })

  it("with TLS", async () => {
    expect(await connected({ url: secure.url, tls: { ca: secure.ca } })).toBe("OK")
    expect(await connected({ url: secure.url, tls: { rejectUnauthorized: false } })).toBe("OK")
  })

  it("with Valkey, whatever its version", async () => {
    await using server = await introducing("valkey", "1.0.0")
    expect(await connected(urlOf(server))).toBe("OK")
  })

  it("with a cluster, as long as one of the nodes that are named is there", async () => {
    await using cluster = await startRedisCluster()
    expect(await connected(cluster.url)).toBe("OK")
    const [, second] = cluster.nodes
    expect(await connected(`redis+cluster://127.0.0.1:1,127.0.0.1:${second!.port}`)).toBe("OK")
    const { message, reason } = await failed(cluster.nodes[0]!.url)
    expect([reason, message]).toEqual(["refused", expect.stringContaining("Connect with redis+cluster://")])
  })
})

describe("says what is wrong, and what to do", () => {
  const told = async (
    options: RedisOptions | string,
    reason: StoreError["reason"],
    ...parts: ReadonlyArray<string>
  ) => {
    const error = await failed(options)
    for (const part of parts) expect(error.message).toContain(part)
    expect(error.reason).toBe(reason)
    expect(error.operation).toBe("connect to Redis")
    expect(inspect(error, { depth: 10 })).not.toContain("s3cret")
  }

  it.each([
    "localhost:6379",
    "http://localhost",
    "redis://a:1,b:2",
    "redis+cluster://a:1/2",
    "redis://:s3cret%@localhost",
    "redis://localhost:99999",
    "redis://",
    ""
  ])("of the URL %j", (url) =>
    told(url, "refused", "its URL cannot be read", "redis://user:password@host:6379/0")
  )

  it.each([
    [{ prefix: "a{b}" }, "prefix"],
    [{ connectTimeoutMs: 0 }, "connectTimeoutMs"],
    [{ retries: 3 }, "retries"],
    [{ password: ["s3cret"] }, "password"]
  ])("of the options %j", (options, name) =>
    told({ url: open.url, ...options } as RedisOptions, "refused", "its options are not right", name)
  )

  it("of no options at all", () =>
    told(undefined as unknown as RedisOptions, "refused", "its options are not right"))

  it("of a port where nothing listens", () =>
    told("redis://localhost:1", "unavailable", "nothing listens at redis://localhost:1", "ECONNREFUSED"))

  it("of a host that does not exist", () =>
    told("redis://no-such-host.invalid", "unavailable", "no host of that name", "no-such-host.invalid:6379"))

  it("of a cluster that is not there", () =>
    told(
      "redis+cluster://127.0.0.1:1,127.0.0.1:2",
      "unavailable",
      "nothing listens",
      "127.0.0.1:1,127.0.0.1:2"
    ))

  it("of a host that does not answer", async () => {
    await using silent = await listen(() => {})
    await told({ url: urlOf(silent), connectTimeoutMs: 200 }, "unavailable", "did not answer within 200 ms")
  })

  it("of what is not Redis", async () => {
    await using web = await listen((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))
    await told(urlOf(web), "refused", "does not speak as Redis does")
  })

  it("of something that hangs up", async () => {
    await using rude = await listen((socket) => socket.destroy())
    await told(urlOf(rude), "unavailable", "is broken", "if it wants TLS")
  })

  it("of a missing password", () =>
    told(`redis://127.0.0.1:${closed.port}`, "refused", `redis://127.0.0.1:${closed.port} wants a password`))

  it("of a wrong password or user", async () => {
    await told(
      { url: closed.url, password: "not s3cret".slice(0, 3) },
      "refused",
      "does not accept this user and password"
    )
    await told({ url: closed.url, username: "nobody" }, "refused", "does not accept this user and password")
  })

  it("of a user who may do nothing", async () => {
    await closed.command("ACL", "SETUSER", "bob", "on", ">bob", "~*")
    await told(
      { url: closed.url, username: "bob", password: "bob" },
      "refused",
      "not all rights",
      "'ping'",
      "ACL"
    )
  })

  it("of a user who may not do what is asked", async () => {
    await closed.command("ACL", "SETUSER", "eve", "on", ">eve", "~other:*", "+@all")
    const error = await failed({ url: closed.url, username: "eve", password: "eve" })
    expect([error.reason, error.operation]).toEqual(["refused", "set a value"])
    expect(error.message).toContain("not all rights")
  })

  it("of a database that there is not", () => told(`${open.url}/99`, "refused", "no such database"))

  it("of a certificate that is not trusted", () =>
    told(secure.url, "refused", "DEPTH_ZERO_SELF_SIGNED_CERT", "`tls.ca`"))

  it("of a certificate for another name", () =>
    told(
      { url: secure.url, tls: { ca: secure.ca, servername: "example.com" } },
      "refused",
      "ERR_TLS_CERT_ALTNAME_INVALID"
    ))

  it("of TLS that is missing on one side", async () => {
    await told(
      secure.url.replace("rediss", "redis"),
      "unavailable",
      "if it wants TLS, connect with rediss://"
    )
    const url = open.url.replace("redis", "rediss")
    await told(
      { url, connectTimeoutMs: 300 },
      "unavailable",
      "if it does not speak TLS, connect with redis://"
    )
  })

  it("of a replica", async () => {
    await using replica = await startRedis({ config: { replicaof: `127.0.0.1 ${open.port}` } })
    await told(replica.url, "refused", "read-only replica", "primary")
  })

  it("of a server that is no cluster", () =>
    told(open.url.replace("redis:", "redis+cluster:"), "refused", "is not a cluster", "redis://"))

  it("of a version that is too old", async () => {
    await using old = await introducing("redis", "6.2.14")
    await told(urlOf(old), "refused", "Redis 6.2.14", "weft needs Redis 7 or later, or Valkey")
  })

  it("of a server that loads its data", async () => {
    // Each key takes it 2 ms.
    await using slow = await startRedis({
      config: { "key-load-delay": "2000", "loading-process-events-interval-bytes": "1024" }
    })
    await slow.command("EVAL", "for i = 1, 1000 do redis.call('SET', i, i) end", 0)
    await slow.command("SAVE")
    await slow.kill()
    const started = slow.start()
    let error = await failed(slow.url)
    while (error.message.includes("nothing listens")) error = await failed(slow.url)
    expect([error.reason, error.message]).toEqual(["unavailable", expect.stringContaining("still loading")])
    await started
    expect(await connected(slow.url)).toBe("OK")
  })
})
