// Values that are fetched before they are asked for: what that costs, and what it may not.
import { Preload, preload, preloading } from "@weft/annotations"
import { annotation, behaviour, type InstanceId } from "@weft/core"
import { type Coordination, type ObjectStore, StoreError } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { inline } from "../src/index.ts"
import { begin, join, late, produce } from "./fixtures/placement.ts"
import { byName, end, type Settings } from "./harness.ts"

/** How often each value was got from the stores, and which hints workers were given. */
const counting = () => {
  const got = new Map<InstanceId, number>()
  const told: Array<ReadonlyArray<InstanceId>> = []
  let calls = 0
  const count = (instance: InstanceId) => got.set(instance, (got.get(instance) ?? 0) + 1)
  const coordination = (real: Coordination["Service"]): Coordination["Service"] => ({
    ...real,
    read: (run, instances) =>
      Effect.tap(real.read(run, instances), (values) =>
        Effect.sync(() => {
          calls++
          for (const [i, value] of values.entries()) if (value instanceof Uint8Array) count(instances[i]!)
        })
      ),
    publish: (run, channel, message) => {
      if (message.type === "kept") told.push(message.values)
      return real.publish(run, channel, message)
    }
  })
  const objects = (real: ObjectStore["Service"]): ObjectStore["Service"] => ({
    ...real,
    get: (run, keys) => {
      for (const key of keys) count(Number(key.replace("value/", "")))
      return real.get(run, keys)
    }
  })
  return { got, told, coordination, objects, calls: () => calls }
}

const [BEGIN, PRODUCE, LATE, JOIN] = [0, 1, 2, 3]
const LATE_MS = 200
const SMALL = 5000
const LARGE = 3_000_000

//  begin(a) ── produce(b) ─┬─ late(b) ─┬─ join(a)
//                          └───────────┘
const chain = (size: number, of = join) => {
  const bytes = produce(size, begin(1))
  return of(bytes, late(LATE_MS, bytes))
}
const workers = {
  begin: { worker: "a" },
  produce: { worker: "b" },
  late: { worker: "b" },
  join: { worker: "a" }
}
const plan = byName(workers)
const engine = inline({ idleMs: 60_000 })

const succeed = async (targets: unknown, settings: Settings) => {
  const { failures, messages, status, value } = await end(targets, settings)
  expect({ failures, status }).toEqual({ failures: [], status: "succeeded" })
  const measures = messages.flatMap((one) => (one.type === "completed" ? one.completions : []))
  return { value, inputBytes: measures.find(({ instance }) => instance === JOIN)?.measure.inputBytes }
}

describe("a preloaded input", () => {
  it.each([SMALL, LARGE])("of %d bytes is got once, and not when the node runs", async (size) => {
    const { coordination, got, objects, told } = counting()
    const settings = { engine, plan, coordination, objects, behaviours: [preloading] }
    const { inputBytes, value } = await succeed(chain(size, preload(join)), settings)
    expect(value).toBe(size + LATE_MS)
    expect(inputBytes).toBeLessThan(100)
    expect(got.get(PRODUCE)).toBe(1)
    expect(told.flat().toSorted()).toEqual([PRODUCE, LATE])
  })

  it("that was complete before its worker came again is there before its node asks", async () => {
    const { coordination, got } = counting()
    const settings = { engine: inline({ idleMs: 1 }), plan, coordination, behaviours: [preloading] }
    const { inputBytes, value } = await succeed(chain(SMALL, preload(join)), settings)
    expect(value).toBe(SMALL + LATE_MS)
    expect(inputBytes).toBe(0)
    // What was complete while it was there, it may have got before.
    expect(got.get(LATE)).toBe(1)
    expect(got.get(PRODUCE)).toBeLessThanOrEqual(2)
  })

  it("is what a plan says, whatever the task does", async () => {
    const { coordination, told } = counting()
    const off = byName({ ...workers, join: { worker: "a", annotations: { [Preload.annotation]: false } } })
    const settings = { engine, coordination, behaviours: [preloading] }
    const { inputBytes } = await succeed(chain(SMALL, preload(join)), { ...settings, plan: off })
    expect(inputBytes).toBeGreaterThan(SMALL)
    expect(told).toEqual([])
  })

  it("that could not be fetched ahead is fetched when it is needed", async () => {
    let failures = 0
    const coordination = (real: Coordination["Service"]): Coordination["Service"] => ({
      ...real,
      read: (run, instances) => {
        if (!instances.includes(PRODUCE!) || failures > 1) return real.read(run, instances)
        failures++
        return Effect.fail(new StoreError({ reason: "refused", operation: "read", detail: "not now" }))
      }
    })
    const settings = { engine, plan, coordination, behaviours: [preloading] }
    expect((await succeed(chain(SMALL, preload(join)), settings)).value).toBe(SMALL + LATE_MS)
    expect(failures).toBe(2)
  })
})

describe("without the annotation", () => {
  it.each([
    ["the behaviour", [preloading]],
    ["any behaviour", []]
  ])("nobody is told of anything, and nothing is asked for: %s", async (_, behaviours) => {
    const { calls, coordination, told } = counting()
    await succeed(chain(SMALL), { engine, plan, coordination, behaviours })
    expect(told).toEqual([])
    // `produce` and `join` get their arguments together, the client its result.
    expect(calls()).toBe(3)
  })

  it("costs flexible workers nothing either", async () => {
    const { calls, coordination, told } = counting()
    await succeed(chain(SMALL, preload(join)), { engine, coordination, behaviours: [preloading] })
    expect([calls(), told]).toEqual([1, []])
  })
})

/** A behaviour of somebody else's: what is asked for while a node runs. */
const Soon = annotation("soon", Schema.Struct({ node: Schema.Int, announced: Schema.Boolean }))
const soon = behaviour(
  import.meta,
  Soon,
  { execute: ({ preload, value }, next) => Effect.andThen(preload([value.node]), next) },
  { announces: ({ announced }) => announced }
)

describe("a behaviour of one's own", () => {
  it("may ask for it at any time, and say for which values workers are told", async () => {
    const { coordination, told } = counting()
    const on = (node: number, announced: boolean): Readonly<Record<string, unknown>> => ({
      [Soon.annotation]: { node, announced }
    })
    const own = byName({
      ...workers,
      begin: { worker: "a", annotations: on(JOIN!, false) },
      join: { worker: "a", annotations: on(BEGIN!, true) }
    })
    const { inputBytes } = await succeed(chain(SMALL), {
      engine,
      plan: own,
      coordination,
      behaviours: [soon]
    })
    expect(inputBytes).toBeLessThan(100)
    expect(told.flat()).toContain(PRODUCE)
  })
})
