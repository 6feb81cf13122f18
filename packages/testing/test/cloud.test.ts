// A cloud of one's own: that it is found, and gone with the command that it is for.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { expect, it, vi } from "vitest"

vi.setConfig({ testTimeout: 60_000 })

const program = join(import.meta.dirname, "../src/localCloud.ts")

const localCloud = async (...command: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, ["--conditions=@weft/source", program, ...command], {
    stdio: ["ignore", "pipe", "pipe"]
  })
  const [stdout, stderr, [code]] = await Promise.all([
    child.stdout.setEncoding("utf8").toArray(),
    child.stderr.setEncoding("utf8").toArray(),
    once(child, "close")
  ])
  return { code: code as number, stdout: stdout.join(""), stderr: stderr.join("") }
}

const asks = `
  const [redis, s3, lambda] = [process.env.WEFT_STORE, process.env.AWS_ENDPOINT_URL_S3, process.env.AWS_ENDPOINT_URL_LAMBDA]
  const socket = require("node:net").connect(new URL(redis).port, "127.0.0.1", () => socket.end("PING\\r\\n"))
  socket.setEncoding("utf8").on("data", async (pong) => {
    const bucket = new URL(process.env.WEFT_OBJECTS).hostname
    const found = await fetch(s3 + "/" + bucket, { method: "HEAD" })
    console.log(JSON.stringify([pong.trim(), found.status, lambda]))
    process.exitCode = 7
  })
`

it("a command finds all three, and its exit code is the end; then they are gone", async () => {
  const { code, stderr, stdout } = await localCloud(process.execPath, "-e", asks)
  expect({ code, stderr }).toEqual({ code: 7, stderr: "" })
  const [pong, bucket, lambda] = JSON.parse(stdout) as [string, number, string]
  expect([pong, bucket]).toEqual(["+PONG", 200])
  await expect(fetch(lambda)).rejects.toThrow()
})

it("says what it wants, and what cannot be run", async () => {
  expect(await localCloud()).toMatchObject({ code: 2, stderr: expect.stringContaining("usage:") })
  expect(await localCloud("no-such-program")).toMatchObject({
    code: 127,
    stderr: expect.stringContaining("no-such-program cannot be run")
  })
})

it("a command that is killed ends with the signal's code", async () => {
  expect(await localCloud(process.execPath, "-e", "process.kill(process.pid, 'SIGKILL')")).toMatchObject({
    code: 137
  })
})
