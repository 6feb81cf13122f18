import { Codec } from "@weft/core"
import { describe, expect, it } from "vitest"
import { Values } from "../src/Values.ts"

const bytes = (size: number) => Codec.encode("x".repeat(size))

describe("Values", () => {
  it("gives the very value that was made here", () => {
    const values = new Values()
    const made = { a: [1] }
    values.made(1, made, 1)
    expect(values.get(1)).toBe(made)
    expect(Codec.decode(values.bytes(1))).toEqual(made)
  })

  it("decodes a value that came as bytes once, and encodes one that was made once", () => {
    const values = new Values()
    values.came(1, Codec.encode({ a: 1 }), true)
    expect(values.get(1)).toBe(values.get(1))
    values.made(2, { a: 1 }, 1)
    expect(values.bytes(2)).toBe(values.bytes(2))
  })

  it("keeps what it has if the same value comes again", () => {
    const values = new Values()
    const made = { a: 1 }
    values.made(1, made, 1)
    values.came(1, Codec.encode({ a: 2 }), true)
    expect(values.get(1)).toBe(made)
  })

  it("drops a value that is in no store with its last pin", () => {
    const values = new Values()
    values.made(1, "value", 2)
    values.unpin(1)
    expect(values.has(1)).toBe(true)
    values.unpin(1)
    expect(values.has(1)).toBe(false)
  })

  it("knows how many readers are left of a value that goes to a store late", () => {
    const values = new Values()
    values.made(1, "value", 2)
    expect(values.readersLeft(1, 3)).toBe(3)
    values.released(1, -1)
    expect(values.readersLeft(1, 3)).toBe(2)
    // A gate has let more in.
    values.released(1, 4)
    expect(values.readersLeft(1, 3)).toBe(6)
    expect(values.readersLeft(2, 1)).toBe(1)
  })

  it("forgets what was only needed for a moment, but nothing that others need or that has cost a read", () => {
    const values = new Values()
    values.made("for a moment", 1, 0)
    values.made("pinned", 2, 1)
    values.came("read", bytes(10), true)
    for (const instance of ["for a moment", "pinned", "read"]) values.forget(instance)
    expect(["for a moment", "pinned", "read"].map((instance) => values.has(instance))).toEqual([
      false,
      true,
      true
    ])
  })

  it("keeps a value that is in a store as a cache", () => {
    const values = new Values()
    values.made(1, "value", 1)
    values.bytes(1)
    values.setStored(1)
    values.unpin(1)
    expect(values.has(1)).toBe(true)
  })

  it("drops cached values beyond its limit, oldest first, and no pinned ones", () => {
    const values = new Values(undefined, 1000)
    values.came("pinned", bytes(400), true)
    values.pin("pinned")
    for (let i = 0; i < 5; i++) values.came(i, bytes(240), true)
    // What one node reads is here all together.
    expect(values.has(0)).toBe(true)
    values.trim()
    expect(values.has("pinned")).toBe(true)
    expect(values.has(0)).toBe(false)
    expect(values.has(4)).toBe(true)
  })

  it("keeps its account of the cache while values are pinned and let go", () => {
    const values = new Values(undefined, 1000)
    for (let round = 0; round < 100; round++) {
      values.came("a", bytes(400), true)
      values.pin("a")
      values.unpin("a")
    }
    values.came("b", bytes(400), true)
    values.trim()
    expect([values.has("a"), values.has("b")]).toEqual([true, true])
  })

  it("keeps what was fetched ahead until somebody asks for it", () => {
    const values = new Values(undefined, 1000)
    for (let i = 0; i < 10; i++) values.cameAhead(i, bytes(400), 1)
    expect(values.aheadBytes).toBe(10 * bytes(400).length)
    values.trim()
    expect(Array.from({ length: 10 }, (_, i) => values.has(i))).not.toContain(false)
    for (let i = 0; i < 5; i++) values.pin(i)
    for (let i = 5; i < 10; i++) values.get(i)
    expect(values.aheadBytes).toBe(0)
    values.trim()
    expect(Array.from({ length: 10 }, (_, i) => values.has(i)).indexOf(false)).toBe(5)
  })

  it("knows what would be lost with the worker", () => {
    const values = new Values()
    values.made("held", 1, 1)
    values.made("stored", 2, 1)
    values.setStored("stored")
    values.came("carried", Codec.encode(3), false)
    values.pin("carried")
    values.came("fetched", Codec.encode(4), true)
    values.pin("fetched")
    expect([...values.unstored()]).toEqual(["held", "carried"])
    expect([values.isHeld("held"), values.isHeld("stored"), values.isHeld("nowhere")]).toEqual([
      true,
      false,
      false
    ])
  })

  it("takes for stored what it does not have", () => {
    expect(new Values().isStored("nowhere")).toBe(true)
  })

  it("does not mind pins on what it does not have", () => {
    const values = new Values()
    values.pin(1)
    values.unpin(1)
    expect(values.has(1)).toBe(false)
  })
})
