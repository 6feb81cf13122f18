// The servers that other tests rely on: that they are there, keep what they should, and never stay behind.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Redis } from "ioredis"
import { afterEach, describe, expect, it, vi } from "vitest"
import { startRedis, startRedisCluster, startS3 } from "../src/index.ts"

afterEach(() => void vi.unstubAllEnvs())

/** Whether a process is there and not merely waiting to be reaped. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return true
}

describe("startRedis", () => {
  it("gives a server of one's own, and takes it away", async () => {
    const [a, b] = await Promise.all([startRedis(), startRedis()])
    await a.command("SET", "key", "a")
    expect(await b.command("GET", "key")).toBe(null)
    const [folder] = [(await a.command("CONFIG", "GET", "dir")) as ReadonlyArray<string>]
    const pid = a.pid!
    await Promise.all([a.stop(), b.stop()])
    expect([isAlive(pid), existsSync(folder[1]!), a.pid]).toEqual([false, false, undefined])
    await a.stop()
  })

  it("ends at the end of a block", async () => {
    let pid: number
    {
      await using redis = await startRedis()
      pid = redis.pid!
      expect(isAlive(pid)).toBe(true)
    }
    expect(isAlive(pid)).toBe(false)
  })

  it("comes back under the same port with what it has saved", async () => {
    await using redis = await startRedis({ config: { appendonly: "yes", appendfsync: "always" } })
    await redis.command("SET", "key", "kept")
    const { pid, url } = redis
    await redis.restart()
    expect([redis.url, redis.pid === pid, await redis.command("GET", "key")]).toEqual([url, false, "kept"])
    await redis.kill()
    await redis.start()
    expect(await redis.command("GET", "key")).toBe("kept")
  })

  it("does nothing while it is paused", async () => {
    await using redis = await startRedis()
    redis.pause()
    let answered = false
    const answer = redis.command("PING").then(() => (answered = true))
    await new Promise(setImmediate)
    expect(answered).toBe(false)
    redis.resume()
    await answer
  })

  it("takes a password, and speaks TLS", async () => {
    await using closed = await startRedis({ config: { requirepass: "a b/c" } })
    expect(await closed.command("PING")).toBe("PONG")
    await using secure = await startRedis({ tls: true })
    expect(secure.url).toMatch(/^rediss:/)
    const client = new Redis(secure.url, { tls: { ca: secure.ca! } })
    expect(await client.ping()).toBe("PONG")
    client.disconnect()
  })

  it("says what the server printed if it does not start", async () => {
    await expect(startRedis({ config: { "no-such-setting": "1" } })).rejects.toThrow(
      /no-such-setting.*Bad directive/s
    )
  })

  it("says how to install it if it is not there", async () => {
    vi.stubEnv("PATH", "/nowhere")
    await expect(startRedis()).rejects.toThrow("apt-get install redis-server")
  })

  it("dies with whoever started it, and leaves no folder", async () => {
    const program = join(import.meta.dirname, "fixtures/dying.ts")
    const parent = spawn(process.execPath, ["--conditions=@weft/source", program], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    const [line] = await once(parent.stdout.setEncoding("utf8"), "data")
    const { folder, port } = JSON.parse(line) as { readonly folder: string; readonly port: number }
    expect(existsSync(folder)).toBe(true)
    parent.kill("SIGKILL")
    await expect.poll(() => existsSync(folder)).toBe(false)
    const client = new Redis(port, { retryStrategy: () => null, lazyConnect: true })
    client.on("error", () => {})
    await expect(client.connect()).rejects.toThrow()
  })
})

describe("startRedisCluster", () => {
  it("gives masters that share all slots", async () => {
    await using cluster = await startRedisCluster()
    expect(cluster.nodes).toHaveLength(3)
    for (const node of cluster.nodes) {
      const info = String(await node.command("CLUSTER", "INFO"))
      expect(info).toContain("cluster_state:ok")
      expect(info).toContain("cluster_slots_ok:16384")
    }
  })
})

describe("startS3", () => {
  it("keeps objects in buckets", async () => {
    await using s3 = await startS3()
    await s3.createBucket("bucket")
    const url = `${s3.endpoint}/bucket/key`
    expect((await fetch(url, { method: "PUT", body: "hello" })).status).toBe(200)
    expect(await (await fetch(url)).text()).toBe("hello")
    expect((await fetch(`${s3.endpoint}/other/key`)).status).toBe(404)
  })
})
