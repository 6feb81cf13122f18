/**
 * The option `--planner`: the name of a planner, or a module that exports one together with its behaviours.
 */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { Behaviour, type Planner } from "@weft/core"
import { simple } from "@weft/planner-simple"
import { ModuleError, TaskModule } from "@weft/worker"
import * as Effect from "effect/Effect"
import { type CliFailure, failed, usage } from "./CliFailure.ts"
import { withLine } from "./Explain.ts"

/** A planner, and behaviours for all that it may emit. */
export interface Choice {
  readonly planner: Planner.AnyPlanner
  readonly behaviours: ReadonlyArray<Behaviour.Behaviour>
}

/** Loaded when they are asked for. */
const named: ReadonlyMap<string, () => Promise<Choice>> = new Map<string, () => Promise<Choice>>([
  ["simple", async () => ({ planner: simple(), behaviours: [] })],
  [
    "uniform",
    async () => {
      const { behaviours, uniform } = await import("@weft/planner-uniform")
      return { planner: uniform(), behaviours }
    }
  ],
  [
    "report2",
    async () => {
      const { behaviours, report2 } = await import("@weft/planner-report2")
      return { planner: report2(), behaviours }
    }
  ],
  [
    "wukong",
    async () => {
      const { behaviours, wukong } = await import("@weft/planner-wukong")
      return { planner: wukong(), behaviours }
    }
  ],
  [
    "dask",
    async () => {
      const { behaviours, dask } = await import("@weft/planner-dask")
      return { planner: dask(), behaviours }
    }
  ],
  ["heft", async () => ({ planner: (await import("@weft/planning")).Baselines.heft(), behaviours: [] })],
  ["random", async () => ({ planner: (await import("@weft/planning")).Baselines.random(), behaviours: [] })],
  ["single", async () => ({ planner: (await import("@weft/planning")).Baselines.single(), behaviours: [] })]
])

/** The planners that have names. */
export const names: ReadonlyArray<string> = [...named.keys()]

/** The planner of that name or in that file. */
export const choose = Effect.fnUntraced(function* (
  given: string
): Effect.fn.Return<Choice, CliFailure | ModuleError> {
  const known = named.get(given)
  if (known !== undefined) return yield* Effect.promise(known)
  const file = resolve(given)
  if (!/[./\\]/.test(given) && !existsSync(file)) {
    return yield* usage(
      `there is no planner "${given}": choose one of ${names.join(", ")}, or name a module that exports a planner, such as ./planner.ts`
    )
  }
  const url = pathToFileURL(file).href
  // Loads it with its errors explained; the second import gives the same module.
  yield* TaskModule.load(url)
  const exported = yield* Effect.promise(() => import(url) as Promise<Record<string, unknown>>)
  return yield* find(file, exported)
})

const find = Effect.fnUntraced(function* (file: string, exported: Readonly<Record<string, unknown>>) {
  const planners = new Set(Object.values(exported).filter(isPlanner))
  const [first, ...others] = isPlanner(exported.default) ? [exported.default] : planners
  if (first === undefined) {
    return yield* new ModuleError({
      file,
      reason: "it exports no planner; write `export default planner({ … })`"
    })
  }
  if (others.length > 0) {
    const all = [...planners].map(({ name }) => `"${name}"`).join(", ")
    return yield* new ModuleError({
      file,
      reason: `it exports several planners (${all}); make one the default`
    })
  }
  const behaviours = [...new Set(Object.values(exported).filter(Behaviour.isBehaviour))]
  const uncovered = first.annotations.find(
    ({ annotation }) => !behaviours.some((behaviour) => behaviour.annotation.annotation === annotation)
  )
  if (uncovered !== undefined) {
    return yield* new ModuleError({
      file,
      reason: `it exports no behaviour for the annotation "${uncovered.annotation}", which its planner "${first.name}" may emit`
    })
  }
  return { planner: guarded(first), behaviours }
})

/** The same planner; when it throws, that is said to be so. */
const guarded = (planner: Planner.AnyPlanner): Planner.AnyPlanner => {
  const wrong = (error: unknown) =>
    failed(withLine(`the planner "${planner.name}" threw ${String(error)}`, error, process.cwd()))
  return {
    ...planner,
    plan: (input) =>
      Effect.suspend(() => {
        const done = planner.plan(input)
        return Effect.isEffect(done) ? done : Effect.promise(() => Promise.resolve(done))
      }).pipe(Effect.catchDefect((error) => Effect.die(wrong(error))))
  }
}

const isPlanner = (value: unknown): value is Planner.AnyPlanner =>
  typeof value === "object" &&
  value !== null &&
  "name" in value &&
  typeof value.name === "string" &&
  "annotations" in value &&
  Array.isArray(value.annotations) &&
  "plan" in value &&
  typeof value.plan === "function"
