// What the laboratory stands on: time, processes that die or stand still, and calls that go wrong.
import { Coordination, CoordinationMemory, ObjectStore } from "@weft/storage"
import { Process, World } from "@weft/worker/virtual"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { Adversary, type CallFault } from "../src/Adversary.ts"
import { Network } from "../src/Network.ts"

const ALWAYS = { ms: 1e6, steps: 1000 }
const nothing = Context.empty()

describe("a world", () => {
  it("does things in the order of their times, and of the same time in the order of asking", async () => {
    const world = new World(1)
    const done: Array<string> = []
    const note = (what: string) => () => void done.push(`${what} at ${world.now}`)
    world.after(20, note("c"))
    world.after(10, note("a"))
    world.after(20, note("d"))
    world.after(10, () => {
      note("b")()
      world.post(note("then"))
    })
    world.after(15, note("never"))()
    expect(await world.go(() => done.length === 5, ALWAYS)).toBe("done")
    expect(done).toEqual(["a at 10", "b at 10", "then at 10", "c at 20", "d at 20"])
  })

  it("says that it is stuck, or goes on for too long", async () => {
    expect(await new World(1).go(() => false, ALWAYS)).toBe("stuck")
    for (const [limits, stop] of [
      [{ ms: 1000, steps: 1e6 }, "too long"],
      [{ ms: 1e6, steps: 50 }, "too many steps"]
    ] as const) {
      const world = new World(1)
      const again = () => void world.after(10, again)
      again()
      expect(await world.go(() => false, limits)).toBe(stop)
    }
  })

  it("waits for what a promise leads to", async () => {
    const world = new World(1)
    let isThere = false
    world.after(10, () => {
      world.settled = true
      void Promise.resolve()
        .then(async () => {
          await undefined
        })
        .then(() => world.post(() => void (isThere = true)))
    })
    world.after(11, () => {
      expect(isThere).toBe(true)
    })
    expect(await world.go(() => world.now === 11, ALWAYS)).toBe("done")
  })
})

/** A process in which a fiber sleeps, and notes what becomes of it. */
const sleeper = (world: World) => {
  const process = new Process(world, "p")
  const noted: Array<string> = []
  const note = (what: string) => Effect.sync(() => void noted.push(`${what} at ${world.now}`))
  process.fork(
    Effect.sleep(100).pipe(Effect.andThen(note("woken")), Effect.ensuring(note("finalizer"))),
    nothing
  )
  return { process, noted }
}

describe("a process", () => {
  it("runs no finalizers when it crashes", async () => {
    const world = new World(1)
    const { noted, process } = sleeper(world)
    world.after(50, () => process.crash())
    expect(await world.go(() => false, ALWAYS)).toBe("stuck")
    expect(process.fate).toBe("crashed")
    expect(noted).toEqual([])
  })

  it("hears what came while it stood still afterwards, in order", async () => {
    const world = new World(1)
    const { noted, process } = sleeper(world)
    world.after(50, () => process.stall(1000))
    world.after(60, () => process.deliver(() => noted.push(`heard at ${world.now}`)))
    await world.go(() => noted.length === 3, ALWAYS)
    expect(noted).toEqual(["heard at 1050", "woken at 1050", "finalizer at 1050"])
  })

  it("ends its threads with it, which go on while it stands still", async () => {
    const world = new World(1)
    const process = new Process(world, "p")
    const thread = new Process(world, "thread", process)
    const heard: Array<number> = []
    for (const ms of [10, 30]) thread.after(ms, () => heard.push(world.now))
    process.stall(20)
    world.after(20, () => process.crash())
    await world.go(() => false, ALWAYS)
    expect(heard).toEqual([10])
    expect(thread.fate).toBe("crashed")
  })
})

describe("a call", () => {
  /** Puts an object while something goes wrong with that; what the caller is told, and whether the object is there. */
  const put = async (kind: CallFault | undefined, prepare: (process: Process) => void = () => {}) => {
    const world = new World(1)
    const process = new Process(world, "p")
    const stores = Effect.runSync(
      Effect.all({ coordination: Coordination, objects: ObjectStore }).pipe(
        Effect.provide(CoordinationMemory.layer),
        Effect.provide(ObjectStore.layerMemory)
      )
    )
    const faults = kind === undefined ? [] : [{ kind, at: 0, victim: 0, forMs: 500 }]
    const adversary = new Adversary(
      world,
      { faults, rates: { calls: 0, invocations: 0, messages: 0 } },
      { workers: () => [process], clients: () => [], secondClient: () => {}, falseAlarm: () => {} }
    )
    const network = new Network(world, stores, adversary, { latencyMs: 1, inlineBytes: 0 })
    prepare(process)
    let told = "nothing"
    const call = network.objectsOf(process).put("run", "key", new Uint8Array([1]))
    process.fork(call, nothing).addObserver((exit) => {
      told = exit._tag === "Success" ? "success" : "failure"
    })
    const usage = () => Effect.runSync(stores.objects.usage)
    await world.go(() => told !== "nothing" || world.now > 100, ALWAYS)
    const early = usage()
    await world.go(() => false, ALWAYS)
    return { told, early, late: usage() }
  }

  it.each<readonly [CallFault | undefined, string, number, number]>([
    [undefined, "success", 1, 1],
    ["lose-request", "failure", 0, 0],
    ["lose-answer", "failure", 1, 1],
    ["late-request", "failure", 0, 1],
    ["double-call", "success", 1, 1],
    ["slow-call", "success", 1, 1],
    ["crash-before", "nothing", 0, 0],
    ["crash-after", "nothing", 1, 1]
  ])("with the fault %s: the caller is told %s", async (kind, told, early, late) => {
    expect(await put(kind)).toEqual({ told, early, late })
  })

  it("of a process that is cut off is not made before the cut is over", async () => {
    const { early, told } = await put(undefined, (process) => process.cut(10_000))
    expect(told).not.toBe("nothing")
    expect(told === "success").toBe(early === 1)
  })
})
