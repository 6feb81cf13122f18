import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { it } from "@effect/vitest"
import { type Behaviour, GraphBuilder, Plan, Planner, Predictions } from "@weft/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { describe, expect } from "vitest"
import { RunFailed, run } from "weft"
import { Pace, pace } from "../src/pace.ts"
import { polite } from "../src/planner.ts"
import dictionary, { letters, lookUp, words } from "../src/workflow.ts"

const source = (file: string) => readFileSync(join(import.meta.dirname, "../src", file), "utf8")
const importsOf = (file: string) => [...source(file).matchAll(/from "([^"]+)"/g)].map(([, from]) => from)

const planOf = (targets: unknown) => {
  const { graph } = GraphBuilder.make(targets, "test")
  const planner = polite({ tasks: ["lookUp"], pauseMs: 20 })
  const plan = Effect.runSync(Planner.run(planner, graph, Predictions.none))
  Plan.check(plan, graph, planner.annotations)
  return { graph, plan }
}

describe("the planner", () => {
  it("needs nothing of weft but @weft/core", () => {
    expect(new Set(importsOf("planner.ts"))).toEqual(new Set(["@weft/core", "./pace.ts"]))
    expect(importsOf("pace.ts")).toEqual(["@weft/core", "effect/Effect", "effect/Schema"])
  })

  it("gives the calls of the service to one worker, with a pace, and leaves the rest open", () => {
    const { graph, plan } = planOf(dictionary.build(words))
    const calls = Array.from({ length: graph.size }, (_, id) => id).filter(
      (id) => graph.name(id) === "lookUp"
    )
    expect([...plan.nodes]).toEqual(
      calls.map((id) => [id, { worker: "polite", annotations: { pace: { pauseMs: 20 } } }])
    )
    expect(plan.notes).toEqual([`1 of ${graph.size} nodes run one after another, 20 ms apart`])
  })

  it("leaves graphs alone that do not call the service", () => {
    expect(planOf(letters("loom")).plan.nodes.size).toBe(0)
  })

  it("refuses a pause that is no number", () => {
    expect(() => Pace({ pauseMs: "long" as unknown as number })).toThrow(/the annotation "pace" is not valid/)
  })
})

describe("the behaviour", () => {
  it.effect("pauses after each call", () =>
    Effect.gen(function* () {
      const at: Array<number> = []
      const call = Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sync(() => at.push(now)))
      const context = { value: { pauseMs: 20 } } as Behaviour.NodeContext<{ readonly pauseMs: number }>
      const execute = pace.stages.execute!
      const fiber = yield* Effect.forkChild(
        Effect.forEach([1, 2, 3], () => execute(context, call), { discard: true })
      )
      yield* TestClock.adjust(1000)
      yield* Fiber.join(fiber)
      expect(at).toEqual([0, 20, 40])
    })
  )
})

describe.each(["inline", "threads"] as const)("on %s", (engine) => {
  const options = { engine, planner: polite({ tasks: ["lookUp"], pauseMs: 1 }), behaviours: [pace] } as const

  it("runs the workflow as planned", async () => {
    const entries = await run(dictionary, options)
    expect(entries.map(({ found }) => found.word)).toEqual(words)
    expect(new Set(entries.map(({ found }) => found.askedBy))).toEqual(new Set(["polite"]))
    expect(entries[2]).toMatchObject({ found: { meaning: "a frame for weaving" }, letters: 16 })
  })

  it("says which word is not there", async () => {
    const failed = await run(dictionary, { ...options, input: ["weft", "wool"] }).catch(
      (error: unknown) => error
    )
    expect(failed).toBeInstanceOf(RunFailed)
    expect((failed as RunFailed).failures[0]).toMatchObject({ task: "lookUp", worker: "polite" })
    expect((failed as RunFailed).message).toContain('there is no "wool" in the dictionary')
  })

  it("does without pauses without the planner", async () => {
    const entries = await run(dictionary, { engine, input: ["loom"] })
    expect(entries[0]!.found.askedBy).not.toBe("polite")
  })
})

it("does not compile without the behaviour", () => {
  // @ts-expect-error: no behaviour for the annotation "pace"
  const forgotten = () => run(lookUp("loom"), { planner: polite({ tasks: [], pauseMs: 1 }) })
  expect(forgotten).toBeTypeOf("function")
})

it("runs as its README says", () => {
  const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
  const { status, stderr, stdout } = spawnSync(process.execPath, ["--conditions=@weft/source", main], {
    encoding: "utf8"
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" })
  const shown = /```text\n(.*?)```/s.exec(readFileSync(join(import.meta.dirname, "../README.md"), "utf8"))![1]
  expect(stdout).toBe(shown)
})
