/**
 * Deployments, as commands make them: which sizes, which code, and what people see meanwhile.
 */
import type { Behaviour, Plan, Planner } from "@weft/core"
import type { Deployment, DeployOptions, DeployStep, Policy, Template } from "@weft/engine-lambda/deploy"
import { History } from "@weft/storage"
import { Sizes } from "@weft/worker"
import * as Effect from "effect/Effect"
import type { Job } from "../internal/Job.ts"
import * as Planning from "../internal/Planning.ts"
import * as StoreUrl from "../internal/StoreUrl.ts"
import { shownPath } from "./FailureText.ts"
import { type HistoryGiven, knownHistory } from "./HistoryPlaces.ts"
import type { Place } from "./Places.ts"
import type { Choice } from "./PlannerFile.ts"
import { bytes } from "./Units.ts"

/** A job's plan, and the memory sizes that it needs, in MiB. */
export const planned = Effect.fnUntraced(function* (job: Job, choice: Choice, given: HistoryGiven) {
  const history =
    choice.planner.usesHistory === false ? History.makeMemory() : yield* Effect.scoped(knownHistory(given))
  const { plan } = yield* Planning.plan(job.graph, { ...choice, engine: { name: "lambda" } }).pipe(
    Effect.provideService(History, history)
  )
  return { plan, memory: new Sizes(job.graph, plan).all() }
})

/** A planner that has this plan already. */
export const planner = (of: Planner.AnyPlanner, plan: Plan.Plan): Planner.AnyPlanner => ({
  name: of.name,
  annotations: of.annotations,
  plan: ({ draft }) => {
    const values = (annotations: Readonly<Record<string, unknown>> = {}) =>
      Object.entries(annotations).map(([name, value]) => ({ name, value }))
    draft.setMemory(plan.memory)
    draft.annotatePlan(...values(plan.annotations))
    for (const [node, { annotations, ...to }] of plan.nodes) {
      draft.assign(node, to)
      draft.annotate(node, ...values(annotations))
    }
    for (const note of plan.notes) draft.note(note)
    draft.predict(plan.timeline)
  }
})

/** What a command asks for. */
export interface Asked {
  /** The workflow's file. */
  readonly file: string
  /** The store as functions reach it. */
  readonly place: Place
  readonly behaviours: ReadonlyArray<Behaviour.Behaviour>
  readonly given: Omit<DeployOptions, "stores" | "behaviours" | "onStep">
  /** Tells people what is being done. */
  readonly say: (line: string) => void
}

/** Deploys a workflow's file. */
export const deploy = (asked: Asked): Effect.Effect<Deployment, unknown> =>
  loaded(async ({ deploy }) => deploy(asked.file, await optionsOf(asked)))

/** Writes a template instead. */
export const template = (asked: Asked, target: string): Effect.Effect<Template, unknown> =>
  loaded(async ({ writeTemplate }) => writeTemplate(asked.file, target, await optionsOf(asked)))

/** What the functions' role has to allow. */
export const policy = (asked: Asked): Effect.Effect<Policy, unknown> =>
  loaded(async ({ policy }) => policy(asked.file, await optionsOf(asked)))

/** With what is loaded for this only. */
const loaded = <A>(make: (module: typeof import("@weft/engine-lambda/deploy")) => Promise<A>) =>
  Effect.tryPromise({
    try: async () => make(await import("@weft/engine-lambda/deploy")),
    catch: (error) => error
  })

const optionsOf = async ({ behaviours, given, place, say }: Asked): Promise<DeployOptions> => ({
  ...given,
  stores: await StoreUrl.fromUrl(place.store, place.objects),
  behaviours: [...new Set(behaviours.map(({ module }) => module))],
  onStep: (step) => say(stepLine(step))
})

/** What is being done. */
const stepLine = (step: DeployStep): string => {
  switch (step.type) {
    case "bundle":
      return `Bundling ${shownPath(step.file, process.cwd())}`
    case "install":
      return `Installing ${step.packages.join(", ")} for ${step.target}`
    case "upload":
      return `Uploading ${bytes(step.bytes)} to ${step.function}`
    case "wait":
      return `Waiting for ${step.function}`
    case "check":
      return `Checking ${step.function} from inside`
  }
}
