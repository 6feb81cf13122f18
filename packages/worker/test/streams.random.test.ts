// Random networks of streams, planned at random and disturbed at random, give what plain lists give.
import { type Items, stream } from "@weft/annotations"
import type { Node } from "@weft/core"
import type { Streams } from "@weft/storage"
import * as Effect from "effect/Effect"
import fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import { inline, threads } from "../src/index.ts"
import { arbitraryPlan } from "./arbitraryPlan.ts"
import * as tasks from "./fixtures/streams.ts"
import { losing } from "./forgetful.ts"
import { type Settings, value } from "./harness.ts"

const { all, count, countFast, first, moduleUrl: module, peek, plusOne, sum, twice, withSum, zip } = tasks

const RUNS = 40
const TIMEOUT = 120_000

/** How one more generator or reader is made of those before it; indices are taken modulo how many there are. */
interface Step {
  readonly kind: "count" | "fast" | "plus" | "zip" | "sum" | "all" | "twice" | "peek" | "first" | "withSum"
  readonly a: number
  readonly b: number
  readonly n: number
  /** `undefined`: without the annotation. */
  readonly buffer: number | undefined
}

const arbitrarySteps: fc.Arbitrary<ReadonlyArray<Step>> = fc.array(
  fc.record({
    kind: fc.constantFrom("count", "fast", "plus", "zip", "sum", "all", "twice", "peek", "first", "withSum"),
    a: fc.nat(20),
    b: fc.nat(20),
    n: fc.oneof(fc.nat(4), fc.nat(25)),
    buffer: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined })
  }),
  { minLength: 1, maxLength: 9 }
)

const interleaved = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i) => [a.slice(i, i + 1), b.slice(i, i + 1)]).flat(
    2
  )

/** The nodes of a network, and what they must give. */
const build = (steps: ReadonlyArray<Step>) => {
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)
  const generators: Array<readonly [node: Node<Items<number>>, items: ReadonlyArray<number>]> = [
    [stream(count, { buffer: 2 })(6), upTo(6)]
  ]
  const results: Array<readonly [node: Node<unknown>, value: unknown]> = []
  const sums: Array<readonly [node: Node<number>, value: number]> = []
  const total = (items: ReadonlyArray<number>) => items.reduce((x, y) => x + y, 0)
  for (const { a, b, buffer, kind, n } of steps) {
    const [node, items] = generators[a % generators.length]!
    const [other, others] = generators[b % generators.length]!
    const streamed = <T extends typeof count | typeof plusOne | typeof zip | typeof countFast>(task: T): T =>
      buffer === undefined ? task : (stream(task as typeof count, { buffer }) as unknown as T)
    switch (kind) {
      case "count":
        generators.push([streamed(count)(n), upTo(n)])
        break
      case "fast":
        generators.push([streamed(countFast)(n), upTo(n)])
        break
      case "plus":
        generators.push([streamed(plusOne)(node), items.map((item) => item + 1)])
        break
      case "zip":
        generators.push([streamed(zip)(node, other), interleaved(items, others)])
        break
      case "sum":
        sums.push([sum(node), total(items)])
        break
      case "all":
        results.push([all(node), items])
        break
      case "twice":
        results.push([twice(node), 2 * total(items)])
        break
      case "peek":
        results.push([peek(node), total(items) + (items[0] ?? 0)])
        break
      case "first":
        results.push([first(n, node), items.slice(0, n)])
        break
      case "withSum": {
        const known = sums[b % Math.max(1, sums.length)]
        results.push(
          known === undefined
            ? [withSum(node), total(items)]
            : [withSum(node, known[0]), total(items) + known[1]]
        )
      }
    }
  }
  const [last, items] = generators.at(-1)!
  const wanted = [...results, ...sums, [all(last), items] as const]
  return { nodes: wanted.map(([node]) => node), expected: wanted.map(([, value]) => value) }
}

/** A store that says of some producers and readers that they are dead, and loses some messages. */
const doubtful = (chance: () => boolean): Pick<Settings, "streams"> => ({
  streams: (real: Streams["Service"]) => ({
    ...real,
    append: (run, id, append) =>
      Effect.map(real.append(run, id, append), (known) => (chance() ? { ...known, read: undefined } : known)),
    read: (run, id, read) =>
      Effect.map(real.read(run, id, read), (state) =>
        chance() && state.status === "open" ? { ...state, items: [], status: "silent" as const } : state
      ),
    subscribe: (run, id, news, listener) => real.subscribe(run, id, news, () => chance() || listener())
  })
})

const check = (
  settings: Omit<Settings, "module">,
  disturb: (chance: () => boolean) => Partial<Settings> = () => ({})
) =>
  fc.assert(
    fc.asyncProperty(
      arbitrarySteps,
      arbitraryPlan,
      fc.infiniteStream(fc.nat(9)),
      async (steps, plan, dice) => {
        const { expected, nodes } = build(steps)
        const chance = () => dice.next().value === 0
        const found = await value(nodes, { ...settings, module, plan, maxAttempts: 20, ...disturb(chance) })
        expect(found).toEqual(expected)
      }
    ),
    // One that does not end is told, with its network; making that smaller would take as long each time.
    { numRuns: RUNS, timeout: TIMEOUT / 4, endOnFailure: true }
  )

describe("inline", () => {
  it.each([{ idleMs: 5 }, { concurrency: 1, idleMs: 2 }, { concurrency: 2, idleMs: 0 }])(
    "%o",
    (options) => check({ engine: inline(options), lifeMs: 300 }),
    TIMEOUT
  )

  it(
    "with a store that takes many for dead",
    () => check({ engine: inline({ idleMs: 2 }), lifeMs: 60 }, doubtful),
    TIMEOUT
  )

  it(
    "with workers that break",
    () =>
      check({ engine: inline({ idleMs: 2 }), lifeMs: 300 }, (chance) => {
        let left = 3
        return losing(() => chance() && left-- > 0)
      }),
    TIMEOUT
  )
})

describe("threads", () => {
  const engines = [
    { threads: 1, idleMs: 2 },
    { threads: 2, concurrency: 6, idleMs: 5 }
  ].map((options) => ({ options, engine: threads(options) }))
  afterAll(() => Promise.all(engines.map(({ engine }) => engine.close())))

  it.each(engines)("$options", ({ engine }) => check({ engine }), TIMEOUT)
})
