import { ObjectStore } from "@weft/storage"
import type { Invocation } from "@weft/worker"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { Event } from "../src/Events.ts"
import { compose, type EventError, type RunSettings, read, type Task } from "../src/Payload.ts"

const settings: RunSettings = {
  leaseMs: 10_000,
  parallelism: 1000,
  fanOut: 16,
  idleMs: 1000,
  functions: new Map([
    [128, "weft-test-128:3"],
    [1024, "weft-test-1024:7"]
  ]),
  document: undefined
}

const invocation = (worker: string, parts: Partial<Invocation> = {}): Invocation => ({
  run: "run-1",
  worker,
  named: false,
  work: [{ instance: 3, attempt: 1 }],
  values: [],
  spawn: [],
  ...parts
})

const random = (size: number) => {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}

/** Sends a task as the invoker does, and reads it as the handler does. */
const send = async (task: Task) => {
  const composed = compose(task)
  const { object } = composed
  const found = await Effect.runPromise(
    Effect.gen(function* () {
      const objects = yield* ObjectStore
      if (object !== undefined) yield* objects.put("run-1", object.key, object.bytes)
      const event = yield* Schema.decodeUnknownEffect(Event)(JSON.parse(composed.event))
      if (event.weft !== "work") throw new Error("no work")
      return yield* read(event, objects)
    }).pipe(Effect.provide(ObjectStore.layerMemory))
  )
  return { composed, found }
}

describe("an event", () => {
  it("says all that an invocation says", async () => {
    const whole = invocation("a", {
      work: [
        { instance: 3, attempt: 1 },
        { instance: "4[1,2]", attempt: 2 }
      ],
      adopted: true,
      from: "b",
      memoryMiB: 128,
      limited: { instance: 3, workers: 1 },
      values: [[1, new Uint8Array([1, 2]), true]],
      spawn: [
        invocation("c", { named: true, work: [], values: [["2[0]", new Uint8Array(), false]] }),
        invocation("d", { spawn: [invocation("e")] })
      ]
    })
    const document = {
      graph: new Uint8Array([1]),
      plan: new Uint8Array([2]),
      module: "file:///tasks.ts",
      behaviours: [{ module: "file:///b.ts", annotation: "b" }]
    }
    const task = { invocation: whole, settings: { ...settings, document }, seen: [[0, 3, 12.5]] as const }
    expect((await send(task)).found).toEqual(task)
  })

  it("tells people which worker of which run it starts", () => {
    expect(JSON.parse(compose({ invocation: invocation("a"), settings, seen: [] }).event)).toMatchObject({
      weft: "work",
      run: "run-1",
      worker: "a"
    })
  })

  it("has a value once that many workers read", async () => {
    const value = [1, random(50_000), false] as const
    const one = invocation("a", { values: [value] })
    const many = {
      ...one,
      spawn: Array.from({ length: 60 }, (_, i) => invocation(`w-${i}`, { values: [value] }))
    }
    const { composed, found } = await send({ invocation: many, settings, seen: [] })
    expect(composed.event.length).toBeLessThan(
      2 * compose({ invocation: one, settings, seen: [] }).event.length
    )
    expect(found.invocation).toEqual(many)
  })

  it("is packed where that makes it smaller", async () => {
    const text = new Uint8Array(100_000).fill(97)
    const { composed, found } = await send({
      invocation: invocation("a", { values: [[1, text, false]] }),
      settings,
      seen: []
    })
    expect(composed.event.length).toBeLessThan(2000)
    expect(found.invocation.values).toEqual([[1, text, false]])
  })

  it("goes without values that lie in a store before it is too large", async () => {
    const stored = [1, random(700_000), true] as const
    const own = [2, random(700_000), false] as const
    const { composed, found } = await send({
      invocation: invocation("a", { values: [stored, own] }),
      settings,
      seen: []
    })
    expect(composed.object).toBeUndefined()
    expect(composed.event.length).toBeLessThanOrEqual(1_000_000)
    expect(found.invocation.values).toEqual([own])
  })

  it("goes by way of the object store if it is too large all the same", async () => {
    const own = [[1, random(700_000), false] as const, [2, random(700_000), false] as const]
    const { composed, found } = await send({
      invocation: invocation("a", { values: own }),
      settings,
      seen: []
    })
    expect(composed.object?.key).toBe("invoke/a")
    expect(composed.event.length).toBeLessThan(300)
    expect(found.invocation.values).toEqual(own)
  })
})

describe("what cannot be worked on", () => {
  const refused = (event: object): Promise<EventError> =>
    Effect.runPromise(
      Effect.gen(function* () {
        return yield* Effect.flip(
          read({ weft: "work", version: 1, run: "run-1", worker: "a", ...event }, yield* ObjectStore)
        )
      }).pipe(Effect.provide(ObjectStore.layerMemory))
    ) as Promise<EventError>

  it.each([
    ["an event without a body", {}, "it has no body"],
    ["one whose body is gone", { object: "invoke/a" }, "is gone"],
    ["one that is no CBOR", { body: new Uint8Array([255, 1, 2]) }, "its body cannot be read"],
    ["one of another shape", { body: new Uint8Array([1]) }, "its body cannot be read"],
    [
      "one that unpacks to more than it says",
      { body: random(40), unpackedBytes: 10 },
      "its body cannot be read"
    ]
  ])("%s", async (_, event, message) => {
    const error = await refused(event)
    expect(error._tag).toBe("EventError")
    expect(error.message).toContain(message)
  })

  it("one that names a value it does not have", async () => {
    const task = {
      invocation: invocation("a", { values: [[1, new Uint8Array([1]), false]] }),
      settings,
      seen: []
    }
    const event = JSON.parse(compose(task).event) as { body: string }
    const body = Buffer.from(event.body, "base64")
    // The only `values: [0]`: an array of one number.
    const at = body.indexOf(Buffer.from([0x66, ...Buffer.from("values"), 0x81, 0x00]))
    body[at + 8] = 5
    expect((await refused({ body })).message).toContain("there is no value 5")
  })
})
