// What a put costs besides sending: over TLS, its bytes are not hashed for the signature.
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { createServer, type Server } from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { getCACertificates, setDefaultCACertificates } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import { ObjectStore } from "@weft/storage"
import { ObjectStoreS3 } from "@weft/storage-s3"
import { makeCertificate } from "@weft/testing"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll } from "vitest"
import { layerOf, type S3Proxy, startS3Proxy } from "./S3Proxy.ts"

let proxy: S3Proxy
let server: Server
const trusted = getCACertificates("default")
const hashes: Array<unknown> = []

beforeAll(async () => {
  proxy = await startS3Proxy()
  const folder = await mkdtemp(join(tmpdir(), "weft-s3-"))
  const { certificate, key } = await makeCertificate(folder)
  const [cert, secret] = await Promise.all([readFile(certificate, "utf8"), readFile(key, "utf8")])
  await rm(folder, { recursive: true })
  setDefaultCACertificates([...trusted, cert])
  server = createServer({ cert, key: secret }, (incoming, outgoing) => {
    hashes.push(incoming.headers["x-amz-content-sha256"])
    incoming.resume().once("end", () => outgoing.setHeader("etag", '"1"').end())
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
})
afterAll(async () => {
  setDefaultCACertificates(trusted)
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await proxy[Symbol.asyncDispose]()
})

const put = ObjectStore.use((store) => store.put("r", "a", new Uint8Array(1_000)))

describe("the signature", () => {
  it.live("over TLS leaves out what is sent", () =>
    Effect.gen(function* () {
      const endpoint = `https://localhost:${(server.address() as AddressInfo).port}`
      yield* Effect.provide(put, ObjectStoreS3.layer({ ...proxy.options, endpoint }))
      assert.deepStrictEqual(hashes, ["UNSIGNED-PAYLOAD"])
    })
  )

  it.live("without TLS it covers what is sent", () =>
    Effect.gen(function* () {
      yield* Effect.provide(put, layerOf(proxy))
      assert.match(String(proxy.asked[0]?.headers["x-amz-content-sha256"]), /^[0-9a-f]{64}$/)
    })
  )
})
