/**
 * What plans say about who runs what, when it is fetched, and what is started for it, on any engine: to be called by each
 * engine's tests, with an engine over stores of its own.
 */
import { Preload, Prewarm, preloading, prewarming } from "@weft/annotations"
import { each, type Plan } from "@weft/core"
import { describe, expect, it } from "vitest"
import { begin, elements, join, late, moduleUrl, produce } from "./fixtures/placement.ts"
import { byName, end, type Settings } from "./harness.ts"

/** The URL of the module that exports the tasks. */
export const module = moduleUrl

export interface Placed extends Pick<Settings, "engine" | "shared" | "leaseMs"> {
  /** Whether its named workers leave as soon as there is nothing to do, or wait for long. */
  readonly waits: "hardly" | "long"
}

const LATE_MS = 500
const behaviours = [preloading, prewarming]

/** On "a": `join`, which reads what "b" gives. */
const plans = (annotations: Plan.NodePlan["annotations"] = {}) =>
  byName({
    begin: { worker: "a" },
    produce: { worker: "b" },
    late: { worker: "b" },
    join: { worker: "a", annotations }
  })

/** What a run gave, and how many bytes its calls of `join` had to wait for. */
const joins = async (targets: unknown, settings: Settings) => {
  const { failures, graph, messages, status, value } = await end(targets, settings)
  expect({ failures, status }).toEqual({ failures: [], status: "succeeded" })
  const read = messages
    .flatMap((message) => (message.type === "completed" ? message.completions : []))
    .filter(({ instance }) => graph.name(Number.parseInt(String(instance), 10)) === "join")
    .map(({ measure }) => measure.inputBytes)
  return { value, read }
}

/**
 * Registers the tests. To be called inside a `describe`.
 *
 * @param engines what they are run on
 */
export const testPlacement = (engines: ReadonlyArray<Placed>): void => {
  //  begin(a) ── produce(b) ─┬─ late(b) ─┬─ join(a)
  //                          └───────────┘
  const chain = (size: number) => {
    const bytes = produce(size, begin(1))
    return join(bytes, late(LATE_MS, bytes))
  }

  describe.each(engines)("named workers that wait $waits", ({ waits: _, ...placed }) => {
    const settings = { ...placed, module, behaviours }

    // Values beside their completions, and in the object store.
    describe.each([5000, 3_000_000])("for values of %d bytes", (size) => {
      it("fetch what their nodes read when these run", async () => {
        const { read, value } = await joins(chain(size), { ...settings, plan: plans() })
        expect(value).toBe(size + LATE_MS)
        expect(read[0]).toBeGreaterThan(size)
      })

      it("fetch it before, if they are told to", async () => {
        const plan = plans({ [Preload.annotation]: true })
        const { read, value } = await joins(chain(size), { ...settings, plan })
        expect(value).toBe(size + LATE_MS)
        expect(read[0]).toBeLessThan(size)
      })
    })

    it("have what they need started while a node runs", async () => {
      const [{ name, value: warm }] = [Prewarm([{ memory: 512, workers: 2, afterMs: 0 }])]
      const plan = byName({ begin: { annotations: { [name]: warm } } })
      const { read, value } = await joins(chain(100), { ...settings, plan })
      expect(value).toBe(100 + LATE_MS)
      expect(read).toHaveLength(1)
    })
  })

  it("named workers that stay fetch ahead inside of an each, as they are told of it", async () => {
    const { waits: _, ...placed } = engines.find(({ waits }) => waits === "long")!
    const size = 5000
    const all = each(elements(3), (n) => {
      const bytes = produce(size, begin(n))
      return join(bytes, late(LATE_MS, bytes))
    })
    const plan = plans({ [Preload.annotation]: true })
    const { read, value } = await joins(all, { ...placed, module, behaviours, plan })
    expect(value).toEqual([1, 2, 3].map(() => size + LATE_MS))
    for (const bytes of read) expect(bytes).toBeLessThan(size)
  })
}
