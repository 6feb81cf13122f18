// The scripts beside the store in memory, which is the reference: the same calls at the same times under random
// interleavings must get the same answers. The scripts' clock is the test's.
import { assert, it } from "@effect/vitest"
import { GraphBuilder } from "@weft/core"
import { Coordination, CoordinationMemory, type Reply, type RunState } from "@weft/storage"
import { startRedis } from "@weft/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import type { Redis } from "ioredis"
import { afterAll } from "vitest"
import { arbitraryWorkflow } from "../../core/test/randomGraph.ts"
import { type SimulationOptions, simulate, sizeOf } from "../../storage/test/protocol/Simulation.ts"
import * as CoordinationRedis from "../src/CoordinationRedis.ts"
import { RedisClient } from "../src/Redis.ts"

const server = await startRedis()
afterAll(() => server.stop())

/** A key that has the time, in place of the server's clock: in seconds and microseconds, as `TIME` answers. */
const CLOCK = "clock"

/** The client, whose scripts take the time from the key. */
const onTestClock = (commands: Redis): Redis =>
  new Proxy(commands, {
    get(target, property) {
      if (property !== "callBuffer") {
        const value: unknown = Reflect.get(target, property)
        return typeof value === "function" ? value.bind(target) : value
      }
      return (command: string, [text, ...args]: [string, ...ReadonlyArray<string>]) =>
        command === "EVALSHA"
          ? Promise.reject(new Error("NOSCRIPT"))
          : target.callBuffer("EVAL", [
              text.replace("call('TIME')", `call('LRANGE','${CLOCK}',0,1)`),
              ...args
            ])
    }
  })

const scripts = Layer.unwrap(
  Effect.map(RedisClient, (client) =>
    Layer.provide(
      CoordinationRedis.layer,
      Layer.succeed(RedisClient, { ...client, commands: onTestClock(client.commands as Redis) })
    )
  )
)

const sorted = <A>(list: ReadonlyArray<A>, text: (one: A) => string = String): ReadonlyArray<A> =>
  list.toSorted((a, b) => (text(a) < text(b) ? -1 : 1))

/**
 * What two answers have to have in common. Order is nobody's promise; nor is which of several workers that are lost in
 * the same step is seen first, and fails the run.
 */
const comparable = (answer: unknown): unknown => {
  if (typeof answer !== "object" || answer === null) return answer
  if ("failures" in answer)
    return { ...answer, failures: (answer as RunState).failures.map(({ kind }) => kind) }
  if (!("ready" in answer)) return answer
  const { dropped, invoke, ready, refused, ...more } = answer as Reply
  return {
    ...more,
    ready: sorted(
      ready.map(({ inputs, ...one }) => ({
        ...one,
        inputs: sorted(inputs.map(([instance, bytes]) => `${instance}=${bytes.join()}`))
      })),
      ({ instance }) => String(instance)
    ),
    invoke: sorted(invoke),
    refused,
    dropped: sorted(dropped)
  }
}

type Store = Coordination["Service"]
type Operation = (...args: ReadonlyArray<unknown>) => Effect.Effect<unknown>

/** Asks both, compares what they answer, and gives the answer of the first. */
const lockstep = (reference: Store, other: Store): Store =>
  new Proxy(reference, {
    get(_, name: keyof Store) {
      if (name === "inlineBytes" || name === "subscribe" || name === "publish") return reference[name]
      const one = reference[name] as unknown
      const two = other[name] as unknown
      const both = (a: Effect.Effect<unknown>, b: Effect.Effect<unknown>, what: string) =>
        Effect.map(Effect.all([a, b]), ([expected, answered]) => {
          assert.deepEqual(comparable(answered), comparable(expected), what)
          return expected
        })
      if (typeof one !== "function") return both(one as never, two as never, name)
      return (...args: ReadonlyArray<unknown>) =>
        both((one as Operation)(...args), (two as Operation)(...args), `${name} ${JSON.stringify(args)}`)
    }
  })

const simulations: fc.Arbitrary<SimulationOptions> = fc
  .record({
    workflows: fc.array(arbitraryWorkflow, { minLength: 1, maxLength: 4, size: "max" }),
    seed: fc.nat(2 ** 20),
    width: fc.integer({ min: 0, max: 4 }),
    named: fc.integer({ min: 0, max: 3 }),
    maxAttempts: fc.constantFrom(2, 4, 1_000_000),
    mayStop: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
    choices: fc.array(fc.nat(2 ** 16), { maxLength: 400, size: "max" })
  })
  .map(({ workflows, ...options }) => ({
    ...options,
    graph: GraphBuilder.make(
      workflows.map(({ build }) => build()),
      "random"
    ).graph
  }))
  .filter((options) => sizeOf(options) <= 120)

/** More for a longer search: `RUNS=10000 npx vitest run packages/storage-redis/test/lockstep`. */
const numRuns = Number(process.env.RUNS ?? 150)

it("answers as the store in memory does, call by call", { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(simulations, (options) =>
      Effect.gen(function* () {
        const { commands } = yield* RedisClient
        // What a case that failed has left behind.
        yield* Effect.promise(() => commands.flushdb())
        const setClock = (ms: number) =>
          Effect.promise(() =>
            commands
              .multi()
              .del(CLOCK)
              .rpush(CLOCK, Math.floor(ms / 1000), (ms % 1000) * 1000)
              .exec()
          )
        yield* setClock(0)
        let now = 0
        const elapse = (ms: number) =>
          Effect.andThen(
            TestClock.adjust(ms),
            Effect.suspend(() => setClock((now += ms)))
          )
        const [reference, other] = yield* Effect.all([
          Layer.build(Layer.fresh(CoordinationMemory.layer)),
          Layer.build(scripts)
        ])
        yield* simulate(
          lockstep(Context.get(reference, Coordination), Context.get(other, Coordination)),
          elapse,
          options
        )
      }).pipe(
        Effect.scoped,
        Effect.provide(Layer.mergeAll(TestClock.layer(), RedisClient.layer(server.url))),
        Effect.runPromise
      )
    ),
    { numRuns }
  )
})
