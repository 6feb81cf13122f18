import { Stores } from "@weft/storage"
import { describe, expect, it } from "vitest"
import * as Connections from "../../src/internal/Connections.ts"
import { fromUrl, InvalidStore, inMemory } from "../../src/internal/StoreUrl.ts"

describe("a store's URL", () => {
  it("makes the stores that it names", async () => {
    expect(await fromUrl("memory", undefined)).toBe(inMemory)
    expect((await fromUrl("redis://user:secret@host:7000/2", undefined)).name).toBe("redis://host:7000/2")
    expect((await fromUrl("rediss://host", "s3://bucket/a/b?region=eu-central-1")).name).toBe(
      "rediss://host:6379 + s3://bucket/a/b"
    )
  })

  it.each([
    [
      "localhost:6379",
      undefined,
      /"localhost:6379" cannot be used: this is no URL; write redis:\/\/localhost/
    ],
    [
      "mysql://me:secret@host/db",
      undefined,
      /"mysql:\/\/host\/db" cannot be used: there is no adapter for mysql:/
    ],
    ["memory", "s3://bucket", /objects go elsewhere only if runs do, too/],
    ["redis://host", "bucket", /"bucket" cannot be used: objects go to S3: write s3:\/\/bucket\/prefix/],
    ["redis://host", "s3://", /it names no bucket/],
    [
      "redis://host",
      "s3://key:secret@bucket",
      /"s3:\/\/bucket" cannot be used: credentials are not taken from it/
    ],
    ["redis://host", "s3://bucket?zone=1", /it has no parameter "zone"; there are region and endpoint/]
  ])("is refused if it is wrong, and shows no secret: %s %s", async (store, objects, message) => {
    const refused = await fromUrl(store, objects).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(InvalidStore)
    expect((refused as Error).message).toMatch(message)
    expect((refused as Error).message).not.toContain("secret")
  })
})

describe("connections", () => {
  const reference = { module: "file:///nowhere.ts", options: {} }

  it("are shared while somebody uses them, and end with the last", async () => {
    const stores = { ...Stores.memory(), reference }
    const one = await Connections.use(stores, undefined)
    const two = await Connections.use(stores, undefined)
    expect(two.runtime).toBe(one.runtime)
    await one.end()
    expect((await Connections.use(stores, undefined)).runtime).toBe(one.runtime)
    await two.end()
    await two.end()
    const three = await Connections.use(stores, undefined)
    expect(three.runtime).not.toBe(one.runtime)
    await three.end()
  })

  it("to what only this process has are kept", async () => {
    const stores = Stores.memory()
    const one = await Connections.use(stores, undefined)
    await one.end()
    expect((await Connections.use(stores, undefined)).runtime).toBe(one.runtime)
  })

  it("are not remembered if they cannot be made", async () => {
    await expect(Connections.use("nothing", undefined)).rejects.toBeInstanceOf(InvalidStore)
    await expect(Connections.use("nothing", undefined)).rejects.toBeInstanceOf(InvalidStore)
  })

  it("take no objects' URL beside stores that are no URL", async () => {
    await expect(Connections.use(Stores.memory(), "s3://bucket")).rejects.toThrow(
      /there is `withS3\(stores, …\)`/
    )
  })
})
