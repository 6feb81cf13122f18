// A worker holds on to large values: it runs what reads them itself, and stores them when others will read them.
import { assert, describe, it } from "@effect/vitest"
import { Flow, GraphBuilder, type InstanceId, Plan, task } from "@weft/core"
import { CLIENT, type Completion, Coordination, CoordinationMemory, ObjectStore } from "@weft/storage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Invocation } from "../src/Invocation.ts"
import { Host, type Invoker, RunContext, Worker } from "../src/index.ts"
import { Held, held } from "./holding.ts"

const RUN = "run"
const host = Host.of({ idle: (waiting) => waiting, guard: () => () => {} })
const stores = Effect.provide(Layer.fresh(Layer.mergeAll(CoordinationMemory.layer, ObjectStore.layerMemory)))

/** What ran, in order, and what happens while something runs. */
const ran: Array<string> = []
let meanwhile: ((name: string) => void) | undefined
const large = task("large", (bytes: number) => {
  ran.push("large")
  return new Uint8Array(bytes).fill(7)
})
const part = task("part", (name: string, of: Uint8Array) => {
  ran.push(name)
  meanwhile?.(name)
  return `${name}: ${of.length}`
})
const other = task("other", () => "other")
const both = task("both", (of: Uint8Array, text: string) => {
  ran.push("both")
  return `${of.length} and ${text}`
})
const all = task("all", (...texts: ReadonlyArray<string>) => texts.join("; "))

const LARGE = 3 * 2 ** 20

interface Given {
  readonly clusters?: boolean
  readonly delays?: boolean
  readonly fromBytes?: number
  /** By node. */
  readonly positions?: Readonly<Record<number, number>>
}

const contextOf = (targets: unknown, { positions = {}, ...given }: Given) => {
  const { graph, tasks } = GraphBuilder.make(targets, "test")
  const { clusters = false, delays = false, fromBytes = 1000 } = given
  const nodes = new Map<number, Plan.NodePlan>()
  for (let id = 0; id < graph.size; id++) {
    const position = positions[id]
    const value = Held({ clusters, delays, fromBytes, ...(position === undefined ? {} : { position }) })
    nodes.set(id, { annotations: { [value.name]: value.value } })
  }
  const plan = Plan.make("test", { nodes })
  return new RunContext({ run: RUN, graph, plan, tasks, behaviours: [held] })
}

const completed = (
  instance: InstanceId,
  children: ReadonlyArray<readonly [InstanceId, number]>
): Completion => ({
  instance,
  keep: [{ instance, value: new Uint8Array([101, 111, 116, 104, 101, 114]), readers: 1 }],
  steps: children.map(([child, need]) => ({ instance: child, need, delta: -1 })),
  releases: [],
  added: 0,
  measure: { startedAt: 0, inputsMs: 0, executionMs: 0, inputBytes: 0, outputBytes: 0, tries: 1 }
})

/** Begins a run of which one worker is invoked for `work`; what it has stored, whom it has invoked, and what came of it. */
const play = Effect.fnUntraced(function* (
  targets: unknown,
  given: Given,
  work: ReadonlyArray<number>,
  script: {
    readonly before?: (store: Coordination["Service"]) => void
    readonly during?: (name: string, store: Coordination["Service"]) => void
  } = {}
) {
  const coordination = yield* Coordination
  const objects = yield* ObjectStore
  const context = contextOf(targets, given)
  const { graph } = context
  ran.length = 0
  yield* coordination.begin(
    {
      run: RUN,
      workflow: "test",
      document: () => ({ graph: new Uint8Array(), plan: new Uint8Array(), module: "", behaviours: [] }),
      ready: Flow.initial(graph).map((instance) => ({ instance })),
      targets: [...graph.targets],
      instances: graph.size,
      leaseMs: Number.POSITIVE_INFINITY,
      maxAttempts: 3
    },
    CLIENT
  )
  script.before?.(coordination)
  meanwhile = (name) => script.during?.(name, coordination)
  const put: Array<string> = []
  const invoked: Array<Invocation> = []
  const told: Array<string> = []
  const invoker: Invoker = {
    parallelism: 4,
    fanOut: 10,
    idleMs: 1,
    payloadBytes: 1000,
    worthMs: 0,
    invoke: (invocations) => Effect.sync(() => void invoked.push(...invocations))
  }
  const watched: Coordination["Service"] = {
    ...coordination,
    complete: (run, worker, completions) => {
      told.push(
        completions
          .map(
            ({ instance, keep }) =>
              `${instance}${keep.some((one) => one.value === "object") ? " stored" : ""}`
          )
          .join(", ")
      )
      return coordination.complete(run, worker, completions)
    }
  }
  const invocation: Invocation = {
    run: RUN,
    worker: "w",
    named: false,
    work: work.map((instance) => ({ instance, attempt: 1 })),
    values: [],
    adopted: true,
    spawn: []
  }
  yield* coordination.adopt(RUN, "w", work, undefined, CLIENT)
  yield* Worker.run(context, invocation, invoker).pipe(
    Effect.provideService(Host, host),
    Effect.provideService(Coordination, watched),
    Effect.provideService(ObjectStore, {
      ...objects,
      put: (run, key, bytes) => {
        put.push(key)
        return objects.put(run, key, bytes)
      }
    })
  )
  meanwhile = undefined
  const { status } = yield* coordination.state(RUN)
  return {
    put,
    told: told.filter((call) => call !== ""),
    ran: [...ran],
    invoked: invoked.flatMap(({ work }) => work.map(({ instance }) => instance)),
    status
  }
})

const run = (...args: Parameters<typeof play>) => play(...args).pipe(stores)

describe("clustering", () => {
  //        ┌─ 1 ─┐
  //   0 ───┼─ 2 ─┼─ 4
  //        └─ 3 ─┘
  const fanOut = (bytes: number) => {
    const root = large(bytes)
    return all(part("a", root), part("b", root), part("c", root))
  }

  it.effect("runs all that follows from a large value on its worker, and stores it nowhere", () =>
    Effect.gen(function* () {
      const found = yield* run(fanOut(LARGE), { clusters: true }, [0])
      assert.deepStrictEqual(found, {
        put: [],
        told: ["0, 1, 2, 3, 4"],
        ran: ["large", "a", "b", "c"],
        invoked: [],
        status: "succeeded"
      })
    })
  )

  it.effect("shares what follows from a small one", () =>
    Effect.gen(function* () {
      const found = yield* run(fanOut(100), { clusters: true }, [0])
      assert.deepStrictEqual([...found.invoked].sort(), [2, 3])
      assert.deepStrictEqual(found.ran, ["large", "a"])
    })
  )

  it.effect("stores a large value that others read, where nothing is clustered", () =>
    Effect.gen(function* () {
      const found = yield* run(fanOut(LARGE), {}, [0])
      assert.deepStrictEqual(found.put, ["value/0"])
      assert.deepStrictEqual([...found.invoked].sort(), [2, 3])
    })
  )

  it.effect("runs them in the order of their precedence, and becomes what comes first", () =>
    Effect.gen(function* () {
      const positions = { 1: 2, 2: 0, 3: 1 }
      const found = yield* run(fanOut(LARGE), { clusters: true, positions }, [0])
      assert.deepStrictEqual(found.ran, ["large", "b", "c", "a"])
      const shared = yield* run(fanOut(100), { clusters: true, positions }, [0])
      assert.deepStrictEqual(shared.ran, ["large", "b"])
    })
  )
})

describe("delayed I/O", () => {
  //   0 ──┬── 2          1 is another worker's
  //   1 ──┘
  const fanIn = () => both(large(LARGE), other())

  it.effect("stores nothing if the others have completed: the worker runs the fan-in", () =>
    Effect.gen(function* () {
      const before = (store: Coordination["Service"]) =>
        void Effect.runSync(store.complete(RUN, "v", [completed(1, [[2, 2]])]))
      for (const delays of [true, false]) {
        const found = yield* run(fanIn(), { delays }, [0], { before })
        assert.deepStrictEqual(found.put, delays ? [] : ["value/0"])
        assert.deepStrictEqual(found.ran, ["large", "both"])
        assert.strictEqual(found.status, "succeeded")
      }
    })
  )

  it.effect("stores the value before others can read it, if they have not", () =>
    Effect.gen(function* () {
      const found = yield* run(fanIn(), { delays: true, clusters: true }, [0])
      assert.deepStrictEqual(found, {
        put: ["value/0"],
        told: ["0 stored"],
        ran: ["large"],
        invoked: [],
        status: "running"
      })
    })
  )

  //        ┌─ 1
  //   0 ───┼─ 2
  //        └──┬─ 4
  //   3 ──────┘         3 is another worker's, and completes while 2 runs
  it.effect("looks again when it has run what follows from the value", () =>
    Effect.gen(function* () {
      const root = large(LARGE)
      const targets = [part("a", root), part("b", root), both(root, other())]
      const found = yield* run(targets, { delays: true, clusters: true }, [0], {
        during: (name, store) => {
          if (name === "b") Effect.runSync(store.complete(RUN, "v", [completed(3, [[4, 2]])]))
        }
      })
      assert.deepStrictEqual(found.put, [])
      assert.strictEqual(found.ran.at(-1), "both")
      assert.strictEqual(found.status, "succeeded")
    })
  )

  it.effect("runs a fan-in that became ready while the value was being stored", () =>
    Effect.gen(function* () {
      const coordination = yield* Coordination
      const objects = yield* ObjectStore
      const slow: ObjectStore["Service"] = {
        ...objects,
        put: (...args) =>
          Effect.andThen(coordination.complete(RUN, "v", [completed(1, [[2, 2]])]), objects.put(...args))
      }
      const found = yield* play(fanIn(), { delays: true, clusters: true }, [0]).pipe(
        Effect.provideService(ObjectStore, slow)
      )
      assert.deepStrictEqual(found.put, ["value/0"])
      assert.deepStrictEqual(found.ran, ["large", "both"])
      assert.strictEqual(found.status, "succeeded")
    }).pipe(stores)
  )
})
